"""The elector in virtual time: who leads, from when to when, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.kube.leases import NAMESPACE, NEVER, LeaseServer, Link, Replica, until
from tests.controller import virtualtime
from tests.controller.virtualtime import running_loop
from webhook.adapters.kube import elector as electors
from webhook.adapters.kube.credentials import CredentialsError
from webhook.adapters.kube.elector import TIMING
from webhook.core.errors import ClusterUnavailableError, RejectedError

pytestmark = pytest.mark.anyio

HUNG = Link(there=NEVER)
TAKEOVER_SECONDS = 17.0
"""From the death of a leader to the next one's first work."""


@pytest.fixture
def anyio_backend() -> object:
    return virtualtime.BACKEND


@asynccontextmanager
async def campaign(*replicas: Replica) -> AsyncIterator[None]:
    """They run; the first one leads. In the end all stop, and none has failed by itself."""
    for replica in replicas:
        replica.start()
        if replica is replicas[0]:
            await until(replica.leads, "the first one leads")
    yield
    for replica in replicas:
        replica.transport.link = Link
        replica.stop()
    for replica in replicas:
        await replica.running


def cut_off(replica: Replica) -> None:
    replica.transport.link = lambda: HUNG


async def test_a_lease_that_is_not_there_is_made_at_once() -> None:
    server = LeaseServer()
    async with campaign(Replica(server)):
        assert running_loop().time() < 1
        assert server.lease is not None
        assert server.lease["metadata"]["name"] == "ns-provisioner-controller"
        assert server.lease["metadata"]["namespace"] == NAMESPACE
        assert server.spec == {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-03-01T12:00:00.002000Z",
            "renewTime": "2026-03-01T12:00:00.002000Z",
            "leaseTransitions": 0,
        }


async def test_a_leader_renews_every_two_seconds_and_writes_nothing_else() -> None:
    server = LeaseServer()
    async with campaign(replica := Replica(server)):
        await asyncio.sleep(60)
        assert {verb for _, verb in replica.transport.calls[2:]} == {"replace"}
        times = [time for time, _ in server.history]
        assert all(1.6 <= after - before <= 2.1 for before, after in pairwise(times))
        assert server.spec["acquireTime"] == "2026-03-01T12:00:00.002000Z"
        assert server.spec["renewTime"] > "2026-03-01T12:00:57"
        assert server.spec["leaseTransitions"] == 0


async def test_the_time_left_counts_from_before_the_renewal_was_sent() -> None:
    replica = Replica(LeaseServer())
    replica.transport.link = lambda: Link(there=1.0, back=1.0)
    async with campaign(replica):
        sent = next(time for time, verb in replica.transport.calls if verb == "create")
        assert running_loop().time() >= sent + 2
        expected = sent + TIMING.lease - TIMING.margin - running_loop().time()
        assert replica.elector.seconds_left() == pytest.approx(expected)


async def test_who_does_not_lead_has_no_time() -> None:
    server = LeaseServer()
    leader, other = Replica(server), Replica(server, "b")
    assert leader.elector.seconds_left() == 0
    async with campaign(leader, other):
        await asyncio.sleep(60)
        assert leader.leads()
        assert leader.elector.seconds_left() > TIMING.lease - TIMING.margin - TIMING.retry - 0.1
        assert (other.terms, other.elector.seconds_left()) == ([], 0)
    assert leader.elector.seconds_left() == 0


async def test_a_candidate_looks_more_often_than_every_two_seconds_and_writes_nothing() -> None:
    server = LeaseServer()
    async with campaign(Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(60)
        assert {verb for _, verb in other.transport.calls} == {"get"}
        assert 60 / 1.6 <= len(other.transport.calls) <= 60 / 1.2 + 1


async def test_a_dead_leader_is_followed_when_its_lease_is_over_and_not_before() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(10)
        cut_off(leader)
        over = leader.elector.seconds_left()
        took = await until(other.leads, "the other leads")
        assert over + TIMING.margin <= took <= TAKEOVER_SECONDS
        assert (server.holder, server.spec["leaseTransitions"]) == ("b", 1)
        assert leader.elector.seconds_left() == 0


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
async def test_a_leader_that_goes_gives_the_lease_back_after_its_work_has_ended(how: str) -> None:
    server = LeaseServer()
    leader, other = Replica(server), Replica(server, "b")

    async def lingering() -> None:
        try:
            await leader.finish.wait()
        finally:
            await asyncio.sleep(20)
            assert leader.elector.seconds_left() > 0, "it renews as long as the work goes on"

    leader.work = lingering
    leader.start()
    await until(leader.leads, "the first one leads")
    other.start()
    await asyncio.sleep(10)
    leader.stop() if how == "stopped" else leader.running.cancel()
    await asyncio.wait([leader.running])
    assert leader.running.cancelled() is (how == "cancelled")
    assert leader.terms[-1][1] == pytest.approx(30, abs=0.1)
    given = next((time, spec) for time, spec in server.history if not spec["holderIdentity"])
    assert given[0] > leader.terms[-1][1]
    assert given[1]["leaseDurationSeconds"] == 1
    await until(other.leads, "the other leads", seconds=2)
    assert server.spec["leaseTransitions"] == 1
    other.stop()
    await other.running


async def test_work_that_fails_gives_the_lease_back_and_fails_the_elector() -> None:
    server = LeaseServer()

    async def fails() -> None:
        await asyncio.sleep(3)
        raise RuntimeError("the work broke")

    replica = Replica(server, work=fails)
    with pytest.raises(RuntimeError, match="the work broke"):
        await replica.start()
    assert server.holder == ""
    assert server.spec["leaseDurationSeconds"] == 1


async def test_work_that_ends_by_itself_ends_the_elector() -> None:
    server = LeaseServer()

    async def ends() -> None:
        await asyncio.sleep(3)

    await Replica(server, work=ends).start()
    assert server.holder == ""


async def test_the_lease_is_given_back_though_a_renewal_was_just_broken_off() -> None:
    """It is carried out, and its answer has not come: the version that we know is not the present one."""
    server = LeaseServer()
    async with campaign(replica := Replica(server)):
        replica.transport.link = lambda: Link(back=1.0)
        await until(lambda: replica.transport.calls[-1][1] == "replace", "a renewal is under way")
        await asyncio.sleep(0.5)
        replica.stop()
        await replica.running
    assert server.holder == ""


async def test_a_candidate_that_is_stopped_ends_at_once() -> None:
    server = LeaseServer()
    async with campaign(Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(5)
        before = running_loop().time()
        other.stop()
        await other.running
        assert running_loop().time() - before < 0.1


async def test_an_elector_that_was_stopped_before_never_leads() -> None:
    replica = Replica(LeaseServer())
    replica.stop()
    await replica.start()
    assert replica.transport.calls == []


FAILURES = [
    pytest.param(HUNG, id="hang"),
    pytest.param(Link(error=ClusterUnavailableError("503: <html>", code=503)), id="are answered with 503"),
    pytest.param(Link(error=RejectedError("403 Forbidden", code=403)), id="are forbidden"),
    pytest.param(Link(error=TimeoutError()), id="run out of time"),
    pytest.param(Link(error=KeyError("metadata")), id="are answered with something else"),
    pytest.param(Link(back=NEVER), id="are carried out, and the answers are lost"),
]


@pytest.mark.parametrize("link", FAILURES)
async def test_a_leader_stops_its_work_in_time_when_all_its_calls(link: Link) -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(5)
        leader.transport.link = lambda: link
        began = running_loop().time()
        await until(lambda: not leader.leads(), "its work has ended")
        ended = running_loop().time() - began
        assert TIMING.renew_deadline - TIMING.retry - 0.1 <= ended <= TIMING.renew_deadline + 0.1
        tries = [time for time, _ in leader.transport.calls if time >= began]
        assert len(tries) >= 2, "a call that hangs is given up in time for another"
        assert leader.elector.seconds_left() == 0
        await until(other.leads, "the other leads", seconds=25)
        assert leader.told.value("nsp_leadership_changes_total", change="lost") == 1
        assert not leader.running.done(), "the process goes on: it may have other roles"


@pytest.mark.parametrize("link", FAILURES)
async def test_a_leader_without_a_rival_leads_again_as_soon_as_calls_go_through_again_that(
    link: Link,
) -> None:
    """Nobody else has held the Lease, so there is nobody to wait for."""
    server = LeaseServer()
    async with campaign(leader := Replica(server)):
        leader.transport.link = lambda: link
        await asyncio.sleep(60)
        assert not leader.leads()
        leader.transport.link = Link
        await until(leader.leads, "it leads again", seconds=2 * TIMING.retry + 2)
        assert server.spec["leaseTransitions"] == 0
        assert len(leader.terms) == 2


async def test_a_few_failed_renewals_cost_nothing() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        for link in (HUNG, Link(error=ClusterUnavailableError("503")), Link(back=NEVER)):
            leader.transport.link = lambda link=link: link  # type: ignore[misc]
            await asyncio.sleep(5)
            leader.transport.link = Link
            await asyncio.sleep(5)
        assert (len(leader.terms), leader.leads(), other.terms) == (1, True, [])


async def test_a_candidate_whose_answer_was_lost_leads_all_the_same() -> None:
    server = LeaseServer()
    replica = Replica(server)
    links = iter([Link(), Link(back=NEVER)])  # the look, then the write
    replica.transport.link = lambda: next(links, Link())
    replica.start()
    await until(replica.leads, "it leads", seconds=2 * TIMING.retry + 2)
    replica.stop()
    await replica.running


async def test_of_many_candidates_for_a_free_lease_one_leads() -> None:
    server = LeaseServer()
    replicas = [Replica(server, name) for name in "abcde"]
    for replica in replicas:
        replica.start()
    await asyncio.sleep(60)
    assert sum(replica.leads() for replica in replicas) == 1
    assert all("trouble" not in replica.told.stream.getvalue() for replica in replicas)
    for replica in replicas:
        replica.stop()
        await replica.running


async def test_a_change_of_the_metadata_by_somebody_is_kept_and_does_no_harm() -> None:
    server = LeaseServer()
    async with campaign(replica := Replica(server)):
        found = server.get()
        server.put({**found, "metadata": {**found["metadata"], "labels": {"some": "label"}}})
        await asyncio.sleep(20)
        assert len(replica.terms) == 1
        assert replica.elector.seconds_left() > 10
        assert server.lease is not None
        assert server.lease["metadata"]["labels"] == {"some": "label"}


async def test_a_lease_that_somebody_deleted_is_made_anew_by_its_holder() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(5)
        server.lease = None
        await until(lambda: server.lease, "it is there again")
        assert server.holder == "a"
        await asyncio.sleep(30)
        assert (len(leader.terms), leader.leads(), other.terms) == (1, True, [])


async def test_a_lease_that_somebody_deleted_is_not_free_for_who_saw_it_held() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(5)
        cut_off(leader)
        server.lease = None
        while leader.elector.seconds_left():
            assert not other.leads()
            await asyncio.sleep(0.1)
        await until(other.leads, "the other leads", seconds=10)


HANDS = [
    pytest.param({"holderIdentity": "c"}, id="names somebody who is not there"),
    pytest.param({"holderIdentity": "b"}, id="names the candidate"),
    pytest.param({"holderIdentity": ""}, id="names nobody"),
    pytest.param({"holderIdentity": None}, id="takes the holder out"),
    pytest.param({"holderIdentity": "c", "leaseDurationSeconds": 1}, id="shortens it"),
    pytest.param({"holderIdentity": "c", "leaseDurationSeconds": None}, id="takes the duration out"),
    pytest.param({"holderIdentity": "c", "renewTime": "2001-01-01T00:00:00.000000Z"}, id="makes it old"),
]


@pytest.mark.parametrize("hand", HANDS)
async def test_a_hand_in_the_lease_makes_no_second_leader_when_it(hand: dict[str, Any]) -> None:
    """Not even while the leader cannot see it."""
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        await asyncio.sleep(5)
        cut_off(leader)
        server.edit(**hand)
        while leader.elector.seconds_left():
            assert other.elector.seconds_left() == 0
            await asyncio.sleep(0.1)
        await until(other.leads, "the other leads", seconds=10)


@pytest.mark.parametrize("hand", HANDS)
async def test_a_leader_whose_lease_is_another_s_stops_soon_when_a_hand(hand: dict[str, Any]) -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server)):
        await asyncio.sleep(5)
        server.edit(**hand)
        await until(lambda: not leader.leads(), "its work has ended", seconds=TIMING.retry + 0.1)
        assert leader.elector.seconds_left() == 0
        await until(leader.leads, "it leads again in the end", seconds=TAKEOVER_SECONDS)


async def test_a_hand_that_names_the_leader_of_before_does_not_make_it_lead() -> None:
    server = LeaseServer()
    async with campaign(old := Replica(server), other := Replica(server, "b")):
        saved = server.get()["spec"]
        cut_off(old)
        await until(other.leads, "the other leads")
        old.transport.link = Link
        await asyncio.sleep(5)
        cut_off(other)
        server.edit(**saved)
        while other.elector.seconds_left():
            assert old.elector.seconds_left() == 0
            await asyncio.sleep(0.1)
        await until(old.leads, "the old one leads in the end", seconds=15)


async def test_a_hand_that_names_who_led_before_and_has_not_seen_the_other_does_not_make_it_lead() -> None:
    server = LeaseServer()
    async with campaign(old := Replica(server), other := Replica(server, "b")):
        cut_off(old)
        await until(other.leads, "the other leads")
        cut_off(other)
        server.edit(holderIdentity="a")
        old.transport.link = Link
        while other.elector.seconds_left():
            assert old.elector.seconds_left() == 0
            await asyncio.sleep(0.1)
        await until(old.leads, "the old one leads in the end", seconds=15)


@pytest.mark.parametrize("deleted", [pytest.param(False, id="renamed"), pytest.param(True, id="deleted")])
async def test_a_leader_that_froze_does_not_lead_by_a_lease_that_meanwhile_was(deleted: bool) -> None:
    """The other leads, cannot reach the server, and does not know of it yet."""
    server = LeaseServer()
    async with campaign(frozen := Replica(server), other := Replica(server, "b")):
        frozen.elector.frozen_until = running_loop().time() + 22
        await until(other.leads, "the other leads")
        cut_off(other)
        if deleted:
            server.lease = None
        else:
            server.edit(holderIdentity="a")
        await until(lambda: running_loop().time() > frozen.elector.frozen_until + 1, "it has thawed")
        assert other.elector.seconds_left() > 0
        while other.elector.seconds_left():
            assert frozen.elector.seconds_left() == 0
            await asyncio.sleep(0.1)


async def test_a_leader_that_froze_does_not_give_back_the_lease_of_another() -> None:
    """Not even when a hand has put its name there."""
    server = LeaseServer()
    async with campaign(frozen := Replica(server), other := Replica(server, "b")):
        frozen.elector.frozen_until = running_loop().time() + 22
        await until(other.leads, "the other leads")
        cut_off(other)
        server.edit(holderIdentity="a")
        frozen.stop()
        await frozen.running
        assert other.elector.seconds_left() > 0
        assert server.holder == "a"


@pytest.mark.parametrize("spec", [pytest.param(None, id="null"), pytest.param({}, id="empty")])
async def test_a_lease_without_content_is_taken_after_its_time(spec: object) -> None:
    server = LeaseServer()
    server.put({"metadata": {"name": "ns-provisioner-controller"}, "spec": spec})
    replica = Replica(server)
    replica.start()
    took = await until(replica.leads, "it leads")
    assert TIMING.lease <= took <= TAKEOVER_SECONDS
    replica.stop()
    await replica.running


async def test_a_duration_of_years_stops_nobody_for_ever() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server), other := Replica(server, "b")):
        cut_off(leader)
        server.edit(leaseDurationSeconds=10**9)
        took = await until(other.leads, "the other leads")
        assert took <= 62


@pytest.mark.parametrize(
    "off",
    [
        pytest.param(timedelta(hours=1), id="an hour ahead"),
        pytest.param(timedelta(hours=-1), id="an hour back"),
        pytest.param(timedelta(days=365), id="a year ahead"),
    ],
)
@pytest.mark.parametrize("whose", [pytest.param(0, id="the leader's"), pytest.param(1, id="the candidate's")])
async def test_a_wall_clock_that_is_set_changes_nothing(off: timedelta, whose: int) -> None:
    server = LeaseServer()
    replicas = Replica(server), Replica(server, "b")
    async with campaign(*replicas):
        await asyncio.sleep(5)
        replicas[whose].wall.off = off
        await asyncio.sleep(60)
        assert (len(replicas[0].terms), replicas[0].leads(), replicas[1].terms) == (1, True, [])


async def test_a_wall_clock_that_stands_still_changes_nothing() -> None:
    """A renewal with the same content would be no new version: for the others, no renewal."""
    server = LeaseServer()
    leader = Replica(server)
    leader.wall.stopped = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with campaign(leader, other := Replica(server, "b")):
        await asyncio.sleep(60)
        assert (len(leader.terms), leader.leads(), other.terms) == (1, True, [])


async def test_a_leader_that_was_frozen_finds_its_time_gone_at_once_and_then_stops() -> None:
    server = LeaseServer()
    async with campaign(leader := Replica(server)):
        await asyncio.sleep(5)
        assert leader.elector.is_leader()
        leader.frozen = 60.0
        assert leader.elector.seconds_left() == 0
        assert not leader.elector.is_leader()
        await until(lambda: not leader.leads(), "its work has ended", seconds=TIMING.retry + 0.1)


async def test_work_that_does_not_end_is_told_of_and_never_runs_twice() -> None:
    server = LeaseServer()
    gate = asyncio.Event()

    async def stubborn() -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    async with campaign(replica := Replica(server, work=stubborn)):
        cut_off(replica)
        await asyncio.sleep(40)
        assert [line["message"] for line in replica.told.lines() if line["level"] == "error"][-1] == (
            "the work of a lost term has not ended yet"
        )
        replica.transport.link = Link
        await asyncio.sleep(40)
        assert len(replica.terms) == 1
        gate.set()
        await until(lambda: len(replica.terms) == 2, "it leads again", seconds=5)


async def test_lasting_trouble_is_logged_once() -> None:
    server = LeaseServer()
    replica = Replica(server)
    replica.transport.link = lambda: Link(error=RejectedError("403 Forbidden: leases", code=403))
    replica.start()
    await asyncio.sleep(300)
    assert [line["detail"] for line in replica.told.lines()] == ["403 Forbidden: leases"]
    replica.stop()
    await replica.running


async def test_who_leads_is_told() -> None:
    server = LeaseServer()
    leader, other = Replica(server), Replica(server, "b")
    assert leader.elector.leader() == "nobody"
    async with campaign(leader, other):
        await asyncio.sleep(5)
        assert (leader.elector.leader(), other.elector.leader()) == ("a (this process)", "a")
        assert (leader.told.value("nsp_leader"), other.told.value("nsp_leader")) == (1, 0)
        assert leader.told.value("nsp_leadership_changes_total", change="gained") == 1
    assert leader.told.value("nsp_leadership_changes_total", change="released") == 1
    assert leader.told.value("nsp_leader") == 0


def test_the_times_leave_room_for_one_another() -> None:
    assert 2 * TIMING.retry < TIMING.renew_deadline
    assert TIMING.grace > 0
    assert TIMING.lease + TIMING.retry <= TAKEOVER_SECONDS


def test_the_lease_is_in_the_pod_s_own_namespace(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    with pytest.raises(CredentialsError, match="--lease-namespace"):
        electors.home(in_pod=True, file=file)
    file.write_text("platform\n")
    assert electors.home(in_pod=True, file=file) == "platform"
    assert electors.home(in_pod=False, file=file) == "kube-system"


def test_an_identity_is_used_once() -> None:
    assert electors.identity() != electors.identity()
