"""Namespaces, changes and callers drawn by lot: what nobody would think of."""

import random
from collections.abc import Iterator
from typing import Any

from tests.attack import difference, words
from tests.attack.actors import EVERYBODY, MEMBER
from tests.attack.client import Client, Request
from tests.attack.edits import DANGLING, FORGED
from tests.attack.parity import Trial
from tests.attack.words import MANAGED_BY, MANAGER, TEAM, TIER, Manifest

SEED = 20_260_102
_MERGE = "application/merge-patch+json"

_CALLERS = (*EVERYBODY, MEMBER, MEMBER)

_LABELS: dict[str, tuple[str | None, ...]] = {
    TIER: ("small", "small", "large", "vault", "gone", None),
    TEAM: ("payments", "payments", "payments", "shop", "", None),
    MANAGED_BY: (MANAGER, MANAGER, MANAGER, "Helm", "", None),
    words.ENFORCE: ("baseline", "restricted", "privileged", None),
    words.WARN: ("baseline", "restricted", "privileged", None),
    words.AUDIT: ("baseline", "privileged", None, None),
    f"{words.ENFORCE}-version": ("latest", "v1.24", None, None),
    f"{words.AUDIT}-version": ("latest", "v1.24", None, None, None),
    words.EXPIRES_AT: ("20990101T000000Z", "", None, None),
    "cost-centre": ("42", None),
}
_NOTES: dict[str, tuple[str | None, ...]] = {
    words.REQUESTED_BY: ("jane", "jane", "", None),
    words.TTL: ("30d", "60d", None),
    words.QUOTA: ("pods=10", None, None),
    words.PROTECTION: ("true", "false", "yes", None, None),
    words.IDLE_SINCE: ("1772366400", None, None),
    words.FORCE: ("small", None, None),
    "note": ("hello", None),
}
_OWNERS: tuple[list[Manifest], ...] = ([], [], [], [DANGLING], [FORGED], [DANGLING, FORGED])
_FINALIZERS: tuple[list[str], ...] = (["kubernetes"], ["kubernetes"], ["kubernetes", "example.com/more"], [])
_DOORS = ("", "", "/status", "/finalize")


def namespaces(client: Client, prefix: str, count: int) -> list[Manifest]:
    """Namespaces in all kinds of states, orderly or not; some are being deleted."""
    dice = random.Random(SEED)
    keeper = client.must(Request("GET", "/api/v1/namespaces/kube-system"))["metadata"]["uid"]
    found = []
    for number in range(count):
        metadata: Manifest = {"name": f"{prefix}-{number}", "labels": _some(dice, _LABELS), "annotations": {}}
        metadata["annotations"] = _some(dice, _NOTES)
        if dice.random() < 0.2:  # an owner that is there, or else the garbage collector would come
            metadata["ownerReferences"] = [{**FORGED, "uid": keeper, "controller": False}]
        if going := dice.random() < 0.15:
            metadata["finalizers"] = ["example.com/hold"]
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        client.must(Request("POST", "/api/v1/namespaces", manifest))
        if going:
            client.must(Request("DELETE", f"/api/v1/namespaces/{metadata['name']}"))
        found.append(client.must(Request("GET", f"/api/v1/namespaces/{metadata['name']}")))
    return found


def trials(existing: list[Manifest], count: int) -> Iterator[Trial]:
    """Of ten requests seven are changes, two deletions and one is a creation."""
    dice = random.Random(SEED)
    for number in range(count):
        kind, actor = dice.random(), dice.choice(_CALLERS)
        manifest = dice.choice(existing)
        path = f"/api/v1/namespaces/{manifest['metadata']['name']}"
        if kind < 0.7:
            request = _change(dice, manifest, path)
        elif kind < 0.9:
            request = Request("DELETE", path)
        else:
            request = _creation(dice, number)
        yield Trial(
            f"{number} {request.method} {request.path} {request.body} by {actor.name}", actor, request
        )


def _change(dice: random.Random, manifest: Manifest, path: str) -> Request:
    wanted = difference.plain(manifest)
    for part, choices in (("labels", _LABELS), ("annotations", _NOTES)):
        whole = dict(wanted["metadata"].get(part, {}))
        for key in dice.sample(sorted(choices), dice.choice((0, 1, 1, 2))):
            value = dice.choice(choices[key])
            whole.pop(key, None)
            whole |= {} if value is None else {key: value}
        wanted["metadata"][part] = whole
    if dice.random() < 0.15:
        kept = wanted["metadata"].get("ownerReferences", []) if dice.random() < 0.5 else []
        wanted["metadata"]["ownerReferences"] = [*kept, *dice.choice(_OWNERS)]
    door = dice.choice(_DOORS)
    if door == "/finalize":
        wanted["spec"] = {"finalizers": dice.choice(_FINALIZERS)}
        return Request("PUT", path + door, wanted)
    return Request("PATCH", path + door, difference.merge_patch(difference.plain(manifest), wanted), _MERGE)


def _creation(dice: random.Random, number: int) -> Request:
    name = dice.choice(("cert-manager", "kube-public", "kube-lot", f"lot-{number}", f"lot-{number}"))
    metadata: dict[str, Any] = {"name": name, "labels": _some(dice, _LABELS)}
    metadata["annotations"] = _some(dice, _NOTES)
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    return Request("POST", "/api/v1/namespaces", manifest)


def _some(dice: random.Random, choices: dict[str, tuple[str | None, ...]]) -> dict[str, str]:
    drawn = {key: dice.choice(values) for key, values in choices.items()}
    return {key: value for key, value in drawn.items() if value is not None}
