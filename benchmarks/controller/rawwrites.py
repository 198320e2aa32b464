"""A client that writes bundles and knows nothing of reconciling: what the API server can take.

A program of its own, so that it shares no processor time with who measures. It takes one line of JSON,
a list of namespaces that exist, and answers with one: the seconds until the last write was answered.

    python -m benchmarks.controller.rawwrites KUBECONFIG
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.scale import loop
from webhook.adapters import catalogue_file
from webhook.adapters.kube import config, resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import namespace
from webhook.core import bundle, labels
from webhook.core.model import Condition, ConditionStatus, Manifest, key_of

WRITES = 7
"""Of one namespace: six objects and its status."""

IN_FLIGHT = 24
"""As many as the controller begins with."""

_TIER = catalogue_file.load(None).tiers["small"]
_DONE = Condition(
    ConditionStatus.TRUE, "BundleComplete", "written by nobody's controller: 6 objects in place"
)
_SINCE = "2026-01-01T00:00:00Z"


def main(kubeconfig: Path) -> None:
    loop.run(_serve(kubeconfig))


async def _serve(kubeconfig: Path) -> None:
    async with Transport(await config.load(kubeconfig)) as transport:
        warm = f"{resources.NAMESPACES.collection}?limit=1"
        await asyncio.gather(*(transport.get(warm) for _ in range(IN_FLIGHT)))
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await _write_all(transport, json.loads(line))), flush=True)


async def _write_all(transport: Transport, names: Sequence[str]) -> float:
    """Seconds until all is written, with IN_FLIGHT writes under way."""
    remaining = iter(names)

    async def work(mine: Iterator[str]) -> None:
        for name in mine:
            for path, manifest in writes(name):
                await transport.apply(path, manifest)

    began = time.perf_counter()
    await asyncio.gather(*(work(remaining) for _ in range(IN_FLIGHT)))
    return time.perf_counter() - began


def writes(name: str) -> Iterator[tuple[str, Manifest]]:
    """Path and body of each apply, in the controller's order."""
    for item in bundle.render(name, "bench", _TIER, quota=_TIER.quota, group="team-bench").objects:
        key = key_of(item)
        yield resources.BUNDLE[key.kind].path(name, key.name), _nobodys(item)
    yield (
        f"{resources.NAMESPACES.path('', name)}/status",
        namespace.status_patch(name, _DONE, since=_SINCE),
    )


def _nobodys(item: Manifest) -> Manifest:
    """As large as ours, but neither guarded nor seen by the controller."""
    metadata = item["metadata"]
    return {**item, "metadata": {**metadata, "labels": {**metadata["labels"], labels.MANAGED_BY: "nobody"}}}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
