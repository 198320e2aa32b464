"""Everything that the product does to a cluster, brought about once."""

from concurrent.futures import ThreadPoolExecutor

from tests.e2e import cluster
from tests.e2e.test_api import post
from tests.rights import audit, catalogue
from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.adapters import catalogue_file
from webhook.adapters.kube import resources
from webhook.core import bundle, labels
from webhook.core.model import Manifest, key_of

NAME = "tour"
"""The namespace that nearly all of it happens to."""

EXPIRY_SECONDS = 20.0
"""The controller looks at what is due every ten."""

_MERGE = {"Content-Type": "application/merge-patch+json"}
_HOLD = "example.com/hold"


def run(product: Installation) -> None:
    """Each step waits until the product has done its part."""
    plane = product.plane
    cluster.new(plane, NAME, tier=catalogue.FULL)
    for manifest in _one_of_each_kind(product):
        path = _path(manifest)
        _take_away(plane, path)
        _unlabel(plane, path)
        _tie(plane, path)
    _change_tier(plane)
    _leave_something_behind(plane)
    _ask_the_api(product)
    _let_expire(plane)


def _one_of_each_kind(product: Installation) -> list[Manifest]:
    tier = catalogue_file.load(product.catalogue).tiers[catalogue.FULL]
    objects = bundle.render(NAME, NAME, tier, quota=tier.quota, group=f"team-{NAME}").objects
    return list({manifest["kind"]: manifest for manifest in objects}.values())


def _path(manifest: Manifest) -> str:
    key = key_of(manifest)
    return resources.BUNDLE[key.kind].path(NAME, key.name)


def _take_away(plane: ControlPlane, path: str) -> None:
    old = _live(plane, path)["metadata"]["uid"]
    assert plane.api.send("DELETE", path).status == 200
    cluster.eventually(
        lambda: (found := cluster.get(plane, path)) and found["metadata"]["uid"] != old,
        f"{path} to come back",
    )


def _unlabel(plane: ControlPlane, path: str) -> None:
    """What is missing, the controller applies."""
    _patch(plane, path, {"labels": {labels.TIER_REVISION: None}})
    cluster.eventually(
        lambda: labels.TIER_REVISION in (_live(plane, path)["metadata"].get("labels") or {}),
        f"the label of {path} to come back",
    )


def _tie(plane: ControlPlane, path: str) -> None:
    """What is too much, it replaces."""
    _patch(plane, path, {"finalizers": [_HOLD]})
    cluster.eventually(
        lambda: not _live(plane, path)["metadata"].get("finalizers"), f"the finalizer of {path} to go"
    )


def _change_tier(plane: ControlPlane) -> None:
    """What the other tier does not have goes."""
    _patch(plane, f"/api/v1/namespaces/{NAME}", {"labels": {labels.TIER: catalogue.BARE}})
    for manifest in catalogue.EXTRA:
        _wait_until_gone(plane, _path(manifest))


def _leave_something_behind(plane: ControlPlane) -> None:
    """A LimitRange that some other version of ours has made; no tier can have a second one."""
    ours = {labels.MANAGED_BY: labels.MANAGER, labels.TIER_REVISION: "other"}
    manifest: Manifest = {"kind": "LimitRange", "metadata": {"name": "former", "labels": ours}}
    path = _path(manifest)
    answer = plane.api.send("POST", f"{path.rpartition('/')[0]}?fieldManager={labels.MANAGER}", manifest)
    assert answer.status == 201, answer.body
    _wait_until_gone(plane, path)


def _ask_the_api(product: Installation) -> None:
    """For something that takes the controller a while, so that the API has to wait for it."""
    controllers = [pod.process for pod in product.pods("controller")]
    with ThreadPoolExecutor() as pool:
        for each in controllers:
            each.pause()
        try:
            asked = pool.submit(post, product, {"team": f"{NAME}-team", "tier": catalogue.BARE})
            cluster.eventually(lambda: _api_watches(product.plane), "the API to wait for the namespace")
        finally:
            for each in controllers:
                each.resume()
        status, answer = asked.result()
    assert (status, answer["phase"]) == (201, "Ready"), answer


def _api_watches(plane: ControlPlane) -> bool:
    (api,) = accounts.users(["api"])
    made = (request.use for request in audit.requests(plane.audit_log))
    return any(use.user == api and use.verb == "watch" for use in made)


def _let_expire(plane: ControlPlane) -> None:
    name = f"{NAME}-short"
    manifest = cluster.namespace(name, tier=catalogue.BARE)
    manifest["metadata"]["annotations"] = {labels.TTL: "3s"}
    status, answer = cluster.create(plane, manifest)
    assert status == 201, answer
    cluster.eventually(lambda: _is_ending(plane, name), f"{name} to expire", seconds=EXPIRY_SECONDS)


def _is_ending(plane: ControlPlane, name: str) -> bool:
    live = cluster.get(plane, f"/api/v1/namespaces/{name}")
    return live is None or "deletionTimestamp" in live["metadata"]


def _patch(plane: ControlPlane, path: str, metadata: Manifest) -> None:
    answer = plane.api.send("PATCH", path, {"metadata": metadata}, headers=_MERGE)
    assert answer.status == 200, answer.body


def _wait_until_gone(plane: ControlPlane, path: str) -> None:
    cluster.eventually(lambda: cluster.get(plane, path) is None, f"{path} to go")


def _live(plane: ControlPlane, path: str) -> Manifest:
    found = cluster.get(plane, path)
    assert found is not None, path
    return found
