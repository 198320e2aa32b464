"""Reading reviews: a real one in full, and everything else refused as malformed."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.builders import DROP, body, namespace, review, update
from tests.core.builders import COMPLETE, RECORD, TENANT
from webhook.codec import review as codec
from webhook.core import labels
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Caller, Facts, NamespaceState, Operation

STATE = NamespaceState({**COMPLETE, "kubernetes.io/metadata.name": "payments"}, RECORD)
JANE = Caller("jane", TENANT)


def test_a_create() -> None:
    assert codec.decode(body(review())) == codec.Review(
        uid="705ab4f5-6393-11e8-b7cc-42010a800002",
        facts=Facts(Operation.CREATE, "payments", JANE, STATE),
        has_labels=True,
        has_annotations=True,
    )


def test_an_update() -> None:
    changed = namespace(labels={labels.TIER: "large"})
    decoded = codec.decode(body(update(object=changed)))
    new = NamespaceState({**STATE.labels, labels.TIER: "large"}, RECORD)
    assert decoded.facts == Facts(Operation.UPDATE, "payments", JANE, new, STATE)


@pytest.mark.parametrize("subresource", ["status", "finalize"])
def test_a_subresource_that_lets_labels_through(subresource: str) -> None:
    assert codec.decode(body(update(subResource=subresource))).facts.old == STATE


@pytest.mark.parametrize(
    ("changes", "name", "caller"),
    [
        pytest.param({"name": DROP}, "", JANE, id="a name yet to be generated"),
        pytest.param({"userInfo": {}}, "payments", Caller(""), id="a caller without a name"),
        pytest.param(
            {"userInfo": {"username": "jane", "groups": None}}, "payments", Caller("jane"), id="no groups"
        ),
        pytest.param({"dryRun": True}, "payments", JANE, id="a dry run"),
        pytest.param({"somethingNew": [1, {"a": None}]}, "payments", JANE, id="a field of a later version"),
    ],
)
def test_what_may_be_missing(changes: dict[str, Any], name: str, caller: Caller) -> None:
    assert codec.decode(body(review(**changes))).facts == Facts(Operation.CREATE, name, caller, STATE)


@pytest.mark.parametrize(
    ("metadata", "has"),
    [
        pytest.param({}, (False, False), id="absent"),
        pytest.param({"labels": None, "annotations": None}, (False, False), id="null"),
        pytest.param({"labels": {}, "annotations": {}}, (True, True), id="empty"),
        pytest.param({"labels": {"a": "b"}}, (True, False), id="only labels"),
    ],
)
def test_which_maps_there_are(metadata: dict[str, Any], has: tuple[bool, bool]) -> None:
    decoded = codec.decode(body(review(object={"metadata": metadata})))
    assert (decoded.has_labels, decoded.has_annotations) == has
    assert decoded.facts.new == NamespaceState(
        metadata.get("labels") or {}, metadata.get("annotations") or {}
    )


def test_a_create_has_no_old_object() -> None:
    assert codec.decode(body(review(oldObject=namespace()))).facts.old is None


def _resource(**changes: str) -> dict[str, str]:
    return {"group": "", "version": "v1", "resource": "namespaces", **changes}


ENVELOPE = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}
NOT_ONE = "not an admission.k8s.io/v1 AdmissionReview"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            {**review(), "apiVersion": "admission.k8s.io/v1beta1"}, NOT_ONE, id="the version v1beta1"
        ),
        pytest.param({**review(), "apiVersion": DROP}, NOT_ONE, id="no version"),
        pytest.param({**review(), "kind": "TokenReview"}, NOT_ONE, id="another kind"),
        pytest.param({**review(), "kind": DROP}, NOT_ONE, id="no kind"),
        pytest.param(ENVELOPE, NOT_ONE, id="no request"),
        pytest.param({**ENVELOPE, "request": None}, NOT_ONE, id="a null request"),
        pytest.param({**ENVELOPE, "response": {"uid": "x", "allowed": True}}, NOT_ONE, id="an answer"),
        pytest.param(review(uid=DROP), NOT_ONE, id="no uid"),
        pytest.param(review(uid=7), NOT_ONE, id="a uid that is a number"),
        pytest.param(review(userInfo=DROP), NOT_ONE, id="no user"),
        pytest.param(review(userInfo={"username": 1}), NOT_ONE, id="a user that is a number"),
        pytest.param(review(userInfo={"groups": "a"}), NOT_ONE, id="groups that are no list"),
        pytest.param(review(operation=DROP), NOT_ONE, id="no operation"),
        pytest.param(review(resource=DROP), NOT_ONE, id="no resource"),
        pytest.param(review(object="x"), NOT_ONE, id="an object that is a text"),
        pytest.param(review(object=[]), NOT_ONE, id="an object that is a list"),
        pytest.param(review(object={}), NOT_ONE, id="an object without metadata"),
        pytest.param(review(object={"metadata": None}), NOT_ONE, id="null metadata"),
        pytest.param(
            review(object={"metadata": {"labels": {"a": 1}}}), NOT_ONE, id="a label that is a number"
        ),
        pytest.param(review(object={"metadata": {"labels": {"a": None}}}), NOT_ONE, id="a null label"),
        pytest.param(
            review(object={"metadata": {"labels": {"a": ["b"]}}}), NOT_ONE, id="a label that is a list"
        ),
        pytest.param(review(object={"metadata": {"labels": ["a"]}}), NOT_ONE, id="labels that are a list"),
        pytest.param(
            review(object={"metadata": {"annotations": {"a": True}}}), NOT_ONE, id="a boolean annotation"
        ),
        pytest.param(
            update(oldObject={"metadata": {"labels": {"a": 1}}}), NOT_ONE, id="an old label, a number"
        ),
        pytest.param(review(object=None), "request.object is null on CREATE", id="a null object"),
        pytest.param(update(object=None), "request.object is null on UPDATE", id="a null object on UPDATE"),
        pytest.param(update(oldObject=None), "request.oldObject is null on UPDATE", id="a null old object"),
        pytest.param(
            review(operation="DELETE", object=None, oldObject=namespace()),
            'operation "DELETE" is not served here, only CREATE and UPDATE',
            id="DELETE",
        ),
        pytest.param(review(operation="create"), 'operation "create" is not served here', id="small letters"),
        pytest.param(
            review(operation="PATCH\n"), 'operation "PATCH\\n" is not served here', id="an operation unknown"
        ),
        pytest.param(
            review(resource=_resource(resource="pods")),
            '"pods.v1." is not served here, only namespaces.v1',
            id="another resource",
        ),
        pytest.param(
            review(resource=_resource(group="project.openshift.io")),
            '"namespaces.v1.project.openshift.io" is not served here',
            id="another group",
        ),
        pytest.param(
            review(resource=_resource(version="v2")),
            '"namespaces.v2." is not served here',
            id="another version",
        ),
        pytest.param(
            update(subResource="scale"), 'subresource "scale" is not served here', id="a subresource unknown"
        ),
    ],
)
def test_a_review_that_is_not_ours(content: dict[str, Any], message: str) -> None:
    kept = {key: value for key, value in content.items() if value is not DROP}
    with pytest.raises(MalformedReviewError) as refused:
        codec.decode(body(kept))
    assert str(refused.value).startswith(message)


GOOD = body(review())


def _with(extra: bytes) -> bytes:
    return GOOD[:-1] + b', "extra": ' + extra + b"}"


def _with_label(text: str) -> bytes:
    return GOOD.replace(b'"payments"', f'"{text}"'.encode("latin-1"), 1)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n", id="white space"),
        pytest.param(b"hello", id="not JSON"),
        pytest.param(b"<xml/>", id="XML"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="a boolean"),
        pytest.param(b"1", id="a number"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(GOOD[:-1], id="cut off at the end"),
        pytest.param(GOOD[: len(GOOD) // 2], id="cut off in the middle"),
        pytest.param(GOOD + b"x", id="something behind"),
        pytest.param(GOOD + GOOD, id="two reviews"),
        pytest.param(b"[" + GOOD + b"]", id="a list of reviews"),
        pytest.param(_with(b"NaN"), id="not a number"),
        pytest.param(_with(b"Infinity"), id="infinity"),
        pytest.param(_with(b"-"), id="half a number"),
        pytest.param(
            GOOD.replace(b'"uid": "705', b'"uid": ' + b"9" * 100_000 + b', "x": "'), id="a huge number"
        ),
        pytest.param(b"[" * 100_000, id="100,000 open lists"),
        pytest.param(_with(b"[" * 100_000 + b"]" * 100_000), id="100,000 nested lists"),
        pytest.param(_with(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), id="100,000 nested objects"),
        pytest.param(_with_label("\xff\xfe"), id="invalid UTF-8"),
        pytest.param(_with_label("\xc0\xaf"), id="overlong UTF-8"),
        pytest.param(_with_label("\xed\xa0\x80"), id="a surrogate in UTF-8"),
        pytest.param(_with_label("\\ud800"), id="half a surrogate pair, escaped"),
        pytest.param(_with_label("\x01"), id="a raw control character"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.decode().encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(GOOD.decode().encode("utf-32"), id="UTF-32"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte order mark"),
        pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
        pytest.param(bytes(1000), id="null bytes"),
    ],
)
def test_bytes_that_are_no_review(sent: bytes) -> None:
    with pytest.raises(MalformedReviewError) as refused:
        codec.decode(sent)
    assert str(refused.value).startswith(NOT_ONE)
    assert len(str(refused.value)) < 250
    assert str(refused.value).isprintable()


def test_the_message_is_short_whatever_was_sent() -> None:
    with pytest.raises(MalformedReviewError) as refused:
        codec.decode(GOOD.replace(b"admission.k8s.io/v1", b"x" * 100_000))
    assert len(str(refused.value)) < 250


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(sent: bytes) -> None:
    with pytest.raises(MalformedReviewError):
        codec.decode(sent)


@settings(deadline=None)
@given(st.sampled_from(sorted(review()["request"])), json_values)
def test_any_field_may_be_anything(field: str, value: object) -> None:
    """A review is read or refused as malformed; no other error comes out."""
    try:
        decoded = codec.decode(body(review(**{field: value})))
    except MalformedReviewError:
        return
    assert isinstance(decoded.facts.name, str)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_byte_may_be_another(position: int, value: int) -> None:
    changed = GOOD[:position] + bytes([value]) + GOOD[position + 1 :]
    with contextlib.suppress(MalformedReviewError):
        assert codec.decode(changed).uid


def test_the_owners_are_read() -> None:
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": "1", "controller": True}
    decoded = codec.decode(body(review(object={"metadata": {"ownerReferences": [owner]}})))
    assert decoded.facts.new.owners == ("Namespace/gone 1",)
