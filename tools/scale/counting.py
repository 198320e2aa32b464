"""What the controller has done, by other people's count where there is one."""

import asyncio
import re
from collections.abc import Callable

from tools.controlplane.plane import ControlPlane
from tools.scale import polling

QUIET_SECONDS = 600.0

_VERBS = frozenset({"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"})
_RESOURCES = frozenset(
    {
        "namespaces",
        "limitranges",
        "resourcequotas",
        "networkpolicies",
        "configmaps",
        "rolebindings",
        "events",
    }
)
"""All that the controller writes but its Lease. In a cluster at rest nobody else writes them either."""


def writes(plane: ControlPlane) -> Callable[[], dict[str, int]]:
    """Call what is returned at the end: writes since now, by the API server's count, zeroes left out."""
    before = plane.counters()

    def since() -> dict[str, int]:
        return {
            f"{verb} {resource}": total - before.get((verb, resource), 0)
            for (verb, resource), total in sorted(plane.counters().items())
            if verb in _VERBS and resource in _RESOURCES and total != before.get((verb, resource), 0)
        }

    return since


async def quiet(plane: ControlPlane) -> None:
    """Wait for a second without such a write by anybody."""

    async def was_quiet() -> bool | None:
        since = await asyncio.to_thread(writes, plane)
        await asyncio.sleep(1.0)
        return None if await asyncio.to_thread(since) else True

    await polling.until(was_quiet, "the plane to be quiet", limit=QUIET_SECONDS)


def total(exposition: str, name: str) -> float:
    """The sum over all samples of one metric, of a process's own exposition; 0 when there are none."""
    samples = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", exposition, re.MULTILINE)
    return sum(map(float, samples))
