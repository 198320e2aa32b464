"""AdmissionReview (admission.k8s.io/v1): request bytes to Facts, verdicts to response bytes.

Only the fields that the rules look at are decoded; everything else in the object is skipped, so a
field we do not know can neither break us nor get lost (the API server applies our patch to its own
copy). Source: kubernetes.io, "Dynamic Admission Control", request and response.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from webhook.codec import request as requests
from webhook.core import jsonpatch, labels, wording
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Additions, Caller, Decision, Facts, NamespaceState, Operation, Violation

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
SUBRESOURCES = ("", "status", "finalize")

UID_LIMIT = 128
"""Characters; an API server makes them 36 long, and they are given back in every answer."""

WARNING_LIMIT = 256
"""Characters of one warning, beyond which the API server may cut it."""

WARNINGS_LIMIT = 4096
"""Characters of all warnings together, beyond which it cuts them, too."""

AUDIT_LIMIT = 1024
"""Characters of one line in the audit log."""

_RESOURCE = requests.Resource("", "v1", "namespaces")
_OPERATIONS = {operation.value: operation for operation in Operation}


class Review(NamedTuple):
    """A decoded request. `has_labels` and `has_annotations` tell the patch which parents exist."""

    uid: str
    facts: Facts
    has_labels: bool
    has_annotations: bool


_moment = msgspec.json.Decoder(datetime)
_encoder = msgspec.json.Encoder()


def decode(body: bytes, now: datetime) -> Review:
    """Read one review. Raises MalformedReviewError for anything else than a v1 Namespace review.

    `now` is what the age of a namespace is reckoned to, where it has a lifetime.
    """
    try:
        return _review(requests.read(body), now)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and Unicode's, are ValueErrors
        raise MalformedReviewError(f"not an {API_VERSION} {KIND}: {wording.cut(error)}") from error


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
    if decision.warnings:
        response["warnings"] = _warnings(decision.warnings)
    if decision.tolerated:
        response["auditAnnotations"] = _audit_annotations(decision.tolerated)
    return _encode(response)


def _encode(response: dict[str, Any]) -> bytes:
    return _encoder.encode({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _warnings(sentences: Sequence[str]) -> list[str]:
    """As many whole warnings as the API server lets through."""
    kept: list[str] = []
    room = WARNINGS_LIMIT
    for sentence in sentences:
        short = _plain(sentence, WARNING_LIMIT)
        room -= len(short)
        if room < 0:
            break
        kept.append(short)
    return kept


def _audit_annotations(tolerated: Sequence[Violation]) -> dict[str, str]:
    """A line in the audit log for each rule that was broken and not enforced: its first violation."""
    return {each.rule: _plain(wording.sentence(each), AUDIT_LIMIT) for each in reversed(tolerated)}


def _plain(text: str, limit: int) -> str:
    """At most `limit` characters of ASCII without control characters."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:limit])


def _review(request: requests.Request, now: datetime) -> Review:
    _check_served(request)
    operation = _operation(request)
    sent, before = _objects(request, operation)
    new = _state(sent)
    old = None if before is None else new if before is sent else _state(before)
    age = None
    if (
        before is not None
        and old is not None
        and (labels.TTL in old.annotations or labels.TTL in new.annotations)
    ):
        age = _age(before.metadata, now)
    return Review(
        uid=request.uid,
        facts=Facts(operation, request.name, _caller(request.user_info), new, old, age),
        has_labels=isinstance(sent.metadata.labels, dict),
        has_annotations=isinstance(sent.metadata.annotations, dict),
    )


def _check_served(request: requests.Request) -> None:
    resource = request.resource
    if resource != _RESOURCE:
        sent = wording.quote(f"{resource.resource}.{resource.version}.{resource.group}")
        raise MalformedReviewError(f"{sent} is not served here, only namespaces.v1")
    if request.sub_resource not in SUBRESOURCES:
        raise MalformedReviewError(f"subresource {wording.quote(request.sub_resource)} is not served here")
    if not 0 < len(request.uid) <= UID_LIMIT:
        raise MalformedReviewError("request.uid is empty or too long")


def _operation(request: requests.Request) -> Operation:
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        sent, known = wording.quote(request.operation), wording.listing(_OPERATIONS)
        raise MalformedReviewError(f"operation {sent} is not served here, only {known}")
    return operation


def _objects(
    request: requests.Request, operation: Operation
) -> tuple[requests.Object, requests.Object | None]:
    """The namespace as it would be, and as it is: none of that on CREATE, on DELETE the same twice."""
    if operation is Operation.DELETE:
        going = _present(request.old_object, "oldObject", operation)
        return going, going
    new = _present(request.object, "object", operation)
    if operation is Operation.CREATE:
        return new, None
    return new, _present(request.old_object, "oldObject", operation)


def _present(
    sent: requests.Object | msgspec.UnsetType | None, field: str, operation: Operation
) -> requests.Object:
    if not isinstance(sent, requests.Object):
        raise MalformedReviewError(f"request.{field} is null on {operation}")
    return sent


def _caller(user: requests.UserInfo) -> Caller:
    return Caller(user.username, tuple(user.groups or ()))


def _state(sent: requests.Object) -> NamespaceState:
    metadata, spec = sent.metadata, sent.spec
    owners = metadata.owner_references or ()
    return NamespaceState(
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=tuple(f"{owner.kind}/{owner.name} {owner.uid}" for owner in owners),
        finalizers=tuple(spec.finalizers or ()) if isinstance(spec, requests.Spec) else (),
        terminating=isinstance(metadata.deletion_timestamp, str),
    )


def _age(metadata: requests.Metadata, now: datetime) -> int:
    """Whole seconds since the namespace was created, by our clock."""
    created = _moment.decode(metadata.creation_timestamp)
    if created.tzinfo is None:
        raise ValueError("metadata.creationTimestamp has no time zone")
    return max(0, int((now - created).total_seconds()))
