"""Which keys a ResourceQuota can hold, and what people probably meant when they wrote another.

Source: kubernetes.io, "Resource Quotas". The API server accepts some keys that it never counts,
so a typo would be a limit that does not exist.
"""

import difflib
import re

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_COUNTED = frozenset(
    {
        "pods",
        "services",
        "services.loadbalancers",
        "services.nodeports",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "configmaps",
        "secrets",
    }
)
_KEYS = _COUNTED.union(
    _COMPUTE,
    (f"{side}.{resource}" for side in ("requests", "limits") for resource in _COMPUTE),
    ("requests.storage",),
)
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL}){{0,9}}"
_OPEN = re.compile(
    rf"count/{_DOMAIN}"
    r"|(requests\.)?hugepages-[1-9][0-9]{0,5}[KMG]i"
    rf"|requests\.{_DOMAIN}/[A-Za-z0-9]([-A-Za-z0-9_.]{{0,50}}[A-Za-z0-9])?"
    rf"|{_DOMAIN}\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)",
    re.ASCII,
)
"""Objects of any kind, huge pages of any size, extended resources, storage classes."""

_ADVICE = {
    "cores": "use `requests.cpu` and `limits.cpu`",
    "cpus": "use `requests.cpu` and `limits.cpu`",
    "ram": "use `requests.memory` and `limits.memory`",
    "namespaces": "a ResourceQuota cannot limit namespaces",
    "storage": "use `requests.storage`",
}


def is_known(key: str) -> bool:
    """Whether the API server counts this key (extended resources and storage classes included)."""
    return key in _KEYS or _OPEN.fullmatch(key) is not None


def is_counted(key: str) -> bool:
    """Whether the quota counts objects, of which there are whole numbers only."""
    return key in _COUNTED or key.startswith("count/") or key.endswith("/persistentvolumeclaims")


def advice(key: str) -> str:
    """What to write instead of an unknown key."""
    if key in _ADVICE:
        return _ADVICE[key]
    return f"did you mean `{difflib.get_close_matches(key, sorted(_KEYS), n=1, cutoff=0.0)[0]}`?"
