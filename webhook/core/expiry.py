"""When a managed namespace ends, and what is said of it before.

Two things end one: its lifetime (creation + `platform/ttl`) and, where its tier has an `idleTtl`, having
had no pods for that long. Both are read off the object, so no restart forgets an end, and whoever changes
the annotation moves it. Moments are Unix seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from webhook.core import idleness, labels, lifetime, wording
from webhook.core.model import Manifest
from webhook.core.policy import ExpiryRules, Policy, Tier

CLOCK_TOLERANCE_SECONDS = 15 * 60
"""By how much our own clock and the API server's may differ before nothing ends any more."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, as the API server's clock has it and as our own has it.

    The API server's tells what is past: it stamped the creation. But when the two do not agree, one of them
    is wrong, and nobody knows which: then nothing is past.
    """

    server: float
    own: float

    def is_past(self, end: float) -> bool:
        return self.is_agreed() and self.server >= end

    def is_agreed(self) -> bool:
        return abs(self.server - self.own) <= CLOCK_TOLERANCE_SECONDS

    def latest(self) -> int:
        """The later of the two: what counts from here on is never over too early."""
        return int(max(self.server, self.own))


@dataclass(frozen=True, slots=True)
class End:
    """The moment from which a namespace is to go; `idle` when it is for having no pods."""

    at: int
    idle: bool = False


def expires_at(manifest: Manifest) -> int | None:
    """What the label platform/expires-at says: creation + platform/ttl.

    None where nothing is stated. A text that is no lifetime ends nothing, and is told of in `notice`.
    """
    try:
        seconds = lifetime.parse(_annotations(manifest)[labels.TTL])
    except (KeyError, lifetime.InvalidLifetimeError):
        return None
    return created_at(manifest) + seconds


def created_at(manifest: Manifest) -> int:
    return int(datetime.fromisoformat(manifest["metadata"]["creationTimestamp"]).timestamp())


def is_labelled(manifest: Manifest) -> bool:
    """Whether the label platform/expires-at says what it must."""
    wanted = expires_at(manifest)
    return _labels(manifest).get(labels.EXPIRES_AT) == (None if wanted is None else str(wanted))


def is_ours(manifest: Manifest, policy: Policy) -> bool:
    """Whether the namespace is managed, not exempt, and not going already."""
    metadata = manifest["metadata"]
    return (
        _labels(manifest).get(labels.MANAGED_BY) == labels.MANAGER
        and metadata["name"] not in policy.exempt_names
        and "deletionTimestamp" not in metadata
    )


def end(manifest: Manifest, policy: Policy) -> End | None:
    """When the namespace is to go; None for never.

    Never, too, for one that is protected, and for one whose tier the catalogue does not know: it might
    have been a protected one.
    """
    tier = policy.tiers.get(_labels(manifest).get(labels.TIER, ""))
    if tier is None or not is_ours(manifest, policy) or _is_protected(manifest, tier):
        return None
    return min(_ends(manifest, tier), key=lambda each: each.at, default=None)


def _ends(manifest: Manifest, tier: Tier) -> Iterator[End]:
    at = expires_at(manifest)
    if at is not None:
        yield End(at)
    if tier.idle_ttl is None:
        return
    since = idleness.since(manifest, created=created_at(manifest))
    if since is not None:
        yield End(since + lifetime.parse(tier.idle_ttl), idle=True)


def _is_protected(manifest: Manifest, tier: Tier) -> bool:
    """Only "false" is no protection: whoever wrote something else did not mean to lose the namespace."""
    stated = _annotations(manifest).get(labels.DELETION_PROTECTION)
    return stated != "false" if stated is not None else tier.deletion_protection


def is_too_many(due: int, managed: int, rules: ExpiryRules) -> bool:
    """Whether so large a share would go that a mistake is more likely than that all are over."""
    return due > 1 and due * 100 > rules.max_percent * managed


def pause(last: float, now: float, rules: ExpiryRules) -> float:
    """Seconds until the next deletion may be; `last` is when one was, on the same steady clock as `now`."""
    return max(0.0, last + 60 / rules.per_minute - now)


def latest_notice(at: float, now: float, rules: ExpiryRules) -> str | None:
    """The last of the notices whose moment has come, as the catalogue has it; None before the first."""
    come = [text for text in rules.notices if now >= at - lifetime.parse(text)]
    return come[-1] if come else None


def notice(manifest: Manifest, policy: Policy, now: float) -> str | None:
    """What the condition of a namespace says of its end. The text changes only when a notice falls due."""
    if (sent := _annotations(manifest).get(labels.TTL)) is not None and expires_at(manifest) is None:
        return f"the annotation {labels.TTL} {wording.quote(sent)} is no lifetime, and ends nothing"
    found = end(manifest, policy)
    if found is None:
        return None
    if now >= found.at:
        return over(found, policy.expiry)
    nearest = latest_notice(found.at, now, policy.expiry)
    return None if nearest is None else ahead(found, nearest)


def ahead(found: End, nearest: str) -> str:
    """The sentence before the end."""
    way_out = "a pod in it keeps it" if found.idle else f"extend with the annotation {labels.TTL}"
    why = ", having no pods" if found.idle else ""
    return f"expires {shown(found.at)}{why} (in less than {nearest}): {way_out}"


def over(found: End, rules: ExpiryRules) -> str:
    """The sentence after it."""
    why = ", having no pods" if found.idle else ""
    what = "would be deleted, but for expiry.dryRun" if rules.dry_run else "is deleted when its turn comes"
    return f"expired {shown(found.at)}{why}: it {what}"


def next_look(manifest: Manifest, policy: Policy, now: float) -> float | None:
    """Seconds until `notice` says something else; None when time alone changes nothing."""
    found = end(manifest, policy)
    if found is None:
        return None
    moments = [*(found.at - lifetime.parse(text) for text in policy.expiry.notices), found.at]
    return next((moment - now for moment in moments if moment > now), None)


def shown(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _labels(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("labels") or {}


def _annotations(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}
