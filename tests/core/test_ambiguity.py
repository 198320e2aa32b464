"""With a separator, one name means one team: over all short names, and over long ones made to collide."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import ADMINS, POLICY, facts, policy, rules, state
from webhook.core import labels
from webhook.core.model import NamespaceState
from webhook.core.pattern import Pattern

SHORT = ["".join(chars) for length in (1, 2, 3, 4, 5) for chars in itertools.product("a-", repeat=length)]
SEPARATORS = pytest.mark.parametrize("separator", ["-", "--"])


def owners(
    name: str, teams: Iterable[str], separator: str, *, pattern: Pattern, old: NamespaceState | None = None
) -> list[str]:
    """The teams for which an admin, who acts for all of them, may have the namespace."""
    chosen = policy(team_separator=separator, name_pattern=pattern)
    return [
        team
        for team in teams
        if not rules(facts(name=name, labels={labels.TEAM: team}, groups=ADMINS, old=old), chosen)
    ]


@SEPARATORS
def test_every_short_name_is_of_one_team_at_most(separator: str) -> None:
    anything = Pattern(".*")
    found = [owners(name, SHORT, separator, pattern=anything) for name in SHORT]
    assert max(map(len, found)) == 1
    assert sum(map(len, found)) > 10, "many names are of some team"


def test_without_a_separator_the_label_alone_decides() -> None:
    assert owners("ab", ["ab", "aa"], "", pattern=Pattern(".*")) == ["ab", "aa"]


parts = st.text("ab1-", min_size=1, max_size=6)


@st.composite
def colliding(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A name, and teams that are beginnings of it, nearly or in full."""
    separator = draw(st.sampled_from(["-", "--", "---"]))
    name = separator.join(draw(st.lists(parts, min_size=1, max_size=4)))
    cuts = draw(st.lists(st.integers(0, len(name)), min_size=2, max_size=6))
    return name, sorted({name[:cut].strip("-") if draw(st.booleans()) else name[:cut] for cut in cuts})


@SEPARATORS
@settings(deadline=None, max_examples=50)
@given(colliding())
def test_a_name_is_of_one_team_at_most(separator: str, made: tuple[str, list[str]]) -> None:
    name, teams = made
    assert len(owners(name, teams, separator, pattern=POLICY.name_pattern)) <= 1
    assert len(owners(name, teams, separator, pattern=Pattern(".*"))) <= 1


@SEPARATORS
@settings(deadline=None, max_examples=50)
@given(colliding())
def test_nor_is_it_given_to_another_later(separator: str, made: tuple[str, list[str]]) -> None:
    """Names from before the separator may be of no team, and can then be given to none."""
    name, teams = made
    old = state(labels={labels.TEAM: "somebody"})
    assert len(owners(name, teams, separator, pattern=POLICY.name_pattern, old=old)) <= 1


@SEPARATORS
@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"[a-z][a-z0-9]{1,8}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True))
def test_a_team_has_its_own_name_and_every_name_behind_it(separator: str, team: str, rest: str) -> None:
    for name in (team, team + separator + rest):
        assert (
            owners(name, [team], separator, pattern=Pattern(".*")) == [team]
            or name in POLICY.exempt_names | POLICY.reserved_names
        )
