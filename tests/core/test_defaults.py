"""What a namespace is given that does not say it."""

import pytest

from tests.core.builders import COMPLETE, ENFORCE, POLICY, WARN, Changes, facts, state
from webhook.core import decide, labels
from webhook.core.model import Additions, Facts

NOTHING: Changes = dict.fromkeys(COMPLETE)
POD_SECURITY = {
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}


def _bare(labels_: Changes | None = None, name: str = "payments") -> Facts:
    return facts(name=name, labels={**NOTHING, **(labels_ or {})}, annotations={labels.REQUESTED_BY: None})


def test_a_plain_namespace_gets_everything() -> None:
    assert decide.mutate(_bare(), POLICY) == Additions(
        labels={
            "app.kubernetes.io/managed-by": "ns-provisioner",
            "platform/tier": "small",
            "platform/team": "payments",
            **POD_SECURITY,
        },
        annotations={"platform/requested-by": "jane"},
    )


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        pytest.param(facts(), {}, id="a complete one gets nothing"),
        pytest.param(
            facts(labels={ENFORCE: None, WARN: None}), POD_SECURITY, id="one without levels gets those"
        ),
        pytest.param(
            facts(labels={ENFORCE: "restricted", WARN: None}),
            {WARN: "restricted"},
            id="a stricter level stays",
        ),
        pytest.param(
            facts(labels={labels.TIER: "huge", ENFORCE: None, WARN: None}),
            {},
            id="an unknown tier gives no pod security",
        ),
        pytest.param(facts(labels={labels.TEAM: ""}), {}, id="an empty team stays empty"),
        pytest.param(facts(labels={labels.MANAGED_BY: "Helm"}), {}, id="another manager stays"),
    ],
)
def test_only_missing_keys_are_added(asked: Facts, added: dict[str, str]) -> None:
    assert decide.mutate(asked, POLICY) == Additions(labels=added)


def test_a_name_to_be_generated_gives_no_team() -> None:
    assert labels.TEAM not in decide.mutate(_bare(name=""), POLICY).labels


def test_a_generated_name_is_asked_for_its_team() -> None:
    """The validating stage sees the name that mutation did not."""
    nameless = _bare(name="")
    complete = decide.mutate(nameless, POLICY).applied_to(nameless.new)
    named = Facts(nameless.operation, "run-x7k2p", nameless.caller, complete)
    decided = decide.validate(named, POLICY)
    assert [violation.path for violation in decided.violations] == ["metadata.labels[platform/team]"]


def test_an_update_adds_nothing_even_to_a_bare_namespace() -> None:
    asked = facts(labels=NOTHING, annotations={labels.REQUESTED_BY: None}, old=state())
    assert decide.mutate(asked, POLICY) == Additions()
