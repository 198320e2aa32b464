"""What is counted and logged: every review is counted, and whoever was refused finds out why."""

import dataclasses
from typing import Any

import pytest

from tests.codec.builders import body, decode, delete, namespace, review, update
from tests.core.builders import POLICY
from tests.web.builders import Admission
from webhook.core import decide, labels
from webhook.core.model import Decision, Manifest, Violation
from webhook.web.record import Recorder

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
BARE = review(object={"metadata": {"name": "payments"}})
DENIED = review(object=namespace(labels={labels.TIER: "huge"}))
WRONG = Violation("name-pattern", "metadata.name", '"X" is wrong', "x", "write x")


@pytest.mark.parametrize(
    ("path", "sent", "operation", "verdict"),
    [
        pytest.param("/mutate", BARE, "CREATE", "patched", id="patched"),
        pytest.param("/mutate", update(), "UPDATE", "unchanged", id="unchanged"),
        pytest.param("/validate", review(), "CREATE", "allowed", id="allowed"),
        pytest.param("/validate", update(), "UPDATE", "allowed", id="an update allowed"),
        pytest.param("/validate", delete(), "DELETE", "allowed", id="a delete allowed"),
        pytest.param("/validate", DENIED, "CREATE", "denied", id="denied"),
        pytest.param("/validate", {}, "unknown", "malformed", id="malformed"),
    ],
)
def test_every_answer_is_counted(path: str, sent: Manifest, operation: str, verdict: str) -> None:
    admission = Admission()
    for number in (1, 2):
        admission.post(path, body(sent))
        labels_ = {"endpoint": path[1:], "operation": operation, "verdict": verdict}
        assert admission.count("nsp_admission_reviews_total", **labels_) == number
        assert admission.count("nsp_admission_review_seconds_count") == number * (verdict != "malformed")


def test_broken_rules_are_counted_by_rule() -> None:
    admission = Admission()
    admission.post("/validate", body(review(name="Pay", object=namespace(labels={labels.TIER: "huge"}))))
    for rule in ("name-pattern", "tier-exists"):
        assert admission.count("nsp_admission_violations_total", rule=rule, mode="enforce") == 1


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
        "operation": "CREATE",
        "namespace": "payments",
        "user": "jane",
        "rules": ["tier-exists"],
    }


def _tolerant(admission: Admission, decision: Decision) -> None:
    """Record a decision that the rules in force would not come to."""
    recorder = Recorder(admission.metrics, admission.log, allowed_every=0)
    recorder.answered("validate", decode(review()), "allowed", decision, 0.001)


def test_what_is_tolerated_is_counted_and_logged_all_the_same() -> None:
    admission = Admission()
    _tolerant(admission, Decision(tolerated=(WRONG, WRONG)))
    (line,) = admission.lines()
    assert (line["message"], line["rules"]) == ("tolerated", ["name-pattern"])
    assert line["detail"].startswith("2 rules are broken:")
    assert admission.count("nsp_admission_violations_total", rule="name-pattern", mode="tolerated") == 2
    assert admission.count("nsp_admission_violations_total", rule="name-pattern", mode="enforce") == 0


def test_what_is_denied_and_what_is_tolerated_are_two_lines() -> None:
    admission = Admission()
    _tolerant(admission, Decision((WRONG,), (dataclasses.replace(WRONG, rule="tier-exists"),)))
    assert [(line["message"], line["rules"]) for line in admission.lines()] == [
        ("denied", ["name-pattern"]),
        ("tolerated", ["tier-exists"]),
    ]


def test_hostile_text_stays_on_its_line_of_the_log() -> None:
    admission = Admission()
    user = {"username": "jane\n{}\x1b[2J\u2028", "groups": []}
    admission.post("/validate", body(review(name="a\nb", userInfo=user)))
    assert len(admission.stream.getvalue().split("\n")) == 2
    assert "\x1b" not in admission.stream.getvalue()


def test_hostile_text_makes_no_endless_line() -> None:
    admission = Admission()
    user = {"username": "j" * 100_000, "groups": []}
    admission.post("/validate", body(review(name="n" * 100_000, userInfo=user)))
    assert 0 < len(admission.stream.getvalue()) < 10_000


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


@pytest.mark.parametrize(("every", "lines"), [(0, 0), (1, 7), (3, 2), (8, 0)])
def test_of_allowed_reviews_a_sample_is_logged(every: int, lines: int) -> None:
    admission = Admission(allowed_every=every)
    for _ in range(7):
        admission.post("/validate", body(update()))
    logged: list[dict[str, Any]] = admission.lines()
    assert len(logged) == lines
    expected = {"message": "allowed", "endpoint": "validate", "verdict": "allowed", "operation": "UPDATE"}
    assert all(line.items() >= expected.items() for line in logged)


def test_the_decision_in_the_log_is_the_one_that_was_answered() -> None:
    decision = decide.validate(decode(DENIED).facts, POLICY)
    admission = Admission()
    answer = admission.post("/validate", body(DENIED))
    assert [line["rules"] for line in admission.lines()] == [[each.rule for each in decision.violations]]
    assert answer.json()["response"]["status"]["message"] == admission.lines()[0]["detail"]
