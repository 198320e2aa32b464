"""The request of an AdmissionReview, member by member as kube-apiserver writes it.

Every member that Kubernetes knows is listed, in its order, so that a review written anew from these
classes is the same text again, byte for byte. What the rules do not look at stays as it came.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from webhook.codec import strict

ABSENT = Raw(b"")


class Resource(msgspec.Struct):
    """What is asked for."""

    group: str
    version: str
    resource: str


class UserInfo(msgspec.Struct, rename="camel", omit_defaults=True):
    """Who asks."""

    username: str = ""
    uid: Raw = ABSENT
    groups: list[str] | UnsetType | None = UNSET
    extra: Raw = ABSENT


class OwnerReference(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Whose deletion deletes the object."""

    api_version: Raw = ABSENT
    kind: str
    name: str
    uid: str
    controller: Raw = ABSENT
    block_owner_deletion: Raw = ABSENT


class Metadata(msgspec.Struct, rename="camel", omit_defaults=True):
    """ObjectMeta."""

    name: Raw = ABSENT
    generate_name: Raw = ABSENT
    namespace: Raw = ABSENT
    self_link: Raw = ABSENT
    uid: Raw = ABSENT
    resource_version: Raw = ABSENT
    generation: Raw = ABSENT
    creation_timestamp: Raw = ABSENT
    deletion_timestamp: str | UnsetType | None = UNSET
    deletion_grace_period_seconds: Raw = ABSENT
    labels: dict[str, str] | UnsetType | None = UNSET
    annotations: dict[str, str] | UnsetType | None = UNSET
    owner_references: list[OwnerReference] | UnsetType | None = UNSET
    finalizers: Raw = ABSENT
    managed_fields: Raw = ABSENT


class Spec(msgspec.Struct, omit_defaults=True):
    """NamespaceSpec."""

    finalizers: list[str] | UnsetType | None = UNSET


class Object(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A Namespace."""

    kind: Raw = ABSENT
    api_version: Raw = ABSENT
    metadata: Metadata
    spec: Spec | UnsetType | None = UNSET
    status: Raw = ABSENT


class Request(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """AdmissionRequest."""

    uid: str
    kind: Raw = ABSENT
    resource: Resource
    sub_resource: str = ""
    request_kind: Raw = ABSENT
    request_resource: Raw = ABSENT
    request_sub_resource: Raw = ABSENT
    name: str = ""
    namespace: Raw = ABSENT
    operation: str
    user_info: UserInfo
    object: Object | UnsetType | None = UNSET
    old_object: Object | UnsetType | None = UNSET
    dry_run: Raw = ABSENT
    options: Raw = ABSENT


class _Review(msgspec.Struct, rename="camel"):
    kind: Literal["AdmissionReview"]
    api_version: Literal["admission.k8s.io/v1"]
    request: Request


_decoder = msgspec.json.Decoder(_Review)
_encoder = msgspec.json.Encoder()

_GO_ESCAPES = {char.encode(): b"\\u%04x" % ord(char) for char in "<>&\u2028\u2029"}
"""Characters that Go writes as an escape and we do not: in web pages they could do harm."""


def read(body: bytes) -> Request:
    """The request of a v1 review in strict JSON. Raises ValueError (as msgspec's) or RecursionError.

    A decoder takes the last of two members of one name silently. But if what was read is the whole
    text again, nothing can have been lost; any other text is read once more, slowly and in full.
    """
    strict.bound(body)
    if not body.isascii():
        body.decode()  # strict UTF-8, also in what is skipped
    review = _decoder.decode(body)
    written = _encoder.encode(review)
    if not (_is_same(body, written) or _is_same(body, _as_go_writes(written))):
        strict.check(body)
    return review.request


def _is_same(body: bytes, written: bytes) -> bool:
    """Go ends a document with a line feed."""
    return body.startswith(written) and body[len(written) :] in (b"", b"\n")


def _as_go_writes(written: bytes) -> bytes:
    for char, escape in _GO_ESCAPES.items():
        written = written.replace(char, escape)
    return written
