"""Our answers pass what the API server checks."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.apiserver import patched, verify
from tests.codec.builders import decode, delete, review, update
from tests.core.builders import ADMINS, POLICY, TENANT
from webhook.codec import review as codec
from webhook.core import decide, labels
from webhook.core.model import Additions, Decision, Manifest, Violation

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
DECODED = decode(review())
WRONG = Violation("name-pattern", "metadata.name", '"X" is wrong', "x", "write x")


def test_an_allowed_answer_in_full() -> None:
    answer = codec.encode_decision(DECODED, Decision())
    assert json.loads(answer) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": UID, "allowed": True},
    }


def test_a_denial_in_full() -> None:
    answer = codec.encode_decision(DECODED, Decision((WRONG,)))
    assert json.loads(answer)["response"] == {
        "uid": UID,
        "allowed": False,
        "status": {
            "code": 422,
            "reason": "Invalid",
            "message": '[name-pattern] metadata.name: "X" is wrong; allowed: x; write x',
        },
    }


def test_a_denial_for_lack_of_rights() -> None:
    forbidden = Violation("a", "metadata.b", "c", "d", "e", forbidden=True)
    status = json.loads(codec.encode_decision(DECODED, Decision((forbidden,))))["response"]["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")


def test_a_patch_in_full() -> None:
    response = json.loads(codec.encode_additions(DECODED, Additions({"platform/tier": "small"})))["response"]
    assert json.loads(base64.b64decode(response.pop("patch"))) == [
        {"op": "add", "path": "/metadata/labels/platform~1tier", "value": "small"}
    ]
    assert response == {"uid": UID, "allowed": True, "patchType": "JSONPatch"}


def test_nothing_to_add_is_no_patch() -> None:
    assert json.loads(codec.encode_additions(DECODED, Additions()))["response"] == {
        "uid": UID,
        "allowed": True,
    }


def _decided(decision: Decision) -> dict[str, Any]:
    return verify(codec.encode_decision(DECODED, decision), uid=UID, mutating=False)


def test_warnings_are_given_to_an_allowed_request_and_to_a_denied_one() -> None:
    assert _decided(Decision(warnings=("do not",)))["warnings"] == ["do not"]
    assert _decided(Decision((WRONG,), warnings=("do not", "no")))["warnings"] == ["do not", "no"]


@pytest.mark.parametrize(
    ("warnings", "given"),
    [
        pytest.param(["x" * 300], ["x" * 256], id="a long one is cut"),
        pytest.param(["x" * 256] * 20, ["x" * 256] * 16, id="too many are dropped"),
        pytest.param(["é\r\n\x00\u2028\ud800!"], ["??????!"], id="what is no plain text is masked"),
    ],
)
def test_warnings_are_short_and_clean(warnings: list[str], given: list[str]) -> None:
    assert _decided(Decision(warnings=tuple(warnings)))["warnings"] == given


def test_what_is_tolerated_is_allowed_and_left_in_the_audit_log() -> None:
    again = replace(WRONG, sent='"Y" is wrong')
    response = _decided(Decision(tolerated=(WRONG, again, replace(WRONG, rule="tier-exists"))))
    assert response == {
        "uid": UID,
        "allowed": True,
        "auditAnnotations": {
            "name-pattern": '[name-pattern] metadata.name: "X" is wrong; allowed: x; write x',
            "tier-exists": '[tier-exists] metadata.name: "X" is wrong; allowed: x; write x',
        },
    }


def test_hostile_text_in_the_audit_log_is_short_and_clean() -> None:
    hostile = replace(WRONG, sent="\n\x1b[2J" + "x" * 5000)
    assert len(_decided(Decision(tolerated=(hostile,)))["auditAnnotations"]["name-pattern"]) == 1024


def test_a_request_that_breaks_rules_without_end_is_answered_within_bounds() -> None:
    message = _decided(Decision((WRONG,) * 10_000))["status"]["message"]
    assert message.startswith("10000 rules are broken:\n  [name-pattern] ")
    assert message.endswith("\n  and 9970 more")
    assert message.count("\n") == 31


text = st.text(max_size=12)
uids = st.text(min_size=1, max_size=12)
known = st.sampled_from([*labels.IDENTITY_LABELS, *labels.POD_SECURITY.values(), labels.REQUESTED_BY])
maps = st.none() | st.dictionaries(
    known | text, st.sampled_from(["small", "payments", labels.MANAGER]) | text, max_size=5
)
metadata = st.fixed_dictionaries({}, optional={"name": text, "labels": maps, "annotations": maps})
objects = st.fixed_dictionaries({"metadata": metadata})
users = st.fixed_dictionaries(
    {"username": text, "groups": st.sampled_from([list(TENANT), list(ADMINS), None])}
)
reviews = st.one_of(
    st.builds(review, uid=uids, name=text, userInfo=users, object=objects),
    st.builds(update, uid=uids, name=text, userInfo=users, object=objects, oldObject=objects),
)
deletions = st.builds(delete, uid=uids, name=text, userInfo=users, oldObject=objects)


@settings(deadline=None)
@given(reviews | deletions)
def test_every_answer_is_one_the_api_server_takes(sent: Manifest) -> None:
    decoded = decode(sent)
    uid = sent["request"]["uid"]
    mutation = codec.encode_additions(decoded, decide.mutate(decoded.facts, POLICY))
    assert verify(mutation, uid=uid, mutating=True)["allowed"]
    verdict = decide.validate(decoded.facts, POLICY)
    response = verify(codec.encode_decision(decoded, verdict), uid=uid, mutating=False)
    assert response["allowed"] is verdict.allowed


@settings(deadline=None)
@given(reviews)
def test_what_the_api_server_makes_of_the_patch_is_what_was_decided(sent: Manifest) -> None:
    decoded = decode(sent)
    additions = decide.mutate(decoded.facts, POLICY)
    response = verify(codec.encode_additions(decoded, additions), uid=decoded.uid, mutating=True)
    after = patched(response, sent["request"]["object"])
    again = decode({**sent, "request": {**sent["request"], "object": after}})
    assert again.facts.new == additions.applied_to(decoded.facts.new)
    assert decide.mutate(again.facts, POLICY) == Additions()
    assert after["metadata"].get("name") == sent["request"]["object"]["metadata"].get("name")
