"""The namespaces that are attacked: made by the administrator, lent to one case at a time."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.attack import actors, difference, doors, words
from tests.attack.client import Client, Request
from tests.attack.words import ANNOTATIONS, FIRST_MANAGER, LABELS, MANAGER, Manifest
from tests.core.builders import POLICY
from tools.controlplane import waiting
from webhook.codec import namespace as namespaces
from webhook.core import bundle

OWN, HOLD = "own", "example.com/hold"
SYSTEM = ("kube-system", "kube-public", "default", "ns-provisioner")

COLLECTIONS = {
    "LimitRange": "/api/v1/namespaces/{}/limitranges",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}


@dataclass(slots=True)
class Target:
    """A namespace as it stands, with the objects of ours and a ConfigMap of somebody's own."""

    kind: str
    namespace: Manifest
    objects: dict[str, Manifest] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.namespace["metadata"]["name"])

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.name}"


def path_of(manifest: Manifest) -> str:
    """Where an object of a bundle lives."""
    collection = COLLECTIONS[manifest["kind"]].format(manifest["metadata"]["namespace"])
    return f"{collection}/{manifest['metadata']['name']}"


class Stage:
    """Makes what is borrowed when there is none left; `prefix` keeps two stages of one plane apart."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self.prefix = prefix
        self._numbers = itertools.count(1)
        self._spare: defaultdict[str, list[Target]] = defaultdict(list)
        self._lock = threading.Lock()
        self._single = {kind: threading.Lock() for kind in SYSTEM}

    def open(self) -> None:
        """Rights for the attackers, and the namespace that is called like us."""
        for manifest in actors.rights():
            kind = f"{manifest['kind'].lower()}s"
            path = f"/apis/rbac.authorization.k8s.io/v1/{kind}/{manifest['metadata']['name']}"
            self._client.must(doors.applied(manifest, path, FIRST_MANAGER))
        ours = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns-provisioner"}}
        self._client.must(doors.applied(ours, "/api/v1/namespaces/ns-provisioner", FIRST_MANAGER))

    def borrow(self, kind: str) -> Target:
        """One of a kind; of the system's there is only one of each, and others wait for it."""
        if kind in SYSTEM:
            self._single[kind].acquire()
            return self.make(kind)
        with self._lock:
            if self._spare[kind]:
                return self._spare[kind].pop()
        return self.make(kind)

    def give_back(self, target: Target) -> None:
        if target.kind in SYSTEM:
            self._single[target.kind].release()
            return
        with self._lock:
            self._spare[target.kind].append(target)

    def discard(self, target: Target) -> None:
        """What a case has changed is of no use any more; one of the system's is made good."""
        if target.kind in SYSTEM:
            self._client.must(Request("PUT", target.path, difference.plain(target.namespace)))
            self.give_back(target)

    def fill(self, wanted: Mapping[str, int]) -> None:
        """Make so many ahead, for the time when none can be made."""
        for kind, count in wanted.items():
            for target in [self.make(kind) for _ in range(count)]:
                self.give_back(target)

    def spare(self) -> list[Target]:
        """All that were given back: nothing of theirs may have changed."""
        return [target for targets in self._spare.values() for target in targets]

    def make(self, kind: str) -> Target:
        if kind in SYSTEM:
            return Target(kind, self._client.must(Request("GET", f"/api/v1/namespaces/{kind}")))
        name = f"{self.prefix}-{next(self._numbers)}"
        _MAKERS[kind](self._client, name)
        return self._settled(kind, name)

    def _settled(self, kind: str, name: str) -> Target:
        """As the controllers leave it: with a bundle, or held while it is being deleted."""
        path = f"/api/v1/namespaces/{name}"
        if kind == "terminating":
            self._client.must(Request("DELETE", path))
        target = Target(kind, self._client.must(Request("GET", path)))
        if kind in _BUNDLED:
            admins = actors.namespace_admin(name)
            self._client.must(doors.applied(admins, path_of(admins), FIRST_MANAGER))
            for manifest in _contents(target.namespace):
                self._client.must(doors.applied(manifest, path_of(manifest), MANAGER))
            target.objects = self._objects(target)
        return target

    def _objects(self, target: Target) -> dict[str, Manifest]:
        waiting.until(lambda: self._counted(target), f"the quota of {target.name} to be counted", [])
        found = {}
        for manifest in _contents(target.namespace):
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            found[f"{kind}/{name}"] = self._client.must(Request("GET", path_of(manifest)))
        return found

    def _counted(self, target: Target) -> bool:
        quota = self._client.get(f"{target.path}/resourcequotas/default") or {}
        return bool(quota.get("status", {}).get("hard") == quota["spec"]["hard"])


def _contents(namespace: Manifest) -> list[Manifest]:
    """The bundle, a ConfigMap as a tier may add one, and another that is nobody's business."""
    name = namespace["metadata"]["name"]
    found = list(bundle.of(name, namespaces.state(namespace), POLICY).objects)
    ours = {"name": "ours", "namespace": name, "labels": dict(found[0]["metadata"]["labels"])}
    for metadata in (ours, {"name": OWN, "namespace": name}):
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})
    return found


def _make(labels: Manifest, notes: Manifest, **more: object) -> Callable[[Client, str], None]:
    def make(client: Client, name: str) -> None:
        metadata = {"name": name, "labels": labels, "annotations": notes, **more}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        client.must(doors.applied(manifest, f"/api/v1/namespaces/{name}", FIRST_MANAGER))

    return make


def _make_unmanaged(client: Client, name: str) -> None:
    """As one was before the product came: an admin takes the labels away again."""
    _make(LABELS, ANNOTATIONS)(client, name)
    gone = {"labels": dict.fromkeys(LABELS), "annotations": dict.fromkeys(ANNOTATIONS)}
    patch = Request("PATCH", f"/api/v1/namespaces/{name}", {"metadata": gone}, "application/merge-patch+json")
    client.must(patch)


_BUNDLED = ("managed", "protected")
_MAKERS: dict[str, Callable[[Client, str], None]] = {
    "managed": _make(LABELS, ANNOTATIONS),
    "bare": _make(LABELS, ANNOTATIONS),
    "protected": _make(LABELS, {**ANNOTATIONS, words.PROTECTION: "true"}),
    "vault": _make({**LABELS, words.TIER: "vault"}, ANNOTATIONS),
    "terminating": _make(LABELS, ANNOTATIONS, finalizers=[HOLD]),
    "unmanaged": _make_unmanaged,
}

KINDS = tuple(_MAKERS)
"""All but the system's; a bare one is managed, and its bundle still to come."""
