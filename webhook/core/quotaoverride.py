"""The annotation `platform/quota`: what a request sets instead of its tier's own limits.

Its value is a list such as `requests.cpu=6, pods=30`; a tier says which keys, and within which bounds.
"""

from collections.abc import Iterator, Mapping

from webhook.core import quantity, quotakeys, wording
from webhook.core.errors import InvalidQuantityError
from webhook.core.policy import Bounds, Tier

_ENTRIES_LIMIT = 32


def parse(text: str) -> dict[str, str]:
    """Quota key to what stands after its `=`, empty when there is none."""
    entries = (entry.strip() for entry in text.split(",", _ENTRIES_LIMIT))
    pairs = (entry.partition("=") for entry in entries if entry)
    return {key.strip(): amount.strip() for key, _, amount in pairs}


def problems(text: str, tier: Tier) -> Iterator[str]:
    """What is wrong with an annotation's value, in words."""
    for key, amount in parse(text).items():
        if key not in tier.overrides:
            yield f"{wording.quote(key)} cannot be set"
        elif wrong := _outside(key, amount, tier.overrides[key]):
            yield f"{wording.quote(key)} {wrong}"


def allowed(tier: Tier) -> str:
    """What the tier lets a request set, in words."""
    if not tier.overrides:
        return f"nothing: tier {tier.name} has its limits as they are"
    return wording.listing(f"{key} {_range(bounds)}" for key, bounds in tier.overrides.items())


def quota(text: str, tier: Tier) -> Mapping[str, str]:
    """The tier's quota with what the annotation may change; the rest of it counts for nothing."""
    chosen = {
        key: amount
        for key, amount in parse(text).items()
        if key in tier.overrides and not _outside(key, amount, tier.overrides[key])
    }
    return {**tier.quota, **chosen}


def _outside(key: str, amount: str, bounds: Bounds) -> str:
    """Why an amount will not do; empty when it does."""
    try:
        value = quantity.parse(amount)
    except InvalidQuantityError:
        return f"needs a quantity, not {wording.quote(amount)}"
    if value < 0:
        return f"{amount} is negative"
    if not quantity.is_exact(value):
        return f"{amount} is finer than a thousandth, or above 2^63"
    if quotakeys.is_counted(key) and value.denominator != 1:
        return f"{amount} is not a whole number"
    if bounds.minimum is not None and value < quantity.parse(bounds.minimum):
        return f"{amount} is below {bounds.minimum}"
    if bounds.maximum is not None and value > quantity.parse(bounds.maximum):
        return f"{amount} is above {bounds.maximum}"
    return ""


def _range(bounds: Bounds) -> str:
    low = f"from {bounds.minimum} " if bounds.minimum is not None else ""
    high = f"up to {bounds.maximum}" if bounds.maximum is not None else "with no upper bound"
    return low + high
