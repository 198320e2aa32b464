"""`nsp explain`, and the page that is made from it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Nsp
from webhook.core.rules import MANAGED_OBJECTS, RULES, Rule

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_all_rules_are_listed(nsp: Nsp) -> None:
    code, out, err = nsp("explain")
    assert (code, err) == (0, "")
    names = [*(rule.id for rule in RULES), MANAGED_OBJECTS.id]
    assert [line.split()[0] for line in out.splitlines()] == names


@pytest.mark.parametrize("name", [rule.id for rule in RULES])
def test_a_rule_is_explained_with_a_denial_and_both_examples(nsp: Nsp, name: str) -> None:
    code, out, err = nsp("explain", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"{name}\n")
    assert f"[{name}]" in out
    assert out.index("Wrong:") < out.index("Right:")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_the_examples_presume_is_shown_with_them(nsp: Nsp, rule: Rule) -> None:
    out = nsp("explain", rule.id).out
    assert ("Presumes in the catalogue:" in out) is bool(rule.shown)
    assert rule.shown in out


def test_the_rule_on_objects_is_explained_without_an_example(nsp: Nsp) -> None:
    code, out, err = nsp("explain", MANAGED_OBJECTS.id)
    assert (code, err) == (0, "")
    assert " ".join(out.split()) == f"{MANAGED_OBJECTS.id} {MANAGED_OBJECTS.text}"


def test_an_unknown_rule_is_answered_with_the_nearest(nsp: Nsp) -> None:
    code, _, err = nsp("explain", "tier")
    assert code == 2
    assert '"tier" is no rule; did you mean tier-exists?' in " ".join(err.split())


def test_the_page_is_fresh(nsp: Nsp) -> None:
    assert nsp("explain", "--markdown").out == PAGE.read_text(), "run make docs"
