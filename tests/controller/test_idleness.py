"""Namespaces that end without pods: only what has been seen, and goes on, counts."""

from typing import Any

import pytest

from tests.controller.realm import DAY, HOUR, START, Realm, time
from tests.controller.virtualtime import BACKEND
from webhook.core import labels
from webhook.core.errors import ConflictError, RejectedError
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return BACKEND


def idle_realm(**rules: Any) -> Realm:
    return Realm(tier={"idle_ttl": "1h"}, **rules)


def mark(realm: Realm) -> str | None:
    found: str | None = realm.live["payments"]["metadata"]["annotations"].get(labels.IDLE_SINCE)
    return found


async def test_a_namespace_goes_after_that_long_without_pods() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(1)
    await realm.run(2 * HOUR)
    assert (realm.deleted, mark(realm)) == ([], None)
    realm.pods(0)
    await realm.run(2 * HOUR)
    ((_, when),) = realm.deleted
    assert 3 * HOUR <= when <= 3 * HOUR + 60


async def test_one_that_never_had_pods_goes_too() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    await realm.run(2 * HOUR)
    assert len(realm.deleted) == 1


async def test_a_pod_in_time_keeps_it() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    await realm.run(HOUR - 60)
    realm.pods(3)
    await realm.run(2 * HOUR)
    assert (realm.deleted, mark(realm)) == ([], None)


async def test_a_pod_that_came_and_went_between_two_looks_begins_it_anew() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    await realm.run(HOUR - 60)
    began = time()
    realm.pods(0)  # counted anew: 0 -> 1 -> 0
    await realm.run(2 * HOUR)
    ((_, when),) = realm.deleted
    assert when >= began + HOUR


async def test_a_pod_at_the_last_moment_keeps_it() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    fetch = realm.fetch

    async def busy(name: str) -> Manifest:
        fresh = await fetch(name)
        realm.pods(1)
        return fresh

    realm.fetch = busy  # type: ignore[method-assign]
    await realm.run(2 * HOUR)
    assert (realm.deleted, mark(realm)) == ([], None)


async def test_a_pod_that_came_and_went_at_the_last_moment_begins_it_anew() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    fetch = realm.fetch_quota
    fetched: list[float] = []

    async def touched(name: str) -> Manifest | None:
        if not fetched:
            realm.pods(0)
        fetched.append(time())
        return await fetch(name)

    realm.fetch_quota = touched  # type: ignore[method-assign]
    await realm.run(3 * HOUR)
    ((_, when),) = realm.deleted
    assert when >= fetched[0] + HOUR


async def test_a_beginning_that_could_not_be_noted_is_not_lost() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    await realm.run(HOUR / 2)
    write, began = realm.set_idle_since, time()
    realm.pods(0)  # counted anew: 0 -> 1 -> 0

    async def fails(namespace: Manifest, since: int | None) -> None:
        if time() < began + 60:
            raise RejectedError("not now")
        await write(namespace, since)

    realm.set_idle_since = fails  # type: ignore[method-assign]
    await realm.run(3 * HOUR)
    ((_, when),) = realm.deleted
    assert when >= began + HOUR


async def test_idleness_goes_on_over_a_change_of_leaders() -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    for _ in range(9):
        realm.expirer = realm.another()
        await realm.run(HOUR / 8)
    assert len(realm.deleted) == 1
    assert realm.marks == 1


async def test_a_steady_namespace_is_written_to_once() -> None:
    realm = Realm(tier={"idle_ttl": "30d"})
    realm.put()
    realm.pods(0)
    await realm.run(2 * HOUR)
    assert realm.marks == 1
    assert mark(realm) == str(int(START))


@pytest.mark.parametrize(
    "since",
    [
        pytest.param("1", id="before it was there"),
        pytest.param(str(int(START) + DAY), id="in the future"),
        pytest.param("long ago", id="garbage"),
    ],
)
async def test_an_annotation_that_cannot_be_true_neither_hastens_nor_puts_off(since: str) -> None:
    realm = idle_realm()
    realm.put(idle_since=since)
    realm.pods(0)
    await realm.run(2 * HOUR)
    ((_, when),) = realm.deleted
    assert HOUR <= when <= HOUR + 60


async def test_where_the_tier_does_not_say_so_the_annotation_is_taken_away() -> None:
    realm = Realm()
    realm.put(idle_since=str(int(START)))
    realm.pods(0)
    await realm.run(2 * HOUR)
    assert (realm.deleted, mark(realm)) == ([], None)


async def test_without_a_quota_nothing_is_idle() -> None:
    realm = idle_realm()
    realm.put()
    await realm.run(2 * HOUR)
    assert (realm.deleted, realm.marks) == ([], 0)


@pytest.mark.parametrize(("skew", "marks"), [(DAY, 0), (-DAY, 0), (600, 1), (-600, 1)])
async def test_clocks_that_do_not_agree_mark_nothing(skew: int, marks: int) -> None:
    realm = Realm(tier={"idle_ttl": "30d"})
    realm.own.skew = skew
    realm.put()
    realm.pods(0)
    await realm.run(HOUR)
    assert realm.marks == marks
    if marks:
        assert mark(realm) == str(int(START) + max(skew, 0)), "by the later of the two"


@pytest.mark.parametrize("error", [RejectedError("another of that name"), ConflictError("changed")])
async def test_what_cannot_be_noted_ends_nothing_and_keeps_the_rest_going(error: Exception) -> None:
    realm = idle_realm()
    realm.put()
    realm.pods(0)
    realm.put("shop", ttl="1s")

    async def fails(namespace: Manifest, since: int | None) -> None:
        raise error

    realm.set_idle_since = fails  # type: ignore[method-assign]
    await realm.run(2 * HOUR)
    assert [name for name, _ in realm.deleted] == ["shop"]
