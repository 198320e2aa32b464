"""AdmissionReview (admission.k8s.io/v1): request bytes to Facts, verdicts to response bytes.

Only the fields that the rules look at are decoded; everything else in the object is skipped, so a
field we do not know can neither break us nor get lost (the API server applies our patch to its own
copy). Source: kubernetes.io, "Dynamic Admission Control", request and response.
"""

import base64
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from webhook.core import jsonpatch, wording
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Additions, Caller, Decision, Facts, NamespaceState, Operation

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
SUBRESOURCES = ("", "status", "finalize")


class _OwnerReference(msgspec.Struct):
    kind: str = ""
    name: str = ""
    uid: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[_OwnerReference] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata


class _UserInfo(msgspec.Struct):
    username: str = ""
    groups: list[str] | None = None


class _Resource(msgspec.Struct):
    group: str
    version: str
    resource: str


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    resource: _Resource
    operation: str
    user_info: _UserInfo
    name: str = ""
    sub_resource: str = ""
    object: _Object | None = None
    old_object: _Object | None = None


class _Review(msgspec.Struct, rename="camel"):
    api_version: Literal["admission.k8s.io/v1"]
    kind: Literal["AdmissionReview"]
    request: _Request


@dataclass(frozen=True, slots=True)
class Review:
    """A decoded request. `has_labels` and `has_annotations` tell the patch which parents exist."""

    uid: str
    facts: Facts
    has_labels: bool
    has_annotations: bool


_decoder = msgspec.json.Decoder(_Review)
_encoder = msgspec.json.Encoder()


def decode(body: bytes) -> Review:
    """Read one review. Raises MalformedReviewError for anything else than a v1 Namespace review."""
    try:
        request = _decoder.decode(body).request
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedReviewError(f"not an {API_VERSION} {KIND}: {wording.cut(error)}") from error
    _check_resource(request)
    operation = _operation(request)
    if request.object is None:
        raise MalformedReviewError(f"request.object is null on {operation}")
    old = request.old_object if operation is Operation.UPDATE else None
    if operation is Operation.UPDATE and old is None:
        raise MalformedReviewError("request.oldObject is null on UPDATE")
    metadata = request.object.metadata
    return Review(
        uid=request.uid,
        facts=Facts(
            operation=operation,
            name=request.name,
            caller=Caller(request.user_info.username, tuple(request.user_info.groups or ())),
            new=_state(metadata),
            old=_state(old.metadata) if old is not None else None,
        ),
        has_labels=metadata.labels is not None,
        has_annotations=metadata.annotations is not None,
    )


def encode_additions(review: Review, additions: Additions) -> bytes:
    """The answer of the mutating endpoint: always allowed, with a patch only if there is one."""
    operations = jsonpatch.operations(
        additions, has_labels=review.has_labels, has_annotations=review.has_annotations
    )
    response: dict[str, Any] = {"uid": review.uid, "allowed": True}
    if operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(_encoder.encode(operations)).decode()
    return _encode(response)


def encode_decision(review: Review, decision: Decision) -> bytes:
    """The answer of the validating endpoint: a denial carries code, reason and message."""
    response: dict[str, Any] = {"uid": review.uid, "allowed": decision.allowed}
    if not decision.allowed:
        response["status"] = {
            "code": decision.code,
            "reason": "Forbidden" if decision.code == 403 else "Invalid",
            "message": wording.denial(decision),
        }
    return _encode(response)


def _encode(response: dict[str, Any]) -> bytes:
    return _encoder.encode({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _check_resource(request: _Request) -> None:
    resource = request.resource
    if (resource.group, resource.version, resource.resource) != ("", "v1", "namespaces"):
        sent = wording.quote(f"{resource.resource}.{resource.version}.{resource.group}")
        raise MalformedReviewError(f"{sent} is not served here, only namespaces.v1")
    if request.sub_resource not in SUBRESOURCES:
        raise MalformedReviewError(f"subresource {wording.quote(request.sub_resource)} is not served here")


def _operation(request: _Request) -> Operation:
    try:
        return Operation(request.operation)
    except ValueError:
        sent = wording.quote(request.operation)
        raise MalformedReviewError(f"operation {sent} is not served here, only CREATE and UPDATE") from None


def _state(metadata: _Metadata) -> NamespaceState:
    owners = metadata.owner_references or ()
    return NamespaceState(
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=tuple(f"{owner.kind}/{owner.name} {owner.uid}" for owner in owners),
    )
