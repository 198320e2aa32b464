"""Reads the key `expiry` of a catalogue: how namespaces end whose time is over."""

from webhook.core import lifetime
from webhook.core.document import Document
from webhook.core.policy import ExpiryRules

KEYS = ("dryRun", "perMinute", "maxPercent", "notices")

MOST_PER_MINUTE = 600
"""Ten deletions a second: the API server's controllers empty namespaces more slowly than that."""


def read(document: Document, value: object) -> ExpiryRules:
    """What is not said is as ExpiryRules has it."""
    stated, usual = document.mapping("expiry", value, optional=KEYS), ExpiryRules()
    return ExpiryRules(
        dry_run=document.flag("expiry.dryRun", stated.get("dryRun", usual.dry_run)),
        per_minute=document.count(
            "expiry.perMinute", stated.get("perMinute", usual.per_minute), least=1, most=MOST_PER_MINUTE
        ),
        max_percent=document.count(
            "expiry.maxPercent", stated.get("maxPercent", usual.max_percent), least=1, most=100
        ),
        notices=_notices(document, stated.get("notices", list(usual.notices))),
    )


def _notices(document: Document, value: object) -> tuple[str, ...]:
    """Each once, the longest first; two ways to say the same length are one."""
    texts = document.texts("expiry.notices", value)
    found = [document.lifetime(f"expiry.notices[{index}]", text) for index, text in enumerate(texts) if text]
    by_length = {lifetime.parse(text): text for text in found if text is not None}
    return tuple(by_length[seconds] for seconds in sorted(by_length, reverse=True))
