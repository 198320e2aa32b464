"""How the API server reads our answers.

A port of `VerifyAdmissionResponse` (k8s.io/apiserver, pkg/admission/plugin/webhook/request) and of
what the mutating dispatcher does with a patch; anything it would refuse fails the assertion.
"""

import base64
import json
import re
from typing import Any

import jsonpatch

PATCH_PATHS = ("/metadata/labels", "/metadata/annotations")


def verify(answer: bytes, *, uid: str, mutating: bool) -> dict[str, Any]:
    """The `response` of an answer that the API server would accept."""
    review = json.loads(answer)
    assert set(review) == {"apiVersion", "kind", "response"}
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response: dict[str, Any] = review["response"]
    assert set(response) <= {"uid", "allowed", "status", "patch", "patchType", "auditAnnotations", "warnings"}
    assert response["uid"] == uid
    assert isinstance(response["allowed"], bool)
    if mutating:
        assert ("patch" in response) == ("patchType" in response)
        assert response.get("patchType", "JSONPatch") == "JSONPatch"
        assert response.get("patch") != ""
    else:
        assert not {"patch", "patchType"} & set(response)
    if not response["allowed"]:
        _verify_status(response["status"])
    _verify_warnings(response.get("warnings", ["-"]))
    _verify_audit_annotations(response.get("auditAnnotations", {"-": "-"}))
    return response


def _verify_status(status: dict[str, Any]) -> None:
    """The code becomes the HTTP status of the user's request: it has to be an error."""
    assert 400 <= status["code"] < 500
    assert status["message"]
    assert status["reason"] in {"Forbidden", "Invalid"}


def _verify_warnings(warnings: list[str]) -> None:
    """Each becomes an HTTP header; too long ones are cut, and too many are dropped."""
    assert warnings, "an empty list is no list"
    assert all(re.fullmatch(r"[ -~]{1,256}", warning) for warning in warnings)
    assert sum(map(len, warnings)) <= 4096


def _verify_audit_annotations(annotations: dict[str, str]) -> None:
    """The hook's name and a slash are put before each key, which makes it a qualified name."""
    assert annotations, "an empty map is no map"
    for key, value in annotations.items():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?|-", key)
        assert re.fullmatch(r"[ -~]{1,1024}", value)


def patched(response: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    """The object after the patch of a mutating answer."""
    if "patch" not in response:
        return target
    operations = json.loads(base64.b64decode(response["patch"], validate=True))
    for operation in operations:
        assert operation["op"] == "add"
        assert operation["path"].startswith(PATCH_PATHS)
    after: dict[str, Any] = jsonpatch.JsonPatch(operations).apply(target)
    return after
