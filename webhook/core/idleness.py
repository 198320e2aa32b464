"""Since when a namespace has had no pods, as its quota counts them.

The annotation platform/idle-since (Unix seconds) keeps the moment over restarts. A value that cannot be
one (no number, before the namespace, in the future) counts for nothing and is written anew.
"""

import re
from collections.abc import Mapping

from webhook.core import labels, quantity
from webhook.core.errors import InvalidQuantityError
from webhook.core.model import Manifest

_SECONDS = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


def stated(manifest: Manifest) -> str | None:
    """The annotation as it is."""
    annotations: Mapping[str, str] = manifest["metadata"].get("annotations") or {}
    return annotations.get(labels.IDLE_SINCE)


def since(manifest: Manifest, *, created: int) -> int | None:
    """The moment that the annotation names; None without one that can be true."""
    text = stated(manifest)
    if text is None or not _SECONDS.fullmatch(text):
        return None
    found = int(text)
    return found if found >= created else None


def is_idle(quota: Manifest | None) -> bool:
    """Whether the ResourceQuota has room for pods and counts none; False as long as it does not say."""
    spec, status = ((quota or {}).get(part) or {} for part in ("spec", "status"))
    room, used = (spec.get("hard") or {}).get("pods"), (status.get("used") or {}).get("pods")
    return _is_zero(used) and room is not None and not _is_zero(room)


def _is_zero(amount: object) -> bool:
    try:
        return isinstance(amount, str) and quantity.parse(amount) == 0
    except InvalidQuantityError:
        return False


def mark(manifest: Manifest, *, idle: bool, unbroken: bool, created: int, now: int) -> int | None:
    """What the annotation must say: the beginning of the idleness, None where there is none.

    `unbroken`: nothing has happened in the namespace since it was last looked at.
    """
    if not idle:
        return None
    found = since(manifest, created=created) if unbroken else None
    return now if found is None or found > now else found
