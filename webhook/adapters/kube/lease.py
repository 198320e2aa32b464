"""The Lease as the elector reads and writes it: plain values, no call and no clock.

Found Leases are not trusted to be well formed: whoever may write them may leave anything out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhook.core import rights
from webhook.core.model import Manifest

API_VERSION = "coordination.k8s.io/v1"

RELEASED_SECONDS = 1
"""The duration of a Lease that its holder has given back, with an empty holder."""

LONGEST_SECONDS = 60.0
"""The most we wait for a holder that says nothing: longer than any release of ours has asked for, so that
a duration that somebody garbled stops nobody for ever."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease as the API server has it."""

    manifest: Manifest

    @property
    def version(self) -> str:
        version: str = self.manifest["metadata"]["resourceVersion"]
        return version

    @property
    def spec(self) -> dict[str, Any]:
        return self.manifest.get("spec") or {}

    @property
    def holder(self) -> str:
        """Empty when nobody holds it."""
        return self.spec.get("holderIdentity") or ""

    def seconds_to_wait(self, own: float) -> float:
        """How long it must stay as it is before somebody else may take it.

        At least our `own` duration, whatever it says: only a Lease that was given back in form is free
        at once. A hand that empties the holder, or shortens the duration, does not stop the holder.
        """
        stated = self.spec.get("leaseDurationSeconds") or 0
        if not self.holder and stated == RELEASED_SECONDS:
            return 0.0
        return min(max(stated, own), LONGEST_SECONDS)

    def is_of_term(self, spec: Manifest) -> bool:
        """Whether it was written in the same term as `spec`: same holder, same beginning."""
        return all(self.spec.get(key) == spec[key] for key in _TERM)

    def with_spec(self, spec: Manifest) -> Manifest:
        """To be PUT: the API server takes it only if nobody has written since `version`."""
        return {**self.manifest, "spec": spec}


_TERM = ("holderIdentity", "acquireTime", "leaseTransitions")


def path(namespace: str) -> str:
    return f"{collection(namespace)}/{rights.LEASE}"


def collection(namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/leases"


def created(namespace: str, spec: Manifest) -> Manifest:
    """To be POSTed; of several who do, one succeeds."""
    metadata = {"name": rights.LEASE, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def held(found: Lease | None, identity: str, *, seconds: int, now: datetime) -> Manifest:
    """The spec by which `identity` takes what was found, or renews it."""
    before = found.spec if found else {}
    renewed = _after(before.get("renewTime"), now)
    anew = found is None or found.holder != identity or not before.get("acquireTime")
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": seconds,
        "acquireTime": renewed if anew else before["acquireTime"],
        "renewTime": renewed,
        "leaseTransitions": (before.get("leaseTransitions") or 0) + (found is not None and anew),
    }


def released(found: Lease, *, now: datetime) -> Manifest:
    """The spec by which the holder gives it back."""
    renewed = _after(found.spec.get("renewTime"), now)
    return {
        **found.spec,
        "holderIdentity": "",
        "leaseDurationSeconds": RELEASED_SECONDS,
        "renewTime": renewed,
    }


def _after(previous: str | None, now: datetime) -> str:
    """`now`, but never what stood there: a write that changes nothing gets no new version.

    With a clock that stands still the others would see a Lease that nobody renews.
    """
    text = _micro_time(now)
    return text if text != previous else _micro_time(now.replace(microsecond=now.microsecond ^ 1))


def _micro_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
