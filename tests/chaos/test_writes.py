"""The generator asks for what it means to ask for, and nothing that slips by is overlooked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tools.chaos import writes
from tools.chaos.cluster import Outcome, Request
from tools.chaos.report import Report


class Model:
    """Stands in for the cluster: answers right, and fails when a name has two writes under way."""

    def __init__(self) -> None:
        self.enough: tuple[int, Callable[[], None]] = (0, lambda: None)
        self.answers = 0
        self.busy: set[str] = set()
        self.alive: set[str] = set()
        self.kinds: set[str] = set()

    async def send(self, request: Request) -> Outcome:
        assert request.name not in self.busy
        assert (request.name in self.alive) == (request.method != "POST")
        self.busy.add(request.name)
        await asyncio.sleep(0.002)
        self.busy.discard(request.name)
        self.kinds.add(request.what)
        if request.what == "create":
            self.alive.add(request.name)
        if request.what == "delete":
            self.alive.discard(request.name)
        self.answers += 1
        if self.answers == self.enough[0]:
            self.enough[1]()
        return Outcome(request, request.wanted[0], {}, 0.0, 0.0)


def test_no_namespace_has_two_writes_under_way_and_every_kind_is_made() -> None:
    async def run() -> Model:
        model = Model()
        load = writes.Writes(model, rate=2000, seed=1)
        model.enough = (300, load.pace.stop)
        await load.run()
        assert all(outcome.as_wanted for outcome in load.outcomes)
        return model

    assert asyncio.run(run()).kinds == set(writes.MIX)


def answered(request: Request, status: int, message: str = "") -> Outcome:
    return Outcome(request, status, {"message": message}, 0.0, 0.01)


@pytest.mark.parametrize(
    ("outcome", "passed"),
    [
        pytest.param(answered(writes.create_invalid("a"), 422), [], id="an invalid creation refused"),
        pytest.param(answered(writes.create_invalid("a"), 201), ["a"], id="an invalid creation taken"),
        pytest.param(answered(writes.label_invalid("a"), 200), ["a"], id="an invalid label taken"),
        pytest.param(answered(writes.label_invalid("a"), 500), [], id="a failed call is no pass"),
        pytest.param(answered(writes.label("a"), 200), [], id="a valid label"),
    ],
)
def test_an_invalid_write_that_was_taken_is_seen(outcome: Outcome, passed: list[str]) -> None:
    assert writes.taken([outcome]) == passed


COMPLETE = {
    "app.kubernetes.io/managed-by": "ns-provisioner",
    "platform/tier": "small",
    "platform/team": "chaos-1",
    "pod-security.kubernetes.io/enforce": "baseline",
}


def stored(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        pytest.param(stored("chaos-1", COMPLETE), [], id="as both hooks leave it"),
        pytest.param(stored("chaos-1", COMPLETE | {"more": "x"}), [], id="with a label more"),
        pytest.param(stored("chaos-1", {}), ["chaos-1"], id="without labels"),
        pytest.param(stored("chaos-1", COMPLETE | {"platform/tier": "xl"}), ["chaos-1"], id="a wrong tier"),
        pytest.param(stored("chaos-2", COMPLETE), ["chaos-2"], id="another's team"),
        pytest.param({"metadata": {"name": "chaos-1"}}, ["chaos-1"], id="no labels at all"),
        pytest.param(stored("kube-system", {}), [], id="not ours"),
    ],
)
def test_what_is_stored_is_compared_with_what_both_hooks_would_have_left(
    found: dict[str, Any], passed: list[str]
) -> None:
    assert writes.unvalidated([found]) == passed


def test_a_namespace_is_looked_at_as_it_was_created() -> None:
    bare = stored("chaos-1", {})
    outcomes = [
        Outcome(writes.create("chaos-1"), 201, bare, 0.0, 0.01),
        answered(writes.create("chaos-2"), 500, "not stored"),
        answered(writes.label("chaos-3"), 200),
    ]
    assert writes.created(outcomes) == [bare]


def test_one_wrong_answer_is_a_missed_target_with_its_words() -> None:
    load = writes.Writes(Model(), rate=1, seed=1)
    load.outcomes = [
        answered(writes.create("a"), 201),
        answered(writes.label("b"), 500, "failed calling\n webhook"),
    ]
    report = Report("a campaign")
    writes.tell(report, load)
    assert [row.what for row in report.rows if not row.kept] == ["writes not answered as they had to be"]
    assert report.notes == ["label b: status 500, failed calling webhook"]
