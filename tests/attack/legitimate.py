"""What people, GitOps controllers and the cluster itself do every day: none of it may be refused."""

from collections.abc import Iterator

from tests.attack import desk, words
from tests.attack.actors import (
    ACCOUNT,
    ADMIN,
    API,
    CONTROLLER,
    FLUX,
    MEMBER,
    NAMESPACE_ADMIN,
    STRANGER,
    Actor,
)
from tests.attack.desk import Work
from tests.attack.edits import labels, notes, plain_labels, plain_notes
from tests.attack.stage import COLLECTIONS, HOLD
from tests.attack.words import MANAGED_BY, MANAGER, TEAM, TIER

_SERVICE = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
_LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"holderIdentity": "me"}}
_SLICE = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "addressType": "IPv4",
    "endpoints": [],
}
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
_OURS = {TIER: "small", TEAM: "payments", MANAGED_BY: MANAGER}
_ADOPTED = plain_labels({**words.LABELS, words.EXPIRES_AT: None})


def _own(actor: Actor) -> Iterator[Work]:
    """What whoever has the right to write a namespace may write in any."""
    yield Work("a label", actor, desk.change(plain_labels({"cost-centre": "42"})))
    yield Work("a label by patch", actor, desk.change(plain_labels({"cost-centre": "42"}), 2))
    yield Work("an annotation", actor, desk.change(plain_notes({"note": "hello"}), 1))
    yield Work("stricter Pod Security", actor, desk.change(labels(enforce="restricted"), 3))
    yield Work("what is so already", actor, desk.change(labels(tier="small", team="payments")))
    yield Work("a finalizer, and its removal", actor, desk.own_finalizer)
    yield Work("a condition in the status", actor, desk.condition)


def _people() -> Iterator[Work]:
    yield Work("a longer life", MEMBER, desk.change(notes(ttl="60d")))
    yield Work("a life without end", MEMBER, desk.change(notes(ttl=None)))
    yield Work("a quota within bounds", MEMBER, desk.change(notes(quota="requests.cpu=6")))
    yield Work("protection", MEMBER, desk.change(notes(protection="true")))
    yield Work("protection off, and deletion", MEMBER, desk.unprotect_and_delete, "protected")
    yield Work("deletion by the team", MEMBER, desk.delete, changes_namespace=False)
    yield Work("deletion of what nobody manages", STRANGER, desk.delete, "unmanaged", changes_namespace=False)
    yield Work("kubectl label", MEMBER, desk.kubectl("label", "namespace", "{}", "a=b"))
    yield Work("kubectl annotate", MEMBER, desk.kubectl("annotate", "namespace", "{}", "a=b", "--overwrite"))
    yield Work(
        "kubectl delete", MEMBER, desk.kubectl("delete", "ns", "{}", "--wait=false"), changes_namespace=False
    )
    yield Work("kubectl create namespace", MEMBER, desk.kubectl("create", "namespace", "{fresh}"))
    yield Work(
        "kubectl create namespace, dry", MEMBER, desk.kubectl("create", "ns", "{fresh}", "--dry-run=server")
    )
    yield Work("kubectl apply, twice and changed", MEMBER, desk.kubectl_apply())
    yield Work("kubectl apply on the server, twice and changed", MEMBER, desk.kubectl_apply("--server-side"))
    yield Work("dry runs", MEMBER, desk.dry)
    yield Work("a label while terminating", MEMBER, desk.change(plain_labels({"a": "b"})), "terminating")
    yield Work("a label of the system's", STRANGER, desk.change(plain_labels({"a": "b"}), 2), "kube-public")
    yield Work(
        "another manager of what nobody manages", STRANGER, desk.change(labels(manager="Helm")), "unmanaged"
    )
    yield Work("Pod Security where nobody manages", STRANGER, desk.change(labels(warn=None)), "unmanaged")


def _newcomers() -> Iterator[Work]:
    yield Work("a namespace for the team", MEMBER, desk.create({TEAM: "payments"}))
    yield Work("a namespace by its name", MEMBER, desk.create({}))
    yield Work("a larger tier", MEMBER, desk.create({TEAM: "payments", TIER: "large"}))
    yield Work("everything stated", MEMBER, desk.create(_OURS, {words.REQUESTED_BY: "jane"}))
    yield Work("a lifetime", MEMBER, desk.create({TEAM: "payments"}, {words.TTL: "7d"}))
    yield Work("restricted pods", MEMBER, desk.create({TEAM: "payments", words.ENFORCE: "restricted"}))
    yield Work("a finalizer from the start", MEMBER, desk.create({TEAM: "payments"}, finalizers=[HOLD]))
    yield Work("a generated name", MEMBER, desk.generated)
    yield Work("apply, twice and changed", MEMBER, desk.apply("flux", _OURS, _OURS, {**_OURS, "a": "b"}))
    yield Work("as Helm makes one", MEMBER, desk.create({"name": "anything", TEAM: "payments"}))


def _trusted() -> Iterator[Work]:
    """Those that the catalogue names."""
    yield Work(
        "for a team not its own", FLUX, desk.apply("flux", {**_OURS, TEAM: "shop"}, {**_OURS, TEAM: "shop"})
    )
    yield Work("another tier, as in Git", FLUX, desk.apply("flux", _OURS, {**_OURS, TIER: "large"}))
    yield Work("another team, as in Git", FLUX, desk.apply("flux", _OURS, {**_OURS, TEAM: "shop"}))
    yield Work("adoption, as in Git", FLUX, desk.change(_ADOPTED), "unmanaged")
    yield Work("pruning, as in Git", FLUX, desk.delete, changes_namespace=False)
    yield Work("objects of ours, as in Git", FLUX, desk.own_bundle, "managed", changes_namespace=False)
    yield Work("in somebody's name", API, desk.create({TEAM: "shop"}, {words.REQUESTED_BY: "joe"}))
    yield Work("deletion through our API", API, desk.delete, changes_namespace=False)
    yield Work("a lifetime through our API", API, desk.change(notes(ttl="60d")))
    yield Work("the bundle", CONTROLLER, desk.own_bundle, "managed", changes_namespace=False)
    yield Work("the expiry", CONTROLLER, desk.change(labels(expires="20980101T000000Z"), 2))
    yield Work("since when it is idle", CONTROLLER, desk.change(notes(idle="1772366400")))
    yield Work("the condition", CONTROLLER, desk.condition)
    yield Work("deletion at the end of a life", CONTROLLER, desk.delete, changes_namespace=False)
    yield Work("another tier", ADMIN, desk.change(labels(tier="large")))
    yield Work("a tier with less than is in use", ADMIN, desk.change(notes(force="small")))
    yield Work("another team", ADMIN, desk.change(labels(team="shop"), 2))
    yield Work("adoption", ADMIN, desk.change(_ADOPTED), "unmanaged")
    yield Work("detachment", ADMIN, desk.change(labels(manager=None, tier=None, team=None)))
    yield Work("lower Pod Security", ADMIN, desk.change(labels(enforce="privileged")))
    yield Work("the record put right", ADMIN, desk.change(notes(requester="joe")))
    yield Work("objects of ours by hand", ADMIN, desk.own_bundle, "managed", changes_namespace=False)
    yield Work("deletion by an admin", ADMIN, desk.delete, changes_namespace=False)
    yield Work("a label on kube-system", ADMIN, desk.change(plain_labels({"a": "b"}), 2), "kube-system")
    yield Work("an exempt namespace", ADMIN, desk.kubectl("create", "namespace", "flux-system"))


def _contents() -> Iterator[Work]:
    """What lives in a namespace beside our objects, and in others."""
    for kind in COLLECTIONS:
        actor = NAMESPACE_ADMIN if kind == "RoleBinding" else MEMBER
        yield Work(f"a {kind} of one's own", actor, desk.life_of(kind), changes_namespace=False)
        yield Work(
            f"a {kind} of Helm's", ACCOUNT, desk.life_of(kind, {MANAGED_BY: "Helm"}), changes_namespace=False
        )
    yield Work("many at once", MEMBER, desk.purge, changes_namespace=False)
    for name, collection, body in (
        ("a Service", "/api/v1/namespaces/{}/services", _SERVICE),
        ("a Secret", "/api/v1/namespaces/{}/secrets", {"apiVersion": "v1", "kind": "Secret"}),
        ("a ServiceAccount", "/api/v1/namespaces/{}/serviceaccounts", {"apiVersion": "v1"}),
        ("Endpoints", "/api/v1/namespaces/{}/endpoints", {"apiVersion": "v1", "subsets": []}),
        ("an EndpointSlice", _SLICES, _SLICE),
        ("a Lease", _LEASES, _LEASE),
    ):
        yield Work(name, MEMBER, desk.post(collection, body), changes_namespace=False)
    for place in ("unmanaged", "kube-system"):
        yield Work(
            "Endpoints", STRANGER, desk.post("/api/v1/namespaces/{}/endpoints", {"subsets": []}), place, False
        )
        yield Work("a Lease", STRANGER, desk.post(_LEASES, _LEASE), place, False)


WORK = (
    *(work for actor in (MEMBER, NAMESPACE_ADMIN, STRANGER) for work in _own(actor)),
    *_people(),
    *_newcomers(),
    *_trusted(),
    *_contents(),
)
