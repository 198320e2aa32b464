"""The Go reference decides as the product does: else a comparison of the two would say nothing."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.admission import asking
from benchmarks.admission.asking import Answer
from benchmarks.admission.servers import Bench, Server
from tests.codec.builders import body, namespace, review, update
from tools.controlplane.errors import ControlPlaneError

RECORDED = sorted((Path(__file__).parents[1] / "fixtures" / "reviews").glob("*.json"))

_ENFORCE = "pod-security.kubernetes.io/enforce"
_ADMIN = {"username": "root", "groups": ["platform-admins"]}


def _answers(bench: Bench, ours: Server, reference: Server, endpoint: str, sent: bytes) -> Answer:
    """The answer of the reference, which has to be that of the product."""
    product, same = (asking.ask(each.address, bench.trust, endpoint, sent) for each in (ours, reference))
    assert same == product
    return same


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_what_a_real_api_server_sent(bench: Bench, ours: Server, reference: Server, file: Path) -> None:
    endpoint = file.stem.partition("-")[0]
    answer = _answers(bench, ours, reference, endpoint, file.read_bytes())
    assert bool(answer.added) is (endpoint == "mutate")


def _created(name: str = "payments", **changes: Any) -> dict[str, Any]:
    return review(name=name, object=namespace(name, changes.get("labels"), changes.get("annotations")))


def _owned() -> dict[str, Any]:
    owned = namespace()
    owned["metadata"]["ownerReferences"] = [{"kind": "ClusterRole", "name": "gone", "uid": "1"}]
    return owned


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        pytest.param(_created(), set(), id="a complete namespace is allowed"),
        pytest.param(_created("pay_ments"), {"name-pattern"}, id="an underscore in the name"),
        pytest.param(_created("payments-"), {"name-pattern"}, id="a hyphen at the end of the name"),
        pytest.param(
            review(object=namespace(labels={"platform/team": "A"}), userInfo=_ADMIN),
            {"name-pattern"},
            id="a team that is no name",
        ),
        pytest.param(_created("kube-payments"), {"reserved-name"}, id="a reserved prefix"),
        pytest.param(_created("admin"), {"reserved-name"}, id="a reserved name"),
        pytest.param(_created("kube-system"), {"reserved-name"}, id="an exempt name"),
        pytest.param(_created(labels={"platform/tier": "xl"}), {"tier-exists"}, id="an unknown tier"),
        pytest.param(
            _created(labels={"app.kubernetes.io/managed-by": "Helm"}),
            {"managed-labels-complete"},
            id="another manager",
        ),
        pytest.param(
            _created(labels={"platform/team": ""}), {"managed-labels-complete"}, id="a team without a name"
        ),
        pytest.param(_created(labels={_ENFORCE: None}), {"defaults-present"}, id="a default that is missing"),
        pytest.param(_created(labels={_ENFORCE: "privileged"}), {"pod-security-floor"}, id="a level too low"),
        pytest.param(
            _created(labels={f"{_ENFORCE}-version": "v1.20"}), {"pod-security-floor"}, id="a pinned level"
        ),
        pytest.param(
            _created(annotations={"platform/requested-by": "joe"}),
            {"requested-by-true"},
            id="somebody else's name",
        ),
        pytest.param(review(object=_owned()), {"no-owner-references"}, id="an owner on creation"),
        pytest.param(update(), set(), id="an update that changes nothing"),
        pytest.param(update(object=_owned()), {"no-owner-references"}, id="a new owner"),
        pytest.param(update(object=_owned(), oldObject=_owned()), set(), id="an owner as before"),
        pytest.param(
            update(object=namespace(labels={"platform/tier": "large"})),
            {"managed-labels-immutable"},
            id="another tier",
        ),
        pytest.param(
            update(object=namespace(labels={"platform/tier": "large"}), userInfo=_ADMIN),
            set(),
            id="another tier, by an admin",
        ),
        pytest.param(
            update(object=namespace(labels={_ENFORCE: None})),
            {"pod-security-floor"},
            id="a level that is taken away",
        ),
        pytest.param(
            update(object=namespace(annotations={"platform/requested-by": None})),
            {"managed-labels-immutable"},
            id="a requester who is taken away",
        ),
    ],
)
def test_each_rule(
    bench: Bench, ours: Server, reference: Server, sent: dict[str, Any], rules: set[str]
) -> None:
    answer = _answers(bench, ours, reference, "validate", body(sent))
    assert {rule for rule, _ in answer.broken} == rules
    assert answer.allowed is not bool(rules)


def test_the_constant_answer_reads_nothing_but_the_uid(bench: Bench, constant: Server) -> None:
    sent = body(_created("kube-payments"))
    mutated = asking.post(constant.address, bench.trust, "mutate", sent)
    assert mutated["uid"] == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert asking.ask(constant.address, bench.trust, "mutate", sent).added == {("/metadata/labels/a", "b")}
    assert asking.ask(constant.address, bench.trust, "validate", sent) == Answer(
        True, 200, frozenset(), frozenset()
    )


def test_the_reference_refuses_what_is_no_review(bench: Bench, reference: Server) -> None:
    with pytest.raises(ControlPlaneError, match="/validate answers 400"):
        asking.post(reference.address, bench.trust, "validate", b"{}")
