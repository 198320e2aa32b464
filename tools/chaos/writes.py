"""Namespace writes of every kind at a steady rate, each with the answer it has to get.

One write in five is invalid on purpose: when it is taken, somebody let it pass without validation.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from tools.chaos.cluster import Outcome, Request, namespace
from tools.chaos.pace import Pace
from tools.chaos.report import Report, spread
from webhook.core import labels

COLLECTION = "/api/v1/namespaces"
PREFIX = "chaos-"
NOTES = 10
"""So many bad answers are shown; the rest would say the same."""

MIX = {"create": 2, "label": 5, "delete": 1, "create invalid": 1, "label invalid": 1}
"""Shares of all writes. Twice as many creations as deletions: a deletion costs the cluster some
seventy calls of its own, and two cores have to carry them."""

_MUTATED = {
    labels.MANAGED_BY: labels.MANAGER,
    labels.TIER: "small",
    labels.POD_SECURITY["enforce"]: "baseline",
}
_turns = itertools.count(1)


class Sender(Protocol):
    """What makes the requests: a Cluster, but for tests."""

    async def send(self, request: Request) -> Outcome: ...


class Writes:
    """`outcomes` are all answers, in the order in which they came."""

    def __init__(self, cluster: Sender, *, rate: float, seed: int) -> None:
        self.pace = Pace(rate)
        self.outcomes: list[Outcome] = []
        self._cluster = cluster
        self._random = random.Random(seed)  # noqa: S311 - a reproducible choice, no secret
        self._idle: list[str] = []
        self._made = 0

    async def run(self) -> None:
        await self.pace.run(self._write)

    async def _write(self, due: float) -> None:
        kind = self._random.choices(list(MIX), list(MIX.values()))[0]
        request = self._request(kind)
        outcome = await self._cluster.send(request)
        self.outcomes.append(outcome)
        gone = request.method == "DELETE" or (request.method == "POST" and outcome.status != 201)
        if not gone:
            self._idle.append(request.name)

    def _request(self, kind: str) -> Request:
        """A namespace with a write under way is not chosen for another: each answer has one cause."""
        if kind in _ON_OLD and self._idle:
            return _ON_OLD[kind](self._idle.pop(self._random.randrange(len(self._idle))))
        self._made += 1
        return _ON_NEW.get(kind, create)(f"{PREFIX}{self._made}")


def create(name: str) -> Request:
    return Request("create", "POST", COLLECTION, namespace(name, {}), (201,), name)


def create_invalid(name: str) -> Request:
    body = namespace(name, {labels.TIER: "xl"})
    return Request("create invalid", "POST", COLLECTION, body, (422,), name)


def label(name: str) -> Request:
    body = {"metadata": {"labels": {"chaos/turn": str(next(_turns))}}}
    return Request("label", "PATCH", f"{COLLECTION}/{name}", body, (200,), name)


def label_invalid(name: str) -> Request:
    body = {"metadata": {"labels": {labels.TIER: "xl"}}}
    return Request("label invalid", "PATCH", f"{COLLECTION}/{name}", body, (422,), name)


def delete(name: str) -> Request:
    return Request("delete", "DELETE", f"{COLLECTION}/{name}", None, (200,), name)


_ON_NEW: dict[str, Callable[[str], Request]] = {"create": create, "create invalid": create_invalid}
_ON_OLD: dict[str, Callable[[str], Request]] = {
    "label": label,
    "label invalid": label_invalid,
    "delete": delete,
}


def tell(report: Report, load: Writes) -> None:
    """How many writes, how fast, and which were not answered as they had to be."""
    kinds = Counter(outcome.request.what for outcome in load.outcomes)
    report.tell("writes", f"{len(load.outcomes)} ({', '.join(f'{n} {kind}' for kind, n in kinds.items())})")
    report.tell("writes started late", str(load.pace))
    report.tell("time of a write", spread([outcome.seconds for outcome in load.outcomes]))
    bad = [outcome for outcome in load.outcomes if not outcome.as_wanted]
    report.check("writes not answered as they had to be", str(len(bad)), "0", kept=not bad)
    report.notes += [str(outcome) for outcome in bad[:NOTES]]


def taken(outcomes: Iterable[Outcome]) -> list[str]:
    """The invalid writes that were taken."""
    return [
        outcome.request.name
        for outcome in outcomes
        if outcome.request.wanted == (422,) and outcome.status in (200, 201)
    ]


def created(outcomes: Iterable[Outcome]) -> list[Any]:
    """The namespaces as they were stored at first; many are deleted before anybody could look."""
    posts = [outcome for outcome in outcomes if outcome.request.method == "POST"]
    return [outcome.body for outcome in posts if outcome.status == 201]


def unvalidated(stored: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of our namespaces that are not as both hooks together would have left them."""
    ours = [item["metadata"] for item in stored if item["metadata"]["name"].startswith(PREFIX)]
    return [metadata["name"] for metadata in ours if not _is_mutated(metadata)]


def _is_mutated(metadata: Mapping[str, Any]) -> bool:
    wanted = _MUTATED | {labels.TEAM: metadata["name"]}
    found = metadata.get("labels", {})
    return all(found.get(key) == value for key, value in wanted.items())
