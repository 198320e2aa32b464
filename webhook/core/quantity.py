"""Kubernetes quantities: read them exactly, compare them by value.

The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a decimal number with an optional
binary suffix (Ki..Ei), decimal suffix (n u m k M G T P E) or exponent (e3, E3).
"""

import re
from fractions import Fraction

from webhook.core.errors import InvalidQuantityError

_NUMBER = re.compile(r"([+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))(.{0,4})", re.ASCII | re.DOTALL)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]{1,2})", re.ASCII)

_SUFFIXES = {
    "": Fraction(1),
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate(("n", "u", "m"), start=-3)},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def parse(text: str) -> Fraction:
    """The exact value of a quantity such as `500m`, `16Gi` or `1e3`.

    Raises InvalidQuantityError when `text` is not one.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InvalidQuantityError(f"{text[:40]!r} is not a quantity such as 500m, 4 or 16Gi")
    number, suffix = match.groups()
    if suffix in _SUFFIXES:
        return Fraction(number) * _SUFFIXES[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise InvalidQuantityError(
            f"{text[:40]!r} has an unknown suffix {suffix!r}; use m, k, M, G, Ki, Mi or Gi"
        )
    return Fraction(number) * Fraction(10) ** int(exponent.group(1))


LARGEST = Fraction(2) ** 63 - 1
"""The API server cuts what is above, where it is written with a binary suffix."""


def is_exact(value: Fraction) -> bool:
    """Whether the API server keeps a value as it is: it rounds what is finer than a thousandth."""
    return (value * 1000).denominator == 1 and value <= LARGEST


def equal(one: str, other: str) -> bool:
    """Whether two quantities have the same value: `1000m` equals `1`.

    Text that is not a quantity equals only itself.
    """
    if one == other:
        return True
    try:
        return parse(one) == parse(other)
    except InvalidQuantityError:
        return False
