"""When namespaces end: computed from the object alone, and never before the clocks agree that it is time."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import COMPLETE, POLICY, Changes, changed, with_tier
from webhook.core import expiry, labels
from webhook.core.expiry import CLOCK_TOLERANCE_SECONDS, End, Moment
from webhook.core.model import Manifest
from webhook.core.policy import ExpiryRules, Policy

CREATED, CREATED_AT = "2026-03-01T12:00:00Z", 1_772_366_400
DAY = 86_400


def namespace(
    ttl: str | None = None, *, name: str = "payments", labels_: Changes | None = None, **notes: str
) -> Manifest:
    """A managed namespace; `notes` are annotations of ours, with _ for -."""
    annotations = {f"platform/{key.replace('_', '-')}": value for key, value in notes.items()}
    if ttl is not None:
        annotations[labels.TTL] = ttl
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    metadata |= {"creationTimestamp": CREATED, "labels": changed(COMPLETE, labels_ or {})}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {**metadata, "annotations": annotations}}


def ruled(**changes: Any) -> Policy:
    return dataclasses.replace(POLICY, expiry=ExpiryRules(**changes))


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [
        pytest.param("1s", 1, id="a second"),
        pytest.param("8h", 28_800, id="hours"),
        pytest.param("7d", 7 * DAY, id="days"),
        pytest.param("3650d", 3650 * DAY, id="the longest there is"),
    ],
)
def test_a_lifetime_counts_from_the_creation(ttl: str, seconds: int) -> None:
    assert expiry.expires_at(namespace(ttl)) == CREATED_AT + seconds
    assert expiry.end(namespace(ttl), POLICY) == End(CREATED_AT + seconds)


GARBAGE = [
    *("", " ", "0s", "0d", "-1h", "+1h", "1.5h", "1h30m", "1 h", "1h\n", "1h ", "7", "d", "null", "never"),
    *("3651d", "999999999d", "9999999999s", "٣d", "1H", "1e3s", "1772366400", "2026-03-01T12:00:00Z", "1h\0"),
]


@pytest.mark.parametrize("ttl", GARBAGE, ids=ascii)
def test_what_is_no_lifetime_ends_nothing_and_is_told_of(ttl: str) -> None:
    assert expiry.expires_at(namespace(ttl)) is None
    assert expiry.end(namespace(ttl), POLICY) is None
    told = expiry.notice(namespace(ttl), POLICY, CREATED_AT + 10**9)
    assert told is not None
    assert "is no lifetime, and ends nothing" in told


@given(st.text())
def test_no_text_ends_a_namespace_before_it_is_a_second_old(ttl: str) -> None:
    found = expiry.expires_at(namespace(ttl))
    assert found is None or found > CREATED_AT


def test_maps_that_are_null_say_nothing() -> None:
    bare = namespace()
    bare["metadata"] |= {"labels": None, "annotations": None}
    assert (expiry.expires_at(bare), expiry.end(bare, POLICY)) == (None, None)
    assert expiry.is_labelled(bare)


@pytest.mark.parametrize(
    ("ttl", "label", "right"),
    [
        pytest.param("1s", str(CREATED_AT + 1), True, id="what it must be"),
        pytest.param("1s", str(CREATED_AT + 2), False, id="another moment"),
        pytest.param("1s", None, False, id="none yet"),
        pytest.param("1s", "", False, id="an empty one"),
        pytest.param(None, None, True, id="none where none belongs"),
        pytest.param(None, str(CREATED_AT + 1), False, id="one left over"),
        pytest.param("soon", str(CREATED_AT + 1), False, id="one beside garbage"),
    ],
)
def test_whether_the_label_is_right(ttl: str | None, label: str | None, right: bool) -> None:
    assert expiry.is_labelled(namespace(ttl, labels_={labels.EXPIRES_AT: label})) is right


def test_the_label_ends_nothing_by_itself() -> None:
    assert expiry.end(namespace(labels_={labels.EXPIRES_AT: "1"}), POLICY) is None


def _terminating() -> Manifest:
    found = namespace("1s")
    found["metadata"]["deletionTimestamp"] = CREATED
    return found


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(namespace("1s", labels_={labels.MANAGED_BY: None}), id="one that nobody manages"),
        pytest.param(namespace("1s", labels_={labels.MANAGED_BY: "Helm"}), id="one of another manager"),
        *(pytest.param(namespace("1s", name=name), id=name) for name in sorted(POLICY.exempt_names)),
        pytest.param(_terminating(), id="one that is going already"),
        pytest.param(namespace("1s", labels_={labels.TIER: "gone"}), id="one of a tier that is not known"),
        pytest.param(namespace("1s", labels_={labels.TIER: None}), id="one without a tier"),
        pytest.param(namespace("1s", deletion_protection="true"), id="one that is protected"),
        pytest.param(namespace("1s", deletion_protection="True"), id="one that nearly is"),
        pytest.param(namespace("1s", deletion_protection=""), id="one with an empty protection"),
    ],
)
def test_never_ends(manifest: Manifest) -> None:
    assert expiry.end(manifest, POLICY) is None
    assert expiry.notice(manifest, POLICY, CREATED_AT + 10**9) is None
    assert expiry.next_look(manifest, POLICY, CREATED_AT) is None


def test_the_protection_of_a_tier_holds_until_it_is_taken_off() -> None:
    policy = with_tier(deletion_protection=True)
    assert expiry.end(namespace("1s"), policy) is None
    assert expiry.end(namespace("1s", deletion_protection="false"), policy) == End(CREATED_AT + 1)


IDLE = with_tier(idle_ttl="1d")


@pytest.mark.parametrize(
    ("ttl", "since", "found"),
    [
        pytest.param(None, str(CREATED_AT + 9), End(CREATED_AT + 9 + DAY, idle=True), id="by that alone"),
        pytest.param("7d", str(CREATED_AT), End(CREATED_AT + DAY, idle=True), id="before its time"),
        pytest.param("1h", str(CREATED_AT), End(CREATED_AT + 3600), id="not before its time is over"),
        pytest.param("7d", "yesterday", End(CREATED_AT + 7 * DAY), id="not by garbage"),
        pytest.param("7d", str(CREATED_AT - 1), End(CREATED_AT + 7 * DAY), id="not from before it was there"),
        pytest.param(None, None, None, id="not while it has pods"),
    ],
)
def test_ends_for_having_no_pods(ttl: str | None, since: str | None, found: End | None) -> None:
    manifest = namespace(ttl) if since is None else namespace(ttl, idle_since=since)
    assert expiry.end(manifest, IDLE) == found


def test_having_no_pods_ends_nothing_where_the_tier_does_not_say_so() -> None:
    assert expiry.end(namespace(idle_since=str(CREATED_AT)), POLICY) is None


seconds = st.floats(-10 * 365 * DAY, 10 * 365 * DAY)


@given(now=seconds, skew=seconds, at=seconds)
def test_a_wrong_clock_of_our_own_ends_nothing_early(now: float, skew: float, at: float) -> None:
    assert not (Moment(server=now, own=now + skew).is_past(at) and now < at)


@given(now=seconds, skew=seconds, at=seconds)
def test_a_wrong_clock_of_the_servers_ends_nothing_that_our_own_has_far_ahead(
    now: float, skew: float, at: float
) -> None:
    assert not (Moment(server=now + skew, own=now).is_past(at) and now < at - CLOCK_TOLERANCE_SECONDS)


@given(now=seconds, skew=seconds, at=seconds)
def test_clocks_that_do_not_agree_end_nothing(now: float, skew: float, at: float) -> None:
    moment = Moment(server=now + skew, own=now)
    assert not (moment.is_past(at) and not moment.is_agreed())


@given(now=st.integers(0, 10**10), skew=st.integers(-CLOCK_TOLERANCE_SECONDS, CLOCK_TOLERANCE_SECONDS))
def test_within_the_tolerance_nothing_ends_late(now: int, skew: int) -> None:
    assert Moment(server=now, own=now + skew).is_past(now)
    assert Moment(server=now, own=now + skew).is_agreed()


@pytest.mark.parametrize(
    ("server", "own"),
    [
        pytest.param(365 * DAY, 0, id="the server's is a year ahead"),
        pytest.param(0, 365 * DAY, id="ours is a year ahead"),
        pytest.param(DAY - 1, DAY - 600, id="neither is there yet"),
        pytest.param(DAY, DAY - 901, id="ours is more than 15 minutes late"),
        pytest.param(DAY, -365 * DAY, id="ours is a year late"),
        pytest.param(DAY, DAY + 901, id="ours is more than 15 minutes ahead"),
        pytest.param(365 * DAY, DAY, id="the server's is a year ahead of an end that has come"),
    ],
)
def test_not_past_for_one_clock_that_jumped(server: float, own: float) -> None:
    assert not Moment(CREATED_AT + server, CREATED_AT + own).is_past(CREATED_AT + DAY)


@pytest.mark.parametrize(
    ("due", "managed", "percent", "halted"),
    [
        pytest.param(0, 0, 20, False, id="none of none"),
        pytest.param(1, 1, 20, False, id="one alone"),
        pytest.param(2, 2, 20, True, id="both of two"),
        pytest.param(2, 10, 20, False, id="exactly the share"),
        pytest.param(3, 10, 20, True, id="one more than that"),
        pytest.param(2001, 10_000, 20, True, id="one too many of ten thousand"),
        pytest.param(10, 10, 100, False, id="all, where all may go"),
    ],
)
def test_the_brake(due: int, managed: int, percent: int, halted: bool) -> None:
    assert expiry.is_too_many(due, managed, ExpiryRules(max_percent=percent)) is halted


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 600))
def test_no_minute_has_more_deletions_than_the_pace(delays: list[float], per_minute: int) -> None:
    """Each is asked for some time after the one before it was allowed."""
    rules, now, times = ExpiryRules(per_minute=per_minute), 0.0, [0.0]
    for delay in delays:
        now += delay
        now += expiry.pause(times[-1], now, rules)
        times.append(now)
    for begin in times:
        assert sum(begin <= time < begin + 60 - 1e-6 for time in times) <= per_minute


def test_the_pace_keeps_nobody_waiting_who_is_alone() -> None:
    assert expiry.pause(0.0, 60.0, ExpiryRules(per_minute=1)) == 0
    assert expiry.pause(0.0, 0.0, ExpiryRules(per_minute=10)) == 6


HOUR = 3600
LATER = "2026-03-03T12:00:00Z"
"""When a namespace of two days ends."""


@pytest.mark.parametrize(
    ("age", "told"),
    [
        pytest.param(0, None, id="long before"),
        pytest.param(DAY - 1, None, id="right before the first notice"),
        pytest.param(
            DAY,
            f"expires {LATER} (in less than 24h): extend with the annotation platform/ttl",
            id="from the first notice on",
        ),
        pytest.param(
            2 * DAY - HOUR,
            f"expires {LATER} (in less than 1h): extend with the annotation platform/ttl",
            id="from the last notice on",
        ),
        pytest.param(
            2 * DAY,
            f"expired {LATER}: it would be deleted, but for expiry.dryRun",
            id="from the end on",
        ),
    ],
)
def test_what_the_condition_says(age: int, told: str | None) -> None:
    assert expiry.notice(namespace("2d"), POLICY, CREATED_AT + age) == told


def test_what_the_condition_says_where_namespaces_do_end() -> None:
    policy = ruled(dry_run=False)
    told = expiry.notice(namespace("1s"), policy, CREATED_AT + 1)
    assert told == "expired 2026-03-01T12:00:01Z: it is deleted when its turn comes"


def test_what_the_condition_says_of_one_without_pods() -> None:
    told = expiry.notice(namespace(idle_since=str(CREATED_AT)), IDLE, CREATED_AT + 1)
    assert told == "expires 2026-03-02T12:00:00Z, having no pods (in less than 24h): a pod in it keeps it"


def test_without_notices_only_the_end_is_told_of() -> None:
    policy = ruled(notices=())
    assert expiry.notice(namespace("2d"), policy, CREATED_AT + 2 * DAY - 1) is None
    assert expiry.next_look(namespace("2d"), policy, CREATED_AT) == 2 * DAY


def test_a_namespace_without_end_has_nothing_to_say() -> None:
    assert expiry.notice(namespace(), POLICY, CREATED_AT + 10**9) is None
    assert expiry.next_look(namespace(), POLICY, CREATED_AT) is None


@settings(max_examples=200)
@given(
    notices=st.lists(st.sampled_from(["7d", "3d", "24h", "1h", "5m", "1s"]), unique=True),
    age=st.integers(-DAY, 10 * DAY),
)
def test_what_is_said_changes_exactly_at_the_next_look(notices: list[str], age: int) -> None:
    """Whoever comes back then, and only then, always says what is to be said."""
    order = ["7d", "3d", "24h", "1h", "5m", "1s"]
    policy = ruled(notices=tuple(sorted(notices, key=order.index)))
    manifest, now = namespace("8d"), float(CREATED_AT + age)
    while (wait := expiry.next_look(manifest, policy, now)) is not None:
        assert wait > 0
        assert expiry.notice(manifest, policy, now + wait - 0.5) == expiry.notice(manifest, policy, now)
        assert expiry.notice(manifest, policy, now + wait) != expiry.notice(manifest, policy, now)
        now += wait
    assert (expiry.notice(manifest, policy, now) or "").startswith("expired ")


@given(st.sampled_from(["1s", "1h", "7d"]), st.sampled_from(["8d", "30d", "3650d"]))
def test_an_extension_moves_the_end(short: str, long: str) -> None:
    before, after = (expiry.end(namespace(ttl), POLICY) for ttl in (short, long))
    assert before is not None
    assert after is not None
    assert after.at > before.at
