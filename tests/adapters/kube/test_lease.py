"""What a Lease says, and what is written into it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from webhook.adapters.kube import lease
from webhook.adapters.kube.lease import Lease

NOW = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
TEXT = "2026-03-01T12:00:00.000250Z"
HELD = {
    "holderIdentity": "a",
    "leaseDurationSeconds": 15,
    "acquireTime": "2026-03-01T11:00:00.000000Z",
    "renewTime": "2026-03-01T11:59:58.000000Z",
    "leaseTransitions": 3,
}


def found(spec: dict[str, Any] | None) -> Lease:
    return Lease({"metadata": {"name": "x", "resourceVersion": "7"}, "spec": spec})


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        pytest.param({}, 15, id="held"),
        pytest.param({"leaseDurationSeconds": 30}, 30, id="held for longer than we would"),
        pytest.param({"leaseDurationSeconds": 1}, 15, id="held for less than we would"),
        pytest.param({"leaseDurationSeconds": 10**9}, 60, id="held for ever"),
        pytest.param({"leaseDurationSeconds": None}, 15, id="no duration"),
        pytest.param({"holderIdentity": "", "leaseDurationSeconds": 1}, 0, id="given back"),
        pytest.param({"holderIdentity": ""}, 15, id="emptied by a hand"),
        pytest.param({"holderIdentity": None}, 15, id="no holder"),
    ],
)
def test_how_long_a_lease_must_be_silent(change: dict[str, Any], seconds: float) -> None:
    assert found(HELD | change).seconds_to_wait(15) == seconds


def test_a_lease_without_a_spec_is_nobodys_and_not_free() -> None:
    assert (found(None).holder, found(None).seconds_to_wait(15)) == ("", 15)


@pytest.mark.parametrize(
    ("spec", "identity", "expected"),
    [
        pytest.param(HELD, "a", {"renewTime": TEXT}, id="renewed: all else stays"),
        pytest.param(
            HELD,
            "b",
            {"holderIdentity": "b", "acquireTime": TEXT, "renewTime": TEXT, "leaseTransitions": 4},
            id="taken over: one transition more",
        ),
        pytest.param(
            {"holderIdentity": "a"},
            "a",
            {"acquireTime": TEXT, "renewTime": TEXT, "leaseTransitions": 1},
            id="ours but garbled: begun anew",
        ),
        pytest.param(HELD | {"leaseDurationSeconds": 1}, "a", {"renewTime": TEXT}, id="our own duration"),
    ],
)
def test_what_is_written_to_hold_it(spec: dict[str, Any], identity: str, expected: dict[str, Any]) -> None:
    assert lease.held(found(spec), identity, seconds=15, now=NOW) == HELD | expected


def test_the_first_holder_is_no_transition() -> None:
    spec = lease.held(None, "a", seconds=15, now=NOW)
    assert (spec["leaseTransitions"], spec["acquireTime"]) == (0, TEXT)


def test_what_is_written_to_give_it_back() -> None:
    spec = lease.released(found(HELD), now=NOW)
    assert spec == HELD | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": TEXT}
    assert found(spec).seconds_to_wait(15) == 0


def test_no_two_renewals_are_alike() -> None:
    """Not on a clock that stands still either."""
    first = lease.held(found(HELD), "a", seconds=15, now=NOW)
    second = lease.held(found(first), "a", seconds=15, now=NOW)
    assert first["renewTime"] != second["renewTime"]
    assert lease.released(found(second), now=NOW)["renewTime"] != second["renewTime"]


def test_what_else_is_in_the_object_is_kept() -> None:
    there = {"metadata": {"name": "x", "resourceVersion": "7", "labels": {"a": "b"}}, "spec": HELD}
    written = Lease(there).with_spec({"holderIdentity": "b"})
    assert written == {**there, "spec": {"holderIdentity": "b"}}
