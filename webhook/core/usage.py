"""Limits against what is in use. A smaller quota evicts nothing; it keeps anything new from starting."""

from collections.abc import Mapping

from webhook.core import quantity


def exceeded(hard: Mapping[str, str], used: Mapping[str, str]) -> tuple[str, ...]:
    """The limits that are below what is in use, in words; `used` is a ResourceQuota's status."""
    return tuple(
        f"{key} {used[key]} in use, limit {amount}"
        for key, amount in hard.items()
        if key in used and quantity.parse(amount) < quantity.parse(used[key])
    )
