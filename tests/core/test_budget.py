"""Who has room in the budget of a team, in tables and in laws."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.core import budget
from webhook.core.budget import GRANTED, Claim, Limits
from webhook.core.policy import Budget
from webhook.core.quantity import parse

TWO = Budget(namespaces=2)
BIG = {"requests.cpu": "9", "requests.memory": "12Gi", "pods": "6"}
CPU = Budget(quota={"requests.cpu": "10"})


def claim(name: str, *, at: int = 0, wants: Limits | None = None, has: Limits | None = None) -> Claim:
    """Created `at` seconds after the beginning."""
    return Claim(name, f"2026-03-01T12:00:{at:02}Z", wants or {}, has)


def cpu(amount: str) -> Limits:
    return {"requests.cpu": amount}


def message(rules: Budget, claims: list[Claim], name: str) -> str:
    (asking,) = [each for each in claims if each.name == name]
    found = budget.verdict("payments", rules, asking, budget.settle(rules, claims))
    assert not found.granted
    return found.message.removeprefix("no room in the budget of team payments: ")


@pytest.mark.parametrize(
    ("rules", "claims", "granted"),
    [
        pytest.param(
            TWO, [claim("c", at=3), claim("b", at=2), claim("a", at=1)], "ab", id="the oldest first"
        ),
        pytest.param(TWO, [claim("b"), claim("c"), claim("a")], "ab", id="by name when created together"),
        pytest.param(
            TWO,
            [claim("a"), claim("b", has={}), claim("c", has={})],
            "bc",
            id="not instead of one with a place",
        ),
        pytest.param(
            Budget(namespaces=0),
            [claim("a"), claim("b", has={})],
            "b",
            id="a smaller budget takes nothing away",
        ),
        pytest.param(Budget(), [claim("a", wants=cpu("1000"))], "a", id="no limits"),
        pytest.param(
            CPU, [claim("a", wants=cpu("4500m")), claim("b", wants=cpu("5.5"))], "ab", id="sums are exact"
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("4500m")), claim("b", wants=cpu("5501m"))],
            "a",
            id="a thousandth too much",
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("9999.5m")), claim("b", wants=cpu("0.5m"))],
            "a",
            id="what is finer than a thousandth counts as one",
        ),
        pytest.param(
            CPU,
            [
                claim("a", at=1, wants=cpu("6")),
                claim("b", at=2, wants=cpu("5")),
                claim("c", at=3, wants=cpu("1")),
            ],
            "a",
            id="a small one does not overtake",
        ),
        pytest.param(
            CPU,
            [claim("a", at=1, wants=cpu("11")), claim("b", at=2, wants=cpu("10"))],
            "b",
            id="what never fits holds up nobody",
        ),
        pytest.param(
            CPU, [claim("a", wants={"pods": "1"}), claim("b", wants=cpu("10"))], "b", id="no limit never fits"
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("4"), has=cpu("2")), claim("b", wants=cpu("6"), has=cpu("6"))],
            "ab",
            id="one with a place may grow while there is room",
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("5"), has=cpu("2")), claim("b", wants=cpu("6"), has=cpu("6"))],
            "b",
            id="and no further",
        ),
        pytest.param(
            CPU,
            [claim("a", at=2, wants=cpu("8"), has=cpu("6")), claim("b", at=1, wants=cpu("3"))],
            "b",
            id="growing stands in the same line",
        ),
        pytest.param(
            Budget(quota={"requests.cpu": "10", "pods": "5"}),
            [
                claim(
                    "a", wants={"requests.cpu": "12", "pods": "4"}, has={"requests.cpu": "20", "pods": "3"}
                ),
                claim("b", at=1, wants={"requests.cpu": "1", "pods": "1"}),
            ],
            "a",
            id="who gives back some and takes some is not held to what it gives back",
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("2"), has={}), claim("b", wants=cpu("1"))],
            "a",
            id="one without a limit, from before the budget, leaves room for nobody",
        ),
    ],
)
def test_who_has_room(rules: Budget, claims: list[Claim], granted: str) -> None:
    assert budget.settle(rules, claims).granted == set(granted)


@pytest.mark.parametrize(
    ("rules", "claims", "told"),
    [
        pytest.param(
            TWO,
            [claim("a", at=1), claim("b", has={}), claim("c", has={})],
            "namespaces: 1 asked, 2 of 2 used",
            id="too many",
        ),
        pytest.param(
            Budget(2, {"requests.cpu": "10", "requests.memory": "16Gi", "pods": "9"}),
            [
                claim("a", wants={"requests.cpu": "1500m", "requests.memory": "8Gi", "pods": "3"}),
                claim("b", wants=BIG, has=BIG),
            ],
            "requests.cpu: 1500m asked, 9 of 10 used; requests.memory: 8Gi asked, 12Gi of 16Gi used",
            id="all that is short, and nothing else",
        ),
        pytest.param(
            CPU,
            [
                claim("a", at=2, wants=cpu("1")),
                claim("b", at=1, wants=cpu("4")),
                claim("c", wants=cpu("8"), has=cpu("8")),
            ],
            "b is older and has to fit first",
            id="an older one",
        ),
        pytest.param(
            CPU,
            [claim("a", wants={"pods": "1"})],
            "requests.cpu: no limit asked, 0 of 10 used, and its tier has to limit it",
            id="a tier that does not know the limit",
        ),
        pytest.param(
            CPU,
            [claim("a", wants=cpu("12"), has=cpu("6500m"))],
            "requests.cpu: 12 instead of 6500m asked, 6500m of 10 used",
            id="growing",
        ),
    ],
)
def test_what_is_told(rules: Budget, claims: list[Claim], told: str) -> None:
    assert message(rules, claims, "a") == told


def test_one_with_a_place_keeps_what_it_has_and_another_has_nothing() -> None:
    claims = [claim("a", wants=cpu("11"), has=cpu("1")), claim("b", wants=cpu("11"))]
    standing = budget.settle(CPU, claims)
    assert [budget.verdict("x", CPU, each, standing).keep for each in claims] == [True, False]
    fits = claim("c", wants=cpu("9"))
    assert budget.verdict("x", CPU, fits, budget.settle(CPU, [*claims, fits])) is GRANTED


@pytest.mark.parametrize(
    ("one", "other", "larger"),
    [
        pytest.param(cpu("2"), cpu("1500m"), cpu("2"), id="its own"),
        pytest.param(cpu("1"), cpu("1500m"), cpu("1500m"), id="the other's"),
        pytest.param(cpu("1"), {"pods": "5"}, cpu("1"), id="keys of the other's own count for nothing"),
        pytest.param(
            {"requests.cpu": "1", "pods": "7"}, cpu("3"), {"requests.cpu": "3", "pods": "7"}, id="each key"
        ),
    ],
)
def test_the_larger_of_two(one: Limits, other: Limits, larger: Limits) -> None:
    assert budget.larger(one, other) == larger
    assert (budget.larger(one, other) is one) == (larger == one)


KEYS = ("requests.cpu", "pods", "requests.memory")
amounts = st.sampled_from(["0", "1", "500m", "2", "3", "1Ki", "0.001", "7"])
hard = st.dictionaries(st.sampled_from(KEYS), amounts, max_size=3)
budgets = st.builds(
    Budget, st.none() | st.integers(0, 6), st.dictionaries(st.sampled_from(KEYS), amounts, max_size=2)
)
names = st.sampled_from([f"{letter}{number}" for letter in "abc" for number in range(4)])
claims_of_a_team = st.dictionaries(
    names, st.tuples(st.integers(0, 3), hard, st.none() | hard), max_size=8
).map(lambda found: [claim(name, at=at, wants=wants, has=has) for name, (at, wants, has) in found.items()])


def more(rules: Budget, each: Claim) -> bool:
    """Whether a claim asks for more than it has, said without the code under test."""
    if each.granted is None:
        return True
    return any(
        key in each.granted and (key not in each.wanted or parse(each.wanted[key]) > parse(each.granted[key]))
        for key in rules.quota
    )


def takes(part: Budget, each: Claim) -> bool:
    """Whether a claim, if granted, leaves less of one part of the budget than there was."""
    if each.granted is None and part.namespaces is None:
        return any(parse(each.wanted.get(key, "1")) > 0 for key in part.quota)
    return more(part, each)


def within(rules: Budget, held: list[Limits]) -> bool:
    """Whether namespaces with these limits are within the budget together."""
    if rules.namespaces is not None and len(held) > rules.namespaces:
        return False
    return all(
        all(key in each for each in held) and sum(parse(each[key]) for each in held) <= parse(limit)
        for key, limit in rules.quota.items()
    )


@settings(deadline=None)
@given(budgets, claims_of_a_team)
def test_a_place_is_never_lost(rules: Budget, claims: list[Claim]) -> None:
    kept = {each.name for each in claims if not more(rules, each)}
    assert kept <= budget.settle(rules, claims).granted


@settings(deadline=None)
@given(budgets, claims_of_a_team)
def test_a_new_grant_never_breaks_the_budget(rules: Budget, claims: list[Claim]) -> None:
    """Where a part of it is exceeded already, nobody who takes more of that is let in."""
    admitted = budget.settle(rules, claims).admitted
    held = [each.wanted if each.name in admitted else each.granted for each in claims]
    after = [limits for limits in held if limits is not None]
    for part in (Budget(rules.namespaces), *(Budget(quota={key: top}) for key, top in rules.quota.items())):
        if any(takes(part, each) for each in claims if each.name in admitted):
            assert within(part, after)


@settings(deadline=None)
@given(budgets, claims_of_a_team)
def test_nobody_overtakes_one_who_could_fit_some_day(rules: Budget, claims: list[Claim]) -> None:
    standing = budget.settle(rules, claims)
    waiting = [each for each in claims if each.name not in standing.granted and each.granted is None]
    for each in waiting:
        if within(rules, [each.wanted]):
            younger = [other for other in claims if (other.created, other.name) > (each.created, each.name)]
            assert not {other.name for other in younger} & set(standing.admitted)


@settings(deadline=None)
@given(budgets, claims_of_a_team)
def test_nobody_waits_without_need(rules: Budget, claims: list[Claim]) -> None:
    """Who stands first does not fit; so nothing is left for it to take."""
    standing = budget.settle(rules, claims)
    for each in claims:
        if each.name == standing.first:
            told = budget.verdict("x", rules, each, standing).message
            assert "is older" not in told
    new = [each for each in claims if each.granted is None and within(rules, [each.wanted])]
    if new and not standing.first:
        assert {each.name for each in new} <= standing.granted


@settings(deadline=None)
@given(budgets, claims_of_a_team, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(rules: Budget, claims: list[Claim], chance: random.Random) -> None:
    shuffled = claims[:]
    chance.shuffle(shuffled)
    assert budget.settle(rules, shuffled) == budget.settle(rules, claims)


@settings(deadline=None)
@given(budgets, claims_of_a_team)
def test_what_was_decided_stays_decided(rules: Budget, claims: list[Claim]) -> None:
    standing = budget.settle(rules, claims)
    later = [
        replace(each, granted=each.wanted) if each.name in standing.admitted else each for each in claims
    ]
    again = budget.settle(rules, later)
    assert again.granted == standing.granted
    assert (again.admitted, again.used, again.first) == ((), standing.used, standing.first)
