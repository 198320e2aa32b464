"""What a namespace is given that does not say it."""

import pytest

from tests.core.builders import COMPLETE, POLICY, Changes, facts, state
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
        pytest.param(facts(), POD_SECURITY, id="a complete one gets only pod security"),
        pytest.param(
            facts(labels={"pod-security.kubernetes.io/enforce": "restricted"}),
            {"pod-security.kubernetes.io/warn": "restricted"},
            id="a stricter level stays",
        ),
        pytest.param(facts(labels={labels.TIER: "huge"}), {}, id="an unknown tier gives no pod security"),
        pytest.param(facts(labels={labels.TEAM: ""}), POD_SECURITY, id="an empty team stays empty"),
        pytest.param(facts(labels={labels.MANAGED_BY: "Helm"}), POD_SECURITY, id="another manager stays"),
    ],
)
def test_only_missing_keys_are_added(asked: Facts, added: dict[str, str]) -> None:
    assert decide.mutate(asked, POLICY) == Additions(labels=added)


def test_a_name_to_be_generated_gives_no_team() -> None:
    assert labels.TEAM not in decide.mutate(_bare(name=""), POLICY).labels


def test_a_generated_name_is_asked_for_its_team() -> None:
    """The validating stage sees the name that mutation did not."""
    added = decide.mutate(_bare(name=""), POLICY).applied_to(_bare().new)
    decided = decide.validate(facts(name="run-x7k2p", labels={**NOTHING, **added.labels}), POLICY)
    assert [violation.path for violation in decided.violations] == ["metadata.labels[platform/team]"]


def test_an_update_adds_nothing_even_to_a_bare_namespace() -> None:
    asked = facts(labels=NOTHING, annotations={labels.REQUESTED_BY: None}, old=state())
    assert decide.mutate(asked, POLICY) == Additions()
