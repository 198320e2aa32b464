"""Questions that many checks ask of a request."""

from webhook.core import labels
from webhook.core.model import Facts, Operation
from webhook.core.policy import Policy

NAME_LIMIT = 63
"""Longest namespace name the API server takes; a longer one is not worth matching."""


def label(key: str) -> str:
    """The path of a label, as a violation shows it."""
    return f"metadata.labels[{key}]"


def annotation(key: str) -> str:
    return f"metadata.annotations[{key}]"


def is_managed(facts: Facts) -> bool:
    """Whether the namespace would be ours: every new one, and an old one that says so."""
    return facts.operation is Operation.CREATE or facts.new.labels.get(labels.MANAGED_BY) == labels.MANAGER


def is_adopted(facts: Facts) -> bool:
    """Whether an existing namespace becomes ours by this request."""
    return (
        facts.old is not None
        and facts.old.labels.get(labels.MANAGED_BY) != labels.MANAGER
        and facts.new.labels.get(labels.MANAGED_BY) == labels.MANAGER
    )


def changed(facts: Facts, key: str) -> bool:
    """Whether a label changes; everything does when there was nothing before."""
    return facts.old is None or facts.old.labels.get(key) != facts.new.labels.get(key)


def annotation_changed(facts: Facts, key: str) -> bool:
    return facts.old is None or facts.old.annotations.get(key) != facts.new.annotations.get(key)


def is_name(text: str, policy: Policy) -> bool:
    return len(text) <= NAME_LIMIT and not text.endswith("-") and policy.name_pattern.matches(text)


def mended(text: str, policy: Policy) -> str:
    """The nearest name that the pattern takes, or a plain one where mending does not help."""
    kept = "".join(char if char.isalnum() and char.isascii() else "-" for char in text.lower()[:NAME_LIMIT])
    for length in (NAME_LIMIT, 31, 15):
        candidate = kept.lstrip("-0123456789")[:length].strip("-")
        if candidate and is_name(candidate, policy):
            return candidate
    return "payments"
