"""Which namespaces of a team its budget has room for.

A namespace keeps what it was granted for as long as it exists and asks for no more, whatever becomes of
the budget. All others stand in one line, the oldest first, and nobody overtakes: a small one that would
fit waits behind a big one that does not, or the big one would never have its turn. Only who would not
fit if the team had nothing else holds up nobody.

Amounts are whole thousandths of a quantity, so sums are exact.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from typing import TypeAlias

from webhook.core import quantity
from webhook.core.policy import Budget

Limits: TypeAlias = Mapping[str, str]
"""Hard limits of a namespace: quantities by quota key."""

_Amounts: TypeAlias = tuple[int, ...]

_NAMESPACES = "namespaces"
"""Stands among the quota keys for the number of namespaces."""

_ONE = 1000
_UNLIMITED = 10**30
"""What a key without a limit counts as: more than any budget, and still a number to add and take away."""

_BINARY = tuple((suffix, 1024**power) for power, suffix in enumerate(("Mi", "Gi", "Ti", "Pi", "Ei"), start=2))


@dataclass(frozen=True, slots=True)
class Claim:
    """One namespace's claim on the budget of its team."""

    name: str
    created: str
    """RFC 3339 in UTC, whole seconds: texts that sort like the times."""
    wanted: Limits
    granted: Limits | None = None
    """The limits that it has been granted, and counts with; None while it never was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a team stands with its budget."""

    granted: frozenset[str] = frozenset()
    """Who has what it wants."""
    admitted: tuple[str, ...] = ()
    """Those of them that this decision lets in, or lets grow, in the order of the line."""
    used: Mapping[str, int] = field(default_factory=dict)
    """What the granted limits come to, in thousandths, by the budget's keys."""
    first: str = ""
    """Who holds up the line; empty when nobody does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one namespace: all that it wants, or `message` says why not.

    With `keep` it was granted less before, and keeps that.
    """

    granted: bool
    message: str = ""
    keep: bool = False


GRANTED = Verdict(granted=True)


def grows(budget: Budget, has: Limits, wants: Limits) -> bool:
    """Whether `wants` takes more than `has` of anything that the budget limits."""
    limits = _limits(budget)
    return _exceeds(_one(wants, limits), _one(has, limits))


def larger(one: Limits, other: Limits) -> Limits:
    """The larger of both for each key of `one`; `one` itself when nothing of the other is larger."""
    more = {key: other[key] for key in one if key in other and _amount(other[key]) > _amount(one[key])}
    return {**one, **more} if more else one


def settle(budget: Budget, claims: Iterable[Claim]) -> Standing:
    """Who has what it wants. The order of `claims` does not matter."""
    limits = _limits(budget)
    granted: set[str] = set()
    taken: list[_Amounts] = [(0,) * len(limits)]
    line: list[tuple[str, str, _Amounts, _Amounts]] = []
    for claim in claims:
        has = wants = _one(claim.wanted, limits)
        if claim.granted is not claim.wanted:
            has = _has(claim, limits)
        if claim.granted is not None and not _exceeds(wants, has):
            granted.add(claim.name)
        else:
            line.append((claim.created, claim.name, has, wants))
        taken.append(has)
    used = [sum(column) for column in zip(*taken, strict=True)]
    admitted, first = _admit(sorted(line), tuple(limits.values()), used)
    return Standing(
        frozenset(granted.union(admitted)), tuple(admitted), dict(zip(limits, used, strict=True)), first
    )


def _admit(
    line: list[tuple[str, str, _Amounts, _Amounts]], limits: _Amounts, used: list[int]
) -> tuple[list[str], str]:
    """Who comes in from the line, and who holds up the rest. What they take is added to `used`."""
    admitted: list[str] = []
    for _, name, has, wants in line:
        if any(_over(limits, has, has, wants)):
            continue  # too much even for an empty team: nobody waits for that
        if any(_over(limits, used, has, wants)):
            return admitted, name
        admitted.append(name)
        used[:] = [sum_ + new - old for sum_, new, old in zip(used, wants, has, strict=True)]
    return admitted, ""


def verdict(team: str, budget: Budget, claim: Claim, standing: Standing) -> Verdict:
    """What becomes of `claim`, which is one of those that `standing` was made from."""
    if claim.name in standing.granted:
        return GRANTED
    lacking = list(_lacking(budget, claim, standing.used))
    why = "; ".join(lacking) if lacking else f"{standing.first} is older and has to fit first"
    return Verdict(
        granted=False, message=f"no room in the budget of team {team}: {why}", keep=claim.granted is not None
    )


def _lacking(budget: Budget, claim: Claim, used: Mapping[str, int]) -> Iterator[str]:
    """What there is too little of, each with what is asked, used and had."""
    limits = _limits(budget)
    has, wants = _has(claim, limits), _one(claim.wanted, limits)
    over = _over(tuple(limits.values()), tuple(used.values()), has, wants)
    for (key, limit), old, new, too_much in zip(limits.items(), has, wants, over, strict=True):
        if too_much:
            asked = _text(new) if claim.granted is None else f"{_text(new)} instead of {_text(old)}"
            hint = ", and its tier has to limit it" if new >= _UNLIMITED else ""
            yield f"{key}: {asked} asked, {_text(used[key])} of {_text(limit)} used{hint}"


def _over(
    limits: Iterable[int], used: Iterable[int], has: Iterable[int], wants: Iterable[int]
) -> Iterator[bool]:
    """For each key, whether taking `wants` instead of `has` asks for more, and too much."""
    for limit, sum_, old, new in zip(limits, used, has, wants, strict=True):
        yield new > old and sum_ + new - old > limit


def _exceeds(one: _Amounts, other: _Amounts) -> bool:
    return any(mine > yours for mine, yours in zip(one, other, strict=True))


def _limits(budget: Budget) -> dict[str, int]:
    """The budget by key; the number of namespaces is one of them."""
    number = {} if budget.namespaces is None else {_NAMESPACES: budget.namespaces * _ONE}
    return {**number, **{key: _amount(text) for key, text in budget.quota.items()}}


def _has(claim: Claim, limits: Mapping[str, int]) -> _Amounts:
    return (0,) * len(limits) if claim.granted is None else _one(claim.granted, limits)


def _one(hard: Limits, limits: Mapping[str, int]) -> _Amounts:
    """One namespace with these hard limits, in the order of the budget's keys."""
    return tuple([_ONE if key == _NAMESPACES else _amount(hard.get(key, "")) for key in limits])


@lru_cache(maxsize=4096)
def _amount(text: str) -> int:
    """Thousandths, the finest that a quota has; anything finer counts as one more."""
    return ceil(quantity.parse(text) * _ONE) if text else _UNLIMITED


def _text(amount: int) -> str:
    """An amount as people write it."""
    if amount >= _UNLIMITED:
        return "no limit"
    whole, rest = divmod(amount, _ONE)
    if rest:
        return f"{amount}m"
    fitting = [(suffix, size) for suffix, size in _BINARY if whole >= size and whole % size == 0]
    if not fitting:
        return str(whole)
    suffix, size = fitting[-1]
    return f"{whole // size}{suffix}"
