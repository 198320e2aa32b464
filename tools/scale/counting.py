"""What the controller has done, by other people's count where there is one."""

import re
from collections.abc import Callable

from tools.controlplane.plane import ControlPlane

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


def total(exposition: str, name: str) -> float:
    """The sum over all samples of one metric, of a process's own exposition; 0 when there are none."""
    samples = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", exposition, re.MULTILINE)
    return sum(map(float, samples))
