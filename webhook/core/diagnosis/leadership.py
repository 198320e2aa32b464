"""The Lease by which one controller leads."""

from collections.abc import Iterator
from datetime import datetime

from webhook.core import rights
from webhook.core.diagnosis.model import Facts, Finding, unseen
from webhook.core.model import Manifest

RENEWED_SECONDS = 15
"""A leader renews about every two seconds, and stops after ten without."""

_LOOK = "look at the controllers' logs: who wants to lead says why it cannot"


def judge(facts: Facts) -> Iterator[Finding]:
    yield from unseen("lease", f"Lease {facts.namespace}/{rights.LEASE}", facts.lease)
    if facts.lease.missing:
        remedy = "start a controller there (--lease-namespace says where it leads)"
        what = f"there is no Lease {rights.LEASE} in namespace {facts.namespace}: nobody has ever led"
        yield Finding("lease", "fail", what, remedy)
    elif facts.lease.content is not None:
        yield _held(facts.lease.content.get("spec") or {}, facts.server_now)


def _held(spec: Manifest, now: datetime | None) -> Finding:
    holder, renewed = spec.get("holderIdentity"), _moment(spec.get("renewTime"))
    if not holder:
        return Finding("lease", "fail", "no controller leads: the Lease was given back", _LOOK)
    if renewed is None or now is None:
        return Finding("lease", "warn", f"{holder} leads, since when renewed cannot be told", "look again")
    age = (now - renewed).total_seconds()
    if age > RENEWED_SECONDS:
        return Finding("lease", "fail", f"{holder} led, and has not renewed for {age:.0f} s", _LOOK)
    return Finding("lease", "ok", f"{holder} leads, renewed {max(age, 0):.0f} s ago")


def _moment(text: object) -> datetime | None:
    """What a Lease says is somebody else's text."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
