"""Runs the cases, several at a time, and tells what came of them."""

import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.attack import creations, namespaces, objectcreations, objects, oracle
from tests.attack.cases import Case
from tests.attack.client import Client, Reply
from tests.attack.stage import KINDS, SYSTEM, Stage, path_of
from tests.attack.words import Manifest

WORKERS = 6
"""Requests in flight; more bring nothing, the API server has two processors at best."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`thefts`: what of the stored state an attacker has got hold of."""

    case: Case
    reply: Reply
    thefts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.case.id}: {self.reply.status} {self.reply.text[:300]} {', '.join(self.thefts)}"


def cases(stage: Stage) -> list[Case]:
    """The whole matrix, made from one specimen of each kind of namespace."""
    specimens = {kind: stage.borrow(kind) for kind in (*KINDS, *SYSTEM)}
    found = [*namespaces.cases(specimens), *creations.cases(stage.prefix)]
    found += [*objects.cases(specimens["managed"]), *objectcreations.cases(stage.prefix)]
    for target in specimens.values():
        stage.give_back(target)
    return found


def run(every: Iterable[Case], client: Client, stage: Stage) -> list[Outcome]:
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda case: _run(case, client, stage), every))


def _run(case: Case, client: Client, stage: Stage) -> Outcome:
    target, kept = stage.borrow(case.target), False
    try:
        reply = client.send(case.request(target), case.actor, dry_run=case.dry_run)
        thefts, changed = case.thefts(client, target)
        kept = not changed and not case.wasted
    finally:
        (stage.give_back if kept else stage.discard)(target)
    dry = ["stored by a dry run"] if case.dry_run and changed else []
    return Outcome(case, reply, (*thefts, *dry))


def losses(client: Client, stage: Stage) -> list[str]:
    """What is gone or changed in namespaces that every attack seems to have left alone."""
    found = []
    for target in stage.spare():
        for key, before in target.objects.items():
            found += [f"{target.name} {key}: {each}" for each in _loss(client, before)]
        if target.objects and client.get(target.path) is None:
            found.append(target.name)
    return found


def _loss(client: Client, before: Manifest) -> list[str]:
    return oracle.object_thefts(before, client.get(path_of(before)))


def summary(title: str, outcomes: list[Outcome], *, whole: bool) -> Iterator[str]:
    """How many cases there were and how they ended: by area and actor, and if `whole` by all there is."""
    yield f"{title}: {_counts(outcomes)}"
    for what, key in _GROUPS.items() if whole else list(_GROUPS.items())[:2]:
        for value in dict.fromkeys(key(outcome.case) for outcome in outcomes):
            part = [outcome for outcome in outcomes if key(outcome.case) == value]
            yield f"  {what:6} {value:34} {_counts(part)}"


_GROUPS: dict[str, Callable[[Case], str]] = {
    "area": lambda case: case.area,
    "actor": lambda case: case.actor.name,
    "door": lambda case: case.door,
    "target": lambda case: case.target,
    "change": lambda case: case.change,
}


def _counts(outcomes: list[Outcome]) -> str:
    refused = sum(outcome.reply.refused for outcome in outcomes)
    dry = sum(outcome.case.dry_run for outcome in outcomes)
    thefts = sum(bool(outcome.thefts) for outcome in outcomes)
    allowed = len(outcomes) - refused
    return (
        f"{len(outcomes):5} cases ({dry:4} dry), {refused:5} refused, {allowed:4} allowed, {thefts} hijacks"
    )
