"""The admission pair as a whole: bytes in, bytes out."""

import pytest

from tests.codec.apiserver import patched, verify
from tests.codec.builders import body, namespace, review, update
from tests.core.builders import COMPLETE
from tests.web.builders import Admission
from webhook.core import labels
from webhook.core.model import Manifest

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


@pytest.mark.parametrize(
    ("path", "sent", "operation", "verdict"),
    [
        pytest.param("/mutate", BARE, "CREATE", "patched", id="patched"),
        pytest.param("/mutate", update(), "UPDATE", "unchanged", id="unchanged"),
        pytest.param("/validate", review(), "CREATE", "allowed", id="allowed"),
        pytest.param("/validate", update(), "UPDATE", "allowed", id="an update allowed"),
        pytest.param("/validate", DENIED, "CREATE", "denied", id="denied"),
        pytest.param("/validate", {}, "unknown", "malformed", id="malformed"),
    ],
)
def test_every_answer_is_counted(path: str, sent: Manifest, operation: str, verdict: str) -> None:
    admission = Admission()
    admission.post(path, body(sent))
    labels_ = {"endpoint": path[1:], "operation": operation, "verdict": verdict}
    assert admission.count("nsp_admission_reviews_total", **labels_) == 1
    assert admission.count("nsp_admission_review_seconds_count") == (verdict != "malformed")


def test_broken_rules_are_counted_by_rule() -> None:
    admission = Admission()
    admission.post("/validate", body(review(name="Pay", object=namespace(labels={labels.TIER: "huge"}))))
    assert admission.count("nsp_admission_violations_total", rule="name-pattern") == 1
    assert admission.count("nsp_admission_violations_total", rule="tier-exists") == 1


def test_a_denial_is_one_line_of_the_log() -> None:
    admission = Admission()
    admission.post("/validate", body(DENIED))
    (line,) = admission.lines()
    assert line.pop("detail").startswith("[tier-exists] ")
    assert line == {
        "time": "2026-01-02T12:00:00.005Z",
        "level": "info",
        "message": "denied",
        "uid": UID,
        "namespace": "payments",
        "user": "jane",
        "rules": ["tier-exists"],
    }


def test_hostile_text_stays_on_its_line_of_the_log() -> None:
    admission = Admission()
    user = {"username": "jane\n{}\x1b[2J\u2028", "groups": []}
    admission.post("/validate", body(review(name="a\nb", userInfo=user)))
    assert len(admission.stream.getvalue().split("\n")) == 2
    assert "\x1b" not in admission.stream.getvalue()


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        pytest.param("/validate", body(review()), id="allowed"),
        pytest.param("/mutate", body(BARE), id="patched"),
        pytest.param("/validate", b"{}", id="malformed"),
    ],
)
def test_nothing_else_is_logged(path: str, sent: bytes) -> None:
    admission = Admission()
    admission.post(path, sent)
    assert admission.lines() == []
