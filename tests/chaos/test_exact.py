"""Nothing that is wrong in a namespace goes unnoticed, and what is right is not complained of."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.chaos import exact
from webhook.codec import namespace as namespaces
from webhook.core import bundle, labels
from webhook.core.model import Manifest, ObjectKey, key_of

QUOTA = ObjectKey("ResourceQuota", "default")
Objects = dict[ObjectKey, Manifest]
Twist = Callable[[Manifest, Objects], None]


def provisioned(status: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": labels.PROVISIONED, "status": status, "reason": reason, "message": "."}]}


def world() -> tuple[Manifest, Objects]:
    """A namespace as it should be."""
    manifest = {**exact.managed("payments"), "status": provisioned("True", "BundleComplete")}
    wanted = bundle.of("payments", namespaces.state(manifest), exact.POLICY)
    return manifest, {key_of(each): copy.deepcopy(each) for each in wanted.objects}


def nothing(manifest: Manifest, objects: Objects) -> None:
    pass


def lose(manifest: Manifest, objects: Objects) -> None:
    del objects[QUOTA]


def change(manifest: Manifest, objects: Objects) -> None:
    objects[QUOTA]["spec"]["hard"]["pods"] = "9999"


def add(manifest: Manifest, objects: Objects) -> None:
    """What we would have made for another tier."""
    stray = copy.deepcopy(objects[QUOTA])
    stray["metadata"]["name"] = "stray"
    objects[key_of(stray)] = stray


def condition(status: str, reason: str) -> Twist:
    return lambda manifest, objects: manifest.update(status=provisioned(status, reason))


def silence(manifest: Manifest, objects: Objects) -> None:
    del manifest["status"]


def end(manifest: Manifest, objects: Objects) -> None:
    lose(manifest, objects)
    manifest["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("twist", "words"),
    [
        pytest.param(nothing, [], id="as it should be"),
        pytest.param(lose, ["ResourceQuota/default"], id="an object missing"),
        pytest.param(change, ["ResourceQuota/default"], id="an object changed"),
        pytest.param(add, ["orphan ResourceQuota/stray"], id="an object too many"),
        pytest.param(condition("False", "Rejected"), ["Rejected"], id="not provisioned"),
        pytest.param(condition("False", "Contested"), [], id="right again, and told of the fight"),
        pytest.param(silence, ["Provisioned"], id="nothing told"),
        pytest.param(end, [], id="a namespace that is going"),
    ],
)
def test_differences(twist: Twist, words: list[str]) -> None:
    manifest, objects = world()
    twist(manifest, objects)
    found = exact.differences(manifest, objects)
    assert all(any(word in text for text in found) for word in words), found
    assert bool(found) == bool(words)
