"""Reading reviews: what the rules get to see of one, and which reviews are not ours to answer."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.builders import CREATED, DROP, body, decode, delete, namespace, review, update
from tests.core.builders import COMPLETE, RECORD, TENANT
from webhook.codec import review as codec
from webhook.core import labels
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Caller, Facts, NamespaceState, Operation

STATE = NamespaceState(
    {**COMPLETE, "kubernetes.io/metadata.name": "payments"}, RECORD, finalizers=("kubernetes",)
)
JANE = Caller("jane", TENANT)
MORTAL = {labels.TTL: "7d"}


def test_a_create() -> None:
    assert decode(review()) == codec.Review(
        uid="705ab4f5-6393-11e8-b7cc-42010a800002",
        facts=Facts(Operation.CREATE, "payments", JANE, STATE),
        has_labels=True,
        has_annotations=True,
    )


def test_an_update() -> None:
    decoded = decode(update(object=namespace(labels={labels.TIER: "large"})))
    new = NamespaceState({**STATE.labels, labels.TIER: "large"}, RECORD, finalizers=("kubernetes",))
    assert decoded.facts == Facts(Operation.UPDATE, "payments", JANE, new, STATE)


def test_a_delete_is_decided_on_what_goes() -> None:
    assert decode(delete()).facts == Facts(Operation.DELETE, "payments", JANE, STATE, STATE)


@pytest.mark.parametrize("subresource", ["status", "finalize"])
def test_a_subresource_that_lets_labels_through(subresource: str) -> None:
    assert decode(update(subResource=subresource)).facts.old == STATE


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
    assert decode(review(**changes)).facts == Facts(Operation.CREATE, name, caller, STATE)


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
    decoded = decode(review(object={"metadata": metadata}))
    assert (decoded.has_labels, decoded.has_annotations) == has
    assert decoded.facts.new == NamespaceState(
        metadata.get("labels") or {}, metadata.get("annotations") or {}
    )


def test_a_create_has_no_old_object() -> None:
    assert decode(review(oldObject=namespace())).facts.old is None


def test_the_owners_are_read() -> None:
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": "1", "controller": True}
    decoded = decode(review(object={"metadata": {"ownerReferences": [owner]}}))
    assert decoded.facts.new.owners == ("Namespace/gone 1",)


def _going(deletion: object) -> dict[str, Any]:
    manifest = namespace()
    manifest["metadata"]["deletionTimestamp"] = deletion
    return manifest


@pytest.mark.parametrize(
    ("sent", "new", "old"),
    [
        pytest.param(update(object=_going(CREATED)), True, False, id="its deletion begins"),
        pytest.param(update(object=_going(CREATED), oldObject=_going(CREATED)), True, True, id="it is going"),
        pytest.param(
            update(object=_going(None), oldObject=_going(None)), False, False, id="null is not going"
        ),
        pytest.param(delete(oldObject=_going(CREATED)), True, True, id="it is deleted once more"),
    ],
)
def test_what_is_going(sent: Any, new: bool, old: bool) -> None:
    facts = decode(sent).facts
    assert facts.old is not None
    assert (facts.new.terminating, facts.old.terminating) == (new, old)


def _made(created: object, **annotations: str) -> dict[str, Any]:
    manifest = namespace(annotations={key.replace("_", "/"): text for key, text in annotations.items()})
    manifest["metadata"]["creationTimestamp"] = created
    return manifest


@pytest.mark.parametrize(
    ("sent", "age"),
    [
        pytest.param(update(object=_made(CREATED, platform_ttl="7d")), 70, id="where a lifetime is set"),
        pytest.param(update(oldObject=_made(CREATED, platform_ttl="7d")), 70, id="where it is taken away"),
        pytest.param(delete(oldObject=_made(CREATED, platform_ttl="7d")), 70, id="where it is deleted"),
        pytest.param(
            update(oldObject=_made("2026-01-02T04:04:05.9+01:00", platform_ttl="1d")),
            69,
            id="in whole seconds",
        ),
        pytest.param(
            update(oldObject=_made("2026-01-02T03:05:20Z", platform_ttl="1d")), 0, id="never below nothing"
        ),
        pytest.param(update(), None, id="not where there is no lifetime"),
        pytest.param(update(oldObject=_made("what?")), None, id="not looked at for nothing"),
        pytest.param(review(object=_made(CREATED, platform_ttl="7d")), None, id="not on CREATE"),
    ],
)
def test_the_age(sent: Any, age: int | None) -> None:
    assert decode(sent).facts.age == age


@pytest.mark.parametrize(
    "created",
    ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-02T03:04:05", None, 7, DROP],
    ids=["empty", "a word", "a thirteenth month", "no time zone", "null", "a number", "absent"],
)
def test_a_creation_time_that_is_none(created: object) -> None:
    before = _made(created, platform_ttl="7d")
    if created is DROP:
        del before["metadata"]["creationTimestamp"]
    with pytest.raises(MalformedReviewError, match=f"^{NOT_ONE}"):
        decode(update(oldObject=before))


def _resource(**changes: str) -> dict[str, str]:
    return {"group": "", "version": "v1", "resource": "namespaces", **changes}


ENVELOPE = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}
NOT_ONE = "not an admission.k8s.io/v1 AdmissionReview: "


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
        pytest.param({**ENVELOPE, "request": []}, NOT_ONE, id="a request that is a list"),
        pytest.param({**ENVELOPE, "response": {"uid": "x", "allowed": True}}, NOT_ONE, id="an answer"),
        pytest.param(review(uid=DROP), NOT_ONE, id="no uid"),
        pytest.param(review(uid=7), NOT_ONE, id="a uid that is a number"),
        pytest.param(review(uid=None), NOT_ONE, id="a null uid"),
        pytest.param(review(uid=""), "request.uid is empty or too long", id="an empty uid"),
        pytest.param(review(uid="x" * 129), "request.uid is empty or too long", id="an endless uid"),
        pytest.param(review(userInfo=DROP), NOT_ONE, id="no user"),
        pytest.param(review(userInfo={"username": 1}), NOT_ONE, id="a user that is a number"),
        pytest.param(review(userInfo={"username": None}), NOT_ONE, id="a null user"),
        pytest.param(review(userInfo={"groups": "a"}), NOT_ONE, id="groups that are no list"),
        pytest.param(review(userInfo={"groups": [None]}), NOT_ONE, id="a null group"),
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
        pytest.param(review(object={"metadata": {"labels": "a"}}), NOT_ONE, id="labels that are a text"),
        pytest.param(
            review(object={"metadata": {"annotations": {"a": True}}}), NOT_ONE, id="a boolean annotation"
        ),
        pytest.param(
            review(object={"metadata": {"ownerReferences": {}}}), NOT_ONE, id="owners that are no list"
        ),
        pytest.param(
            update(oldObject={"metadata": {"labels": {"a": 1}}}), NOT_ONE, id="an old label, a number"
        ),
        pytest.param(
            delete(oldObject={"metadata": {"labels": {"a": 1}}}), NOT_ONE, id="a label that goes, a number"
        ),
        pytest.param(review(object=None), "request.object is null on CREATE", id="a null object"),
        pytest.param(review(object=DROP), "request.object is null on CREATE", id="no object"),
        pytest.param(update(object=None), "request.object is null on UPDATE", id="a null object on UPDATE"),
        pytest.param(update(oldObject=None), "request.oldObject is null on UPDATE", id="a null old object"),
        pytest.param(delete(oldObject=None), "request.oldObject is null on DELETE", id="nothing that goes"),
        pytest.param(
            review(operation="CONNECT"),
            'operation "CONNECT" is not served here, only CREATE, UPDATE, DELETE',
            id="an operation unknown",
        ),
        pytest.param(review(operation="create"), 'operation "create" is not served here', id="lower case"),
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
            review(resource=_resource(resource="pods")),
            '"pods.v1." is not served here',
            id="another resource",
        ),
        pytest.param(
            update(subResource="scale"), 'subresource "scale" is not served here', id="a subresource unknown"
        ),
    ],
)
def test_a_review_that_is_not_ours(content: dict[str, Any], message: str) -> None:
    kept = {key: value for key, value in content.items() if value is not DROP}
    with pytest.raises(MalformedReviewError) as refused:
        decode(kept)
    assert str(refused.value).startswith(message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(review()["request"])), json_values)
def test_any_field_may_be_anything(field: str, value: object) -> None:
    """A review is read or refused as malformed; no other error comes out."""
    try:
        decoded = decode(body(review(**{field: value})))
    except MalformedReviewError:
        return
    assert isinstance(decoded.facts.name, str)
