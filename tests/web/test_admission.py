"""The admission pair as a whole: bytes in, bytes out."""

import pytest

from tests.codec.apiserver import patched, verify
from tests.codec.builders import body, delete, namespace, review, update
from tests.core.builders import COMPLETE, POLICY
from tests.web.builders import Admission
from webhook.core import labels
from webhook.core.policy import Policy

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
BARE = review(object={"metadata": {"name": "payments"}})
DENIED = review(object=namespace(labels={labels.TIER: "huge"}))


def test_a_bare_namespace_is_completed_and_then_valid() -> None:
    admission = Admission()
    answer = admission.post("/mutate", body(BARE))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    response = verify(answer.content, uid=UID, mutating=True)
    after = patched(response, BARE["request"]["object"])
    assert COMPLETE.items() <= after["metadata"]["labels"].items()
    assert after["metadata"]["annotations"] == {labels.REQUESTED_BY: "jane"}
    verdict = admission.post("/validate", body(review(object=after)))
    assert verify(verdict.content, uid=UID, mutating=False)["allowed"]


def test_a_bare_namespace_that_mutation_missed_is_refused() -> None:
    verdict = Admission().post("/validate", body(BARE))
    assert not verify(verdict.content, uid=UID, mutating=False)["allowed"]


def test_a_namespace_that_names_all_but_its_pod_security_is_refused_when_mutation_missed_it() -> None:
    bare = namespace(labels=dict.fromkeys(labels.POD_SECURITY.values()))
    response = verify(
        Admission().post("/validate", body(review(object=bare))).content, uid=UID, mutating=False
    )
    assert "[defaults-present] " in response["status"]["message"]


def test_a_tenant_that_opens_its_namespace_is_forbidden_to() -> None:
    opened = namespace(labels={labels.POD_SECURITY["enforce"]: "privileged"})
    for sent in (update(object=opened), review(object=opened)):
        response = verify(Admission().post("/validate", body(sent)).content, uid=UID, mutating=False)
        assert (response["allowed"], response["status"]["code"]) == (False, 403)
        assert response["status"]["message"].startswith("[pod-security-floor] ")


def test_a_denial() -> None:
    answer = Admission().post("/validate", body(DENIED))
    response = verify(answer.content, uid=UID, mutating=False)
    assert answer.status_code == 200
    assert response == {
        "uid": UID,
        "allowed": False,
        "status": {
            "code": 422,
            "reason": "Invalid",
            "message": '[tier-exists] metadata.labels[platform/tier]: "huge" is not a tier; '
            'allowed: freemium, small, medium, large; try platform/tier: "large"',
        },
    }


def test_mutation_never_denies() -> None:
    response = verify(Admission().post("/mutate", body(DENIED)).content, uid=UID, mutating=True)
    assert response["allowed"]


@pytest.mark.parametrize("subresource", ["", "status", "finalize"])
def test_no_door_lets_a_tenant_take_the_labels_off(subresource: str) -> None:
    stripped = {"metadata": {"name": "payments"}}
    answer = Admission().post("/validate", body(update(object=stripped, subResource=subresource)))
    assert not verify(answer.content, uid=UID, mutating=False)["allowed"]


def test_a_dry_run_gets_the_same_patch() -> None:
    admission = Admission()
    dry = review(object={"metadata": {"name": "payments"}}, dryRun=True)
    assert admission.post("/mutate", body(dry)).content == admission.post("/mutate", body(BARE)).content


def test_the_policy_of_the_moment_decides() -> None:
    policies = iter([Admission().policy()])
    admission = Admission(policy=lambda: next(policies))
    assert admission.post("/validate", body(review())).status_code == 200
    assert admission.post("/validate", body(review())).status_code == 500


def test_a_deletion_is_decided_and_never_patched() -> None:
    admission = Admission()
    response = verify(admission.post("/validate", body(delete())).content, uid=UID, mutating=False)
    assert response["allowed"]
    response = verify(admission.post("/mutate", body(delete())).content, uid=UID, mutating=True)
    assert response == {"uid": UID, "allowed": True}


class Fickle:
    """A policy source that fails every other time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Policy:
        self.asked += 1
        if self.asked % 2:
            raise RuntimeError("the secret is 42")
        return POLICY


@pytest.mark.parametrize("path", ["/mutate", "/validate"])
def test_a_decision_that_fails_is_the_matter_of_its_own_request_only(path: str) -> None:
    admission = Admission(policy=Fickle())
    for _ in range(5):
        answer = admission.post(path, body(review()))
        assert (answer.status_code, answer.text) == (500, "internal error, see the server's log\n")
        verify(admission.post(path, body(review())).content, uid=UID, mutating=path == "/mutate")
    assert admission.count("nsp_admission_reviews_total", **_labels(path, "CREATE", "error")) == 5
    lines = admission.lines()
    assert [line["message"] for line in lines] == ["decision failed"] * 5
    assert all(line["uid"] == UID and "the secret is 42" in line["traceback"] for line in lines)


def _labels(path: str, operation: str, verdict: str) -> dict[str, str]:
    return {"endpoint": path[1:], "operation": operation, "verdict": verdict}
