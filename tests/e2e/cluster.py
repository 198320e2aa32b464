"""Short words for what the end-to-end tests do to a cluster and wait for."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product

Manifest = dict[str, Any]
T = TypeVar("T")

LIMIT_SECONDS = 10.0

PATHS = {
    "LimitRange": "/api/v1/namespaces/{}/limitranges/default",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas/default",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/default-deny-all",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings/team-edit",
}


@contextmanager
def installed(folder: Path, catalogue: Path) -> Iterator[Product]:
    """A plane of one's own, with the product and a catalogue that the test may change."""
    with ControlPlane.start() as plane:
        product = Product.start(plane, folder, catalogue=catalogue)
        try:
            yield product
        finally:
            product.stop()


def namespace(name: str, **labels: str) -> Manifest:
    """A Namespace manifest; `tier` and `team` are short for the labels."""
    full = {f"platform/{key}" if key in ("tier", "team") else key: value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": full}}


def create(plane: ControlPlane, manifest: Manifest) -> tuple[int, Manifest]:
    answer = plane.api.send("POST", "/api/v1/namespaces", manifest)
    return answer.status, answer.json()


def get(plane: ControlPlane, path: str) -> Manifest | None:
    """None for what is not there."""
    answer = plane.api.get(path)
    assert answer.status in (200, 404), answer.body
    found: Manifest = answer.json()
    return found if answer.status == 200 else None


def eventually(look: Callable[[], T | None], what: str, *, seconds: float = LIMIT_SECONDS) -> T:
    """What `look` finds as soon as it is neither None nor False."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


def condition(plane: ControlPlane, name: str) -> Manifest:
    """The `Provisioned` condition, empty while there is none."""
    live = get(plane, f"/api/v1/namespaces/{name}") or {}
    conditions = live.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Provisioned"), {})


def provisioned(plane: ControlPlane, name: str) -> Manifest:
    """Wait for the condition to be True; the namespace."""
    eventually(lambda: condition(plane, name).get("status") == "True", f"{name} to be provisioned")
    live = get(plane, f"/api/v1/namespaces/{name}")
    assert live is not None
    return live


def new(plane: ControlPlane, name: str, **labels: str) -> Manifest:
    """Create a namespace and wait for its bundle."""
    status, answer = create(plane, namespace(name, **labels))
    assert status == 201, answer
    return provisioned(plane, name)


def bundle(plane: ControlPlane, name: str) -> dict[str, Manifest]:
    """All objects of ours in a namespace by Kind/name, without what the server adds."""
    kinds = "limitranges,resourcequotas,networkpolicies,rolebindings"
    items = json.loads(plane.kubectl("get", kinds, "-n", name, "-o", "json"))["items"]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in items}


def denial(answer: Manifest) -> str:
    """The text a person sees of a refused request."""
    return str(answer["message"])


def writes(plane: ControlPlane) -> dict[str, int]:
    """What the product has written so far, by resource: bundle objects made or applied, and conditions.

    Updates are left out: the quota controller makes them, too.
    """
    found: Counter[str] = Counter()
    for (verb, resource), count in plane.counters().items():
        if (verb == "POST" and resource in _BUNDLE) or verb == "APPLY":
            found[resource] += count
    return dict(found)


_BUNDLE = {"limitranges", "resourcequotas", "networkpolicies", "rolebindings"}


def may(plane: ControlPlane, *question: str) -> bool:
    """`kubectl auth can-i` answers no with exit code 1."""
    try:
        return plane.kubectl(*question).strip() == "yes"
    except ControlPlaneError:
        return False
