"""Thousands of namespaces that are exactly right already: copies of some that the product itself has made.

So they carry what the product of today writes, managedFields included, and nothing here has to know it.
"""

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tools.scale import bundles, polling
from tools.scale.client import Client
from tools.scale.etcd import Entry, Etcd
from webhook.codec import namespace
from webhook.core import labels
from webhook.core.model import ConditionStatus, Manifest, NamespaceState

TEMPLATES = 20
"""Namespaces to copy, each of a team of its own."""

IN_FLIGHT = 8
LIMIT_SECONDS = 120.0
_COLLECTION = "/api/v1/namespaces"
_OTHERS = {"ServiceAccount": "serviceaccounts/default", "ConfigMap": "configmaps/kube-root-ca.crt"}
"""What kube-controller-manager puts into every namespace; else it would be busy long after."""

_PLURALS = {
    "LimitRange": "limitranges",
    "ResourceQuota": "resourcequotas",
    "NetworkPolicy": "networkpolicies",
    "ConfigMap": "configmaps",
    "RoleBinding": "rolebindings",
    "ServiceAccount": "serviceaccounts",
}


class Text(NamedTuple):
    """An object as text, in which its namespace's name and its own uid can be replaced."""

    key: str
    value: str
    uid: str


class Template(NamedTuple):
    """A namespace with all that is in it."""

    name: str
    texts: tuple[Text, ...]

    def copy(self, name: str) -> Iterator[Entry]:
        for text in self.texts:
            value = text.value.replace(text.uid, str(uuid.uuid4())).replace(self.name, name)
            yield text.key.replace(self.name, name), value.encode()


async def templates(client: Client, count: int) -> list[Template]:
    """Have the product make so many, and read them."""
    names = [f"template-{number:04}-original" for number in range(count)]
    for number, name in enumerate(names):
        state = NamespaceState(labels={labels.TEAM: f"scale-{number}"})
        await client.send("POST", _COLLECTION, namespace.manifest(name, state))
    return [await _template(client, name) for name in names]


async def load(etcd: Etcd, templates: Sequence[Template], names: Sequence[str]) -> None:
    """Copy the templates in turn until there is a namespace of each of these names."""
    remaining = iter(enumerate(names))

    async def work() -> None:
        for number, name in remaining:
            await etcd.put(templates[number % len(templates)].copy(name))

    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))


async def _template(client: Client, name: str) -> Template:
    """As soon as the namespace is complete, and what Kubernetes adds is there, too."""
    found = await polling.until(
        lambda: _complete(client, name), f"{name} to be complete", limit=LIMIT_SECONDS
    )
    return Template(name, tuple(map(_text, found)))


async def _complete(client: Client, name: str) -> list[Manifest] | None:
    space = await client.get(f"{_COLLECTION}/{name}")
    condition = namespace.provisioned(space)
    if condition is None or condition.status is not ConditionStatus.TRUE:
        return None
    others = [
        {"apiVersion": "v1", "kind": kind, **(await client.find(f"{_COLLECTION}/{name}/{path}") or {})}
        for kind, path in _OTHERS.items()
    ]
    ours = await bundles.of(client, name)
    there = all("metadata" in item for item in others)
    counted = all("hard" in item.get("status", {}) for item in ours if item["kind"] == "ResourceQuota")
    return [*ours, *others, space] if there and counted else None


def _text(manifest: Manifest) -> Text:
    """The resource version is etcd's to give."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "resourceVersion"}
    value = json.dumps({**manifest, "metadata": metadata})
    return Text(_key(manifest["kind"], metadata), value, metadata["uid"])


def _key(kind: str, metadata: Manifest) -> str:
    """Where the API server looks for it."""
    if kind == "Namespace":
        return f"/registry/namespaces/{metadata['name']}"
    return f"/registry/{_PLURALS[kind]}/{metadata['namespace']}/{metadata['name']}"
