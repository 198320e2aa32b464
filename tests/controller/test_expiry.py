"""Namespaces end when they are due, never before, never too many, and never against a last word."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.controller.realm import DAY, HOUR, Realm, time
from tests.controller.support import Told
from tests.controller.virtualtime import BACKEND, VirtualTimeLoop
from webhook.core import labels
from webhook.core.errors import ClusterUnavailableError, LeadershipLostError, RejectedError
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

LATE_SECONDS = 60.0
"""A namespace that is due alone is gone this much later, at most."""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return BACKEND


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """For property tests, each example of which begins at 0."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work())


async def test_a_namespace_goes_when_its_time_is_over_and_the_others_stay() -> None:
    realm = Realm()
    realm.put("short", ttl="1h")
    realm.put("long", ttl="1d")
    realm.put("endless")
    await realm.run(2 * HOUR)
    ((name, when),) = realm.deleted
    assert name == "short"
    assert HOUR <= when <= HOUR + LATE_SECONDS
    assert set(realm.live) == {"long", "endless"}
    assert realm.outcomes("deleted") == 1


@pytest.mark.parametrize(
    ("notes", "change"),
    [
        pytest.param({"deletion_protection": "true"}, None, id="one that is protected"),
        pytest.param({}, ("labels", labels.MANAGED_BY, "Helm"), id="one of another manager"),
        pytest.param({}, ("labels", labels.TIER, "gone"), id="one of an unknown tier"),
        pytest.param({}, ("name", "name", "cert-manager"), id="an exempt one"),
        pytest.param({}, ("annotations", labels.TTL, "1 hour"), id="one whose lifetime is garbage"),
    ],
)
async def test_what_must_not_go_stays(notes: dict[str, str], change: tuple[str, str, str] | None) -> None:
    realm = Realm()
    found = realm.put("payments", ttl="1s", age=DAY, **notes)
    if change is not None:
        part, key, value = change
        metadata = found["metadata"]
        (metadata if part == "name" else metadata[part])[key] = value
    await realm.run(HOUR)
    assert realm.deleted == []
    assert realm.told.value("nsp_expiry_due") == 0


skews = st.one_of(
    st.integers(-600, 600), st.sampled_from([-900, -901, 899, 900, 901]), st.integers(-366 * DAY, 366 * DAY)
)


@settings(max_examples=40, deadline=None)
@given(own=skews, lifetime=st.integers(1, 400))
def test_with_a_wrong_clock_of_our_own_nothing_goes_early(own: int, lifetime: int) -> None:
    async def scenario() -> None:
        realm = Realm()
        realm.own.skew = own
        realm.put(ttl=f"{lifetime}s")
        await realm.run(500)
        for _, when in realm.deleted:
            assert lifetime <= when <= lifetime + max(LATE_SECONDS, -own)
        if abs(own) <= 900:
            assert len(realm.deleted) == 1, "and within the tolerance it goes in time"

    in_virtual_time(scenario)


@settings(max_examples=40, deadline=None)
@given(server=skews, lifetime=st.integers(1, 1200))
def test_with_a_wrong_clock_of_the_servers_our_own_holds_it_back(server: int, lifetime: int) -> None:
    async def scenario() -> None:
        realm = Realm()
        realm.server.skew = server
        realm.put(ttl=f"{lifetime}s")
        await realm.run(500)
        for _, when in realm.deleted:
            assert when >= lifetime - 900
            assert when + server >= lifetime

    in_virtual_time(scenario)


async def test_as_long_as_the_servers_clock_is_unknown_nothing_goes() -> None:
    realm = Realm()
    realm.put(ttl="1s", age=DAY)
    realm.server_known = False
    await realm.run(HOUR)
    assert realm.deleted == []
    realm.server_known = True
    await realm.run(LATE_SECONDS)
    assert len(realm.deleted) == 1


async def test_clocks_that_do_not_agree_are_told_of_once() -> None:
    realm = Realm()
    realm.own.skew = -DAY
    realm.put(ttl="1s", age=HOUR)
    await realm.run(HOUR)
    assert realm.deleted == []
    assert [line["message"] for line in realm.told.lines()] == ["the clocks do not agree"]
    assert realm.told.value("nsp_clock_offset_seconds") == -DAY


@settings(max_examples=60, deadline=None)
@given(
    when=st.floats(0, 100 + LATE_SECONDS),
    how=st.sampled_from([(labels.TTL, "30d"), (labels.TTL, None), (labels.DELETION_PROTECTION, "true")]),
    stale=st.booleans(),
)
def test_an_extension_always_wins(when: float, how: tuple[str, str | None], stale: bool) -> None:
    """Whoever could write it while the namespace was there keeps the namespace; the view may be behind."""

    async def scenario() -> None:
        realm = Realm()
        realm.put(ttl="100s")
        realm.frozen = list(realm.live.values()) if stale else None

        async def extend() -> None:
            await asyncio.sleep(when)
            if "payments" in realm.live:
                realm.annotate("payments", *how)
                extended.append(time())

        extended: list[float] = []
        task = asyncio.create_task(extend())
        await realm.run(300)
        await task
        assert bool(extended) is ("payments" in realm.live)

    in_virtual_time(scenario)


def _extended(realm: Realm) -> None:
    realm.annotate("payments", labels.TTL, "30d")


def _touched(realm: Realm) -> None:
    realm.annotate("payments", "note", "hello")


def _recreated(realm: Realm) -> None:
    realm.put("payments", ttl="30d")


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        pytest.param(_extended, True, id="extended"),
        pytest.param(_recreated, True, id="deleted and made anew"),
        pytest.param(_touched, False, id="changed otherwise: gone at a later look"),
    ],
)
async def test_between_the_last_look_and_the_deletion(change: Callable[[Realm], None], stays: bool) -> None:
    realm = Realm()
    realm.put("payments", ttl="1h")
    calls = []

    def race(_: Manifest) -> None:
        calls.append(time())
        if len(calls) == 1:
            change(realm)

    realm.on_delete = race
    await realm.run(2 * HOUR)
    assert ("payments" in realm.live) is stays
    assert realm.outcomes("conflict") == 1
    assert len(calls) == (1 if stays else 2)


async def test_a_namesake_survives_a_view_that_has_not_seen_it() -> None:
    realm = Realm()
    realm.frozen = [realm.put("payments", ttl="1s", age=HOUR)]
    realm.put("payments")
    await realm.run(HOUR)
    assert realm.deleted == []
    assert "payments" in realm.live


async def test_one_that_is_gone_already_is_no_trouble() -> None:
    realm = Realm()
    realm.frozen = [realm.put("payments", ttl="1s", age=HOUR)]
    del realm.live["payments"]
    realm.put("shop", ttl="1s", age=HOUR)
    realm.frozen.append(realm.live["shop"])
    await realm.run(20)
    assert [name for name, _ in realm.deleted] == ["shop"]
    assert realm.outcomes("gone") >= 1


def _most_in_a_minute(times: list[float]) -> int:
    return max(sum(begin <= time < begin + 60 - 1e-6 for time in times) for begin in times)


@settings(max_examples=20, deadline=None)
@given(per_minute=st.integers(1, 60), number=st.integers(2, 40), ages=st.integers(0, 300))
def test_no_minute_has_more_deletions_than_the_pace_and_none_is_wasted(
    per_minute: int, number: int, ages: int
) -> None:
    async def scenario() -> None:
        realm = Realm(per_minute=per_minute)
        for index in range(number):
            realm.put(f"n{index}", ttl=f"{1 + index * ages // number}s")
        needed = ages + number * 60 / per_minute + LATE_SECONDS
        await realm.run(needed)
        assert len(realm.deleted) == number
        assert _most_in_a_minute([when for _, when in realm.deleted]) <= per_minute

    in_virtual_time(scenario)


@settings(max_examples=20, deadline=None)
@given(pauses=st.lists(st.floats(0.1, 30), min_size=1, max_size=40))
def test_leaders_that_come_and_go_keep_the_pace_too(pauses: list[float]) -> None:
    async def scenario() -> None:
        realm = Realm(per_minute=10)
        for index in range(50):
            realm.put(f"n{index}", ttl="1s", age=HOUR)
        for pause in pauses:
            realm.expirer = realm.another()
            await realm.run(pause)
        times = [when for _, when in realm.deleted]
        assert not times or _most_in_a_minute(times) <= 10

    in_virtual_time(scenario)


async def test_the_oldest_go_first() -> None:
    realm = Realm()
    for name, age in (("young", 100), ("old", 300), ("middle", 200)):
        realm.put(name, ttl="1s", age=age)
    await realm.run(60)
    assert [name for name, _ in realm.deleted] == ["old", "middle", "young"]


async def test_a_fast_pace_is_kept_to_as_well() -> None:
    realm = Realm(per_minute=330)
    for index in range(660):
        realm.put(f"n{index}", ttl="1s", age=HOUR)
    await realm.run(120 + 10)
    assert len(realm.deleted) == 660


async def test_at_a_slow_pace_the_looks_go_on() -> None:
    realm = Realm(per_minute=1)
    for name in ("a", "b"):
        realm.put(name, ttl="1s", age=HOUR)
    task = asyncio.create_task(realm.expirer.run())
    await asyncio.sleep(70)
    assert realm.told.value("nsp_expiry_due") == 1
    realm.put("c", ttl="1s", age=HOUR)
    await asyncio.sleep(10)
    assert realm.told.value("nsp_expiry_due") == 2
    task.cancel()
    await asyncio.wait([task])


async def test_a_slow_answer_does_not_bunch_deletions() -> None:
    realm = Realm(per_minute=10)
    for index in range(20):
        realm.put(f"n{index}", ttl="1s", age=HOUR)
    fetch, calls = realm.fetch, []

    async def slow(name: str) -> Manifest:
        calls.append(name)
        if len(calls) == 1:
            await asyncio.sleep(5.9)
        return await fetch(name)

    realm.fetch = slow  # type: ignore[method-assign]
    await realm.run(10 * 60)
    assert len(realm.deleted) > 10
    assert _most_in_a_minute([when for _, when in realm.deleted]) <= 10


async def test_too_many_at_once_and_none_goes_until_somebody_acts() -> None:
    realm = Realm(max_percent=20)
    for index in range(7):
        realm.put(f"n{index}")
    for name in ("a", "b", "c"):
        realm.put(name, ttl="1h", age=DAY)
    await realm.run(HOUR)
    assert realm.deleted == []
    assert [reason for _, reason, _ in realm.events] == ["ExpiryHalted"]
    (line,) = realm.told.lines()
    assert line["detail"] == "3 of 10 namespaces are due, more than 20 %: none is deleted"
    task = asyncio.create_task(realm.expirer.run())
    await asyncio.sleep(60)
    assert realm.told.value("nsp_expiry_halted") == 1
    assert realm.told.value("nsp_expiry_due") == 3
    realm.annotate("b", labels.TTL, "30d")
    await asyncio.sleep(60)
    assert [name for name, _ in realm.deleted] == ["a", "c"]
    assert realm.told.value("nsp_expiry_halted") == 0
    task.cancel()
    await asyncio.wait([task])


async def test_one_alone_is_never_too_many() -> None:
    realm = Realm(max_percent=1)
    realm.put("a", ttl="1s", age=DAY)
    realm.put("b")
    await realm.run(60)
    assert [name for name, _ in realm.deleted] == ["a"]


@settings(max_examples=40, deadline=None)
@given(due=st.integers(0, 12), others=st.integers(0, 40), percent=st.integers(1, 100))
def test_the_brake_lets_all_go_or_none(due: int, others: int, percent: int) -> None:
    async def scenario() -> None:
        realm = Realm(max_percent=percent, per_minute=600)
        for index in range(due):
            realm.put(f"due{index}", ttl="1s", age=DAY)
        for index in range(others):
            realm.put(f"other{index}")
        await realm.run(60)
        held = due > 1 and due * 100 > percent * (due + others)
        assert len(realm.deleted) == (0 if held else due)

    in_virtual_time(scenario)


@pytest.mark.parametrize("percent", [100, 1], ids=["few enough", "too many"])
async def test_a_dry_run_tells_what_would_go_once_and_deletes_nothing(percent: int) -> None:
    realm = Realm(dry_run=True, max_percent=percent)
    for name in ("a", "b"):
        realm.put(name, ttl="1s", age=HOUR)
    await realm.run(HOUR)
    assert realm.deleted == []
    told = [(name, message) for name, reason, message in realm.events if reason == "Expired"]
    assert sorted(name for name, _ in told) == ["a", "b"]
    assert all(message.endswith("it would be deleted, but for expiry.dryRun") for _, message in told)
    assert realm.outcomes("dry_run") == 2
    realm.rules["dry_run"], realm.rules["max_percent"] = False, 100
    await realm.run(60)
    assert len(realm.deleted) == 2
    in_earnest = [message for _, _, message in realm.events if message.endswith("when its turn comes")]
    assert len(in_earnest) == 2, "told again, for now it is meant"


async def test_a_dry_run_that_begins_at_the_last_moment_counts() -> None:
    realm = Realm()
    realm.put(ttl="1s", age=HOUR)
    fetch = realm.fetch

    async def turning(name: str) -> Manifest:
        realm.rules["dry_run"] = True
        return await fetch(name)

    realm.fetch = turning  # type: ignore[method-assign]
    await realm.run(60)
    assert realm.deleted == []


async def test_those_that_cannot_be_deleted_do_not_hold_up_the_others() -> None:
    realm = Realm(per_minute=10)
    for index in range(15):
        realm.put(f"bad{index}", ttl="1s", age=2 * HOUR)
    for index in range(15):
        realm.put(f"good{index}", ttl="1s", age=HOUR)

    def refuse(manifest: Manifest) -> None:
        if manifest["metadata"]["name"].startswith("bad"):
            raise RejectedError("no", code=403, reason="Forbidden")

    realm.on_delete = refuse
    await realm.run(4 * 60)
    assert len(realm.deleted) == 15
    assert realm.outcomes("refused") >= 15
    assert sum(reason == "Expired" for _, reason, _ in realm.events) == 30, "each told of once"


async def test_when_the_api_server_is_away_it_is_tried_again() -> None:
    realm = Realm()
    realm.put(ttl="1s", age=HOUR)

    def away(_: Manifest) -> None:
        if time() < 300:
            raise ClusterUnavailableError("it is away")

    realm.on_delete = away
    await realm.run(300 + LATE_SECONDS)
    ((_, when),) = realm.deleted
    assert when >= 300


async def test_a_lost_lease_ends_nothing() -> None:
    realm = Realm()
    realm.put(ttl="1s", age=HOUR)

    def lost(_: Manifest) -> None:
        raise LeadershipLostError("another leads")

    realm.on_delete = lost
    await realm.run(HOUR)
    assert realm.deleted == []


async def test_notice_is_given_ahead_once_for_each_end() -> None:
    realm = Realm(notices=("1h", "10m"))
    realm.put(ttl="2h")
    await realm.run(2 * HOUR - 60)
    realm.annotate("payments", labels.TTL, "4h")
    await realm.run(2 * HOUR)
    told = [message for _, reason, message in realm.events if reason == "ExpiresSoon"]
    assert [message[8:28] for message in told] == ["2026-03-01T14:00:10Z"] * 2 + ["2026-03-01T16:00:10Z"] * 2
    assert ["than 1h" in message for message in told] == [True, False, True, False]


async def test_whoever_is_born_late_is_told_of_the_nearest_notice_only() -> None:
    realm = Realm(notices=("24h", "1h"))
    realm.put(ttl="30m")
    await realm.run(60)
    assert [reason for _, reason, _ in realm.events] == ["ExpiresSoon"]


async def test_the_end_is_told_of_before_it_comes() -> None:
    realm = Realm(notices=())
    realm.put(ttl="1s")
    realm.on_delete = lambda _: seen.extend(realm.events)
    seen: list[tuple[str, str, str]] = []
    await realm.run(60)
    assert [(name, reason) for name, reason, _ in seen] == [("payments", "Expired")]


async def test_stop_ends_it_and_its_gauges() -> None:
    realm = Realm(max_percent=1)
    for name in ("a", "b"):
        realm.put(name, ttl="1s", age=HOUR)
    task = asyncio.create_task(realm.expirer.run())
    await asyncio.sleep(30)
    assert realm.told.value("nsp_expiry_due") == 2
    realm.expirer.stop()
    await asyncio.wait_for(task, 1)
    assert _gauges(realm.told) == (0, 0)


def _gauges(told: Told) -> tuple[float, float]:
    return told.value("nsp_expiry_due"), told.value("nsp_expiry_halted")


async def test_it_can_be_cancelled_and_run_again() -> None:
    realm = Realm()
    realm.put(ttl="1h")
    await realm.run(HOUR / 2)
    assert realm.deleted == []
    await realm.run(HOUR)
    assert len(realm.deleted) == 1


async def test_what_was_told_is_forgotten_with_the_namespace() -> None:
    realm = Realm()
    for index in range(50):
        realm.put(f"n{index}", ttl="1h")
    await realm.run(HOUR + 600)
    assert realm.live == {}
    assert len(realm.events) == 100
    assert not realm.expirer._notices._told
    assert not realm.expirer._tried
