"""One pass over one namespace, against a cluster in memory: what is there afterwards is what counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.controller.passes import COMPLETE, POLICY, Setup, provisioned
from tests.controller.support import namespace
from webhook.codec import namespace as namespaces
from webhook.controller.reconcile import BLOCKED_RETRY_SECONDS, Outcome
from webhook.core import labels
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    ForeignObjectError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Condition, ConditionStatus, Manifest, ObjectKey

pytestmark = pytest.mark.anyio

BUNDLE = [
    "LimitRange/default",
    "ResourceQuota/default",
    "NetworkPolicy/default-deny-all",
    "NetworkPolicy/allow-same-namespace",
    "NetworkPolicy/allow-dns-egress",
    "RoleBinding/team-edit",
]
UNAVAILABLE = ClusterUnavailableError("503", code=503)


async def test_a_new_namespace_gets_six_objects_in_order_and_then_one_condition() -> None:
    setup = Setup(namespace())
    outcome, writes = await setup.a_pass()
    assert writes == [*(f"create {key}" for key in BUNDLE), COMPLETE]
    assert outcome == Outcome("BundleComplete")
    revision = POLICY.tiers["small"].revision
    assert setup.cluster.condition() == Condition(
        ConditionStatus.TRUE, "BundleComplete", f"tier small, revision {revision}: 6 objects in place"
    )


async def test_what_is_written_is_told_by_kind_and_action() -> None:
    setup = await provisioned()
    assert setup.told.value("nsp_bundle_writes_total", kind="NetworkPolicy", action="create") == 3
    [line] = setup.told.lines()
    assert (line["namespace"], line["objects"]) == ("payments", [f"create {key}" for key in BUNDLE])


@pytest.mark.parametrize("tier", sorted(POLICY.tiers))
async def test_a_second_pass_writes_nothing(tier: str) -> None:
    setup = await provisioned(tier=tier)
    assert await setup.a_pass() == (Outcome("BundleComplete"), [])


async def test_one_namespace_is_not_mixed_up_with_another() -> None:
    setup = Setup(namespace("payments"), namespace("search", tier="large", team="search"))
    await setup.a_pass("payments")
    await setup.a_pass("search")
    content = setup.cluster.content()
    quota = POLICY.tiers["large"].quota
    assert content["search"]["ResourceQuota/default"]["spec"]["hard"] == quota
    assert content["search"]["RoleBinding/team-edit"]["subjects"][0]["name"] == "team-search"
    assert content["payments"]["RoleBinding/team-edit"]["subjects"][0]["name"] == "team-payments"


@dataclass(frozen=True)
class Drift:
    kind: str
    name: str
    happens: Callable[[Any], object]


def _cpu(limit_range: Any) -> dict[str, str]:
    found: dict[str, str] = limit_range["spec"]["limits"][0]["default"]
    return found


def _labels(manifest: Any) -> dict[str, str]:
    found: dict[str, str] = manifest["metadata"]["labels"]
    return found


DRIFTS = [
    pytest.param(
        Drift("LimitRange", "default", lambda it: _cpu(it).update(cpu="64")), id="a default limit was raised"
    ),
    pytest.param(
        Drift("LimitRange", "default", lambda it: it["spec"]["limits"].append({"type": "Pod"})),
        id="a limit was added",
    ),
    pytest.param(
        Drift("LimitRange", "default", lambda it: _cpu(it).pop("cpu")), id="a default limit was taken away"
    ),
    pytest.param(
        Drift("ResourceQuota", "default", lambda it: it["spec"]["hard"].update(pods="1000")),
        id="the quota was raised",
    ),
    pytest.param(
        Drift("ResourceQuota", "default", lambda it: it["spec"]["hard"].pop("pods")),
        id="a quota was taken away",
    ),
    pytest.param(
        Drift("ResourceQuota", "default", lambda it: it["spec"].update(scopes=["BestEffort"])),
        id="the quota was narrowed by a scope",
    ),
    pytest.param(
        Drift("NetworkPolicy", "default-deny-all", lambda it: it["spec"].update(ingress=[{}])),
        id="a hole was patched into default-deny-all",
    ),
    pytest.param(
        Drift("NetworkPolicy", "allow-dns-egress", lambda it: it["spec"]["egress"][0].pop("ports")),
        id="the egress was widened by taking its ports away",
    ),
    pytest.param(
        Drift("RoleBinding", "team-edit", lambda it: it["subjects"].append({"kind": "User", "name": "eve"})),
        id="a subject was added to the binding",
    ),
    pytest.param(
        Drift("RoleBinding", "team-edit", lambda it: it["roleRef"].update(name="admin")),
        id="the binding was re-made for another role",
    ),
    pytest.param(
        Drift("RoleBinding", "team-edit", lambda it: _labels(it).pop(labels.TIER_REVISION)),
        id="the revision label was taken away",
    ),
    pytest.param(
        Drift("ResourceQuota", "default", lambda it: _labels(it).update({labels.MANAGED_BY: "x"})),
        id="the managed-by label says something else",
    ),
]


@pytest.mark.parametrize("drift", DRIFTS)
async def test_drift_is_repaired_with_one_write_and_nothing_else_is_touched(drift: Drift) -> None:
    setup = await provisioned()
    good = setup.cluster.content()
    drift.happens(setup.object(drift.kind, drift.name))
    outcome, writes = await setup.a_pass()
    assert setup.cluster.content() == good
    assert [write.split()[1] for write in writes] == [f"{drift.kind}/{drift.name}"]
    assert outcome == Outcome("BundleComplete")


@pytest.mark.parametrize("key", BUNDLE)
async def test_an_object_that_was_deleted_comes_back(key: str) -> None:
    setup = await provisioned()
    good = setup.cluster.content()
    del setup.cluster.objects["payments"][ObjectKey(*key.split("/"))]
    assert (await setup.a_pass())[1] == [f"restore {key}"]
    assert setup.cluster.content() == good


@pytest.mark.parametrize(
    ("gone", "how"),
    [
        pytest.param((), "restore", id="while the binding, which comes last, is there"),
        pytest.param(("RoleBinding/team-edit",), "create", id="not when nothing tells of better times"),
    ],
)
async def test_a_missing_object_is_restored_where_the_bundle_was_complete_once(
    gone: tuple[str, ...], how: str
) -> None:
    """Elsewhere somebody may have been there first, and is not to be overwritten."""
    setup = await provisioned()
    for key in gone:
        del setup.cluster.objects["payments"][ObjectKey(*key.split("/"))]
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "huge"
    await setup.a_pass()
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "small"
    del setup.cluster.objects["payments"][ObjectKey("ResourceQuota", "default")]
    missing = ("ResourceQuota/default", *gone)
    assert (await setup.a_pass())[1] == [*(f"{how} {key}" for key in missing), COMPLETE]


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(
            lambda it: it["spec"]["hard"].update({"limits.cpu": "8000m"}), id="a quantity in another notation"
        ),
        pytest.param(lambda it: it["metadata"]["labels"].update(colour="red"), id="a label of somebody else"),
        pytest.param(
            lambda it: it["metadata"].update(annotations={"note": "hi"}), id="an annotation of somebody else"
        ),
        pytest.param(lambda it: it.update(status={"used": {"pods": "3"}}), id="a status"),
    ],
)
async def test_what_is_not_drift_is_not_written(happens: Callable[[Any], object]) -> None:
    setup = await provisioned()
    happens(setup.object("ResourceQuota", "default"))
    assert (await setup.a_pass())[1] == []


async def test_another_tier_changes_what_differs_and_the_message() -> None:
    setup = await provisioned(tier="small")
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "large"
    _, writes = await setup.a_pass()
    assert len(writes) == 7
    assert writes[-1] == COMPLETE
    assert setup.object("ResourceQuota", "default")["spec"]["hard"] == POLICY.tiers["large"].quota
    assert (await setup.a_pass())[1] == []


def _without(manifest: Manifest, **more: Any) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **more}}


def _managed_by(manager: str | None) -> Manifest:
    given = {**namespace()["metadata"]["labels"], labels.MANAGED_BY: manager}
    return _without(namespace(), labels={key: value for key, value in given.items() if value is not None})


@pytest.mark.parametrize(
    "manifests",
    [
        pytest.param([], id="a namespace that is not there"),
        *(
            pytest.param([namespace(name)], id=f"an exempt one, {name}")
            for name in ("default", "kube-system", "cert-manager", "ns-provisioner")
        ),
        pytest.param([namespace("kube-public", tier="huge")], id="an exempt one of an unknown tier"),
        pytest.param([_managed_by(None)], id="one without our label"),
        pytest.param([_managed_by("Helm")], id="one of another manager"),
        pytest.param([_managed_by("")], id="one with an empty label"),
        pytest.param([_without(namespace(), labels=None)], id="one without labels"),
        pytest.param(
            [_without(namespace(), deletionTimestamp="2026-03-01T12:00:00Z")], id="one that is terminating"
        ),
        pytest.param(
            [_without(namespace(tier="huge"), deletionTimestamp="2026-03-01T12:00:00Z")],
            id="one that is terminating, of an unknown tier",
        ),
    ],
)
async def test_nothing_is_written_for(manifests: list[Manifest]) -> None:
    setup = Setup(*manifests)
    name = manifests[0]["metadata"]["name"] if manifests else "payments"
    assert await setup.a_pass(name) == (Outcome("ignored"), [])


async def test_a_namespace_that_an_admin_lets_go_of_keeps_what_it_has() -> None:
    setup = await provisioned()
    good = setup.cluster.content()
    setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "1000"
    setup.cluster.namespaces["payments"]["metadata"]["labels"].pop(labels.MANAGED_BY)
    assert await setup.a_pass() == (Outcome("ignored"), [])
    assert setup.cluster.content() != good


@pytest.mark.parametrize(
    ("manifest", "reason", "message"),
    [
        pytest.param(
            namespace(tier="huge"),
            "UnknownTier",
            'the catalogue has no tier "huge"',
            id="a tier nobody knows",
        ),
        pytest.param(namespace(tier=""), "UnknownTier", 'the catalogue has no tier ""', id="no tier"),
        pytest.param(namespace(team=""), "MissingTeam", "the label platform/team is missing", id="no team"),
    ],
)
async def test_what_cannot_be_provisioned_says_why_and_is_looked_at_again(
    manifest: Manifest, reason: str, message: str
) -> None:
    setup = Setup(manifest)
    outcome, writes = await setup.a_pass()
    assert outcome == Outcome(reason, BLOCKED_RETRY_SECONDS)
    assert writes == [f"condition False {reason}"]
    assert setup.cluster.condition() == Condition(ConditionStatus.FALSE, reason, message)
    assert (await setup.a_pass())[1] == [], "the same condition is not written again"


async def test_a_condition_is_mended_when_its_cause_goes_away() -> None:
    setup = Setup(namespace(tier="huge"))
    await setup.a_pass()
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "small"
    outcome, writes = await setup.a_pass()
    assert outcome == Outcome("BundleComplete")
    assert writes[-1] == COMPLETE


FOREIGN = ForeignObjectError("it exists and was not made by ns-provisioner", code=409, reason="AlreadyExists")
REFUSED = RejectedError("422 Invalid: spec.hard: too much", code=422, reason="Invalid")


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        pytest.param(
            FOREIGN,
            "ForeignObject",
            "ResourceQuota/default is somebody else's: it exists and was not made by ns-provisioner",
            id="somebody else's object in our place",
        ),
        pytest.param(
            REFUSED,
            "Rejected",
            "the API server refuses ResourceQuota/default: 422 Invalid: spec.hard: too much",
            id="an object that the API server refuses",
        ),
    ],
)
async def test_a_blocked_write_costs_only_the_access_and_says_why(
    error: Exception, reason: str, message: str
) -> None:
    setup = Setup(namespace())
    setup.cluster.before = {1: error}
    outcome, writes = await setup.a_pass()
    guardrails = [f"create {key}" for key in BUNDLE if "Quota" not in key and "RoleBinding" not in key]
    assert writes == [*guardrails, f"condition False {reason}"], "no access before all guardrails stand"
    assert (outcome.result, outcome.retry_after) == (reason, BLOCKED_RETRY_SECONDS)
    assert setup.cluster.condition() == Condition(ConditionStatus.FALSE, reason, message)
    outcome, writes = await setup.a_pass()
    assert writes == ["create ResourceQuota/default", "create RoleBinding/team-edit", COMPLETE]


async def _quota_is_refused(binding: Callable[[Setup], object]) -> tuple[Setup, list[str]]:
    """A pass over a complete namespace whose quota cannot be repaired, and what it wrote."""
    setup = await provisioned()
    setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "1000"
    binding(setup)
    setup.cluster.before = {7: REFUSED}
    return setup, (await setup.a_pass())[1]


@pytest.mark.parametrize(
    ("happens", "action"),
    [
        pytest.param(
            lambda it: it["subjects"].append({"kind": "User", "name": "eve"}), "replace", id="a subject"
        ),
        pytest.param(lambda it: it["roleRef"].update(name="admin"), "recreate", id="the role"),
        pytest.param(lambda it: _labels(it).pop(labels.TIER_REVISION), "apply", id="a label"),
    ],
)
async def test_drift_of_an_access_that_is_there_is_repaired_also_in_a_blocked_pass(
    happens: Callable[[Any], object], action: str
) -> None:
    setup, writes = await _quota_is_refused(lambda it: happens(it.object("RoleBinding", "team-edit")))
    assert writes == [f"{action} RoleBinding/team-edit", "condition False Rejected"]
    whole = await provisioned()
    content, wanted = setup.cluster.content()["payments"], whole.cluster.content()["payments"]
    assert content["RoleBinding/team-edit"] == wanted["RoleBinding/team-edit"]


async def test_an_access_that_is_gone_waits_until_a_pass_is_not_blocked() -> None:
    binding = ObjectKey("RoleBinding", "team-edit")
    setup, writes = await _quota_is_refused(lambda it: it.cluster.objects["payments"].pop(binding))
    assert writes == ["condition False Rejected"]
    _, writes = await setup.a_pass()
    assert writes == ["replace ResourceQuota/default", "create RoleBinding/team-edit", COMPLETE]


async def test_a_conflict_that_is_not_about_a_foreign_object_is_for_the_loop_to_retry() -> None:
    setup = Setup(namespace())
    setup.cluster.before = {2: ConflictError("409 Conflict: changed meanwhile", code=409, reason="Conflict")}
    with pytest.raises(ConflictError):
        await setup.a_pass()
    assert setup.cluster.condition() is None
    assert (await setup.a_pass())[1][-1] == COMPLETE


@pytest.mark.parametrize(
    "call",
    [
        *(pytest.param(number, id=f"at {key}") for number, key in enumerate(BUNDLE)),
        pytest.param(6, id="at the condition"),
    ],
)
async def test_a_namespace_that_goes_away_mid_way_is_no_error(call: int) -> None:
    setup = Setup(namespace())
    setup.cluster.before = {call: NotFoundError('404 NotFound: namespaces "payments" not found', code=404)}
    outcome, writes = await setup.a_pass()
    assert outcome.result == "gone"
    assert writes == [f"create {key}" for key in BUNDLE[:call]]


async def test_a_condition_of_the_same_status_keeps_its_time_when_its_message_changes() -> None:
    setup = await provisioned(tier="small")
    old = setup.cluster.namespaces["payments"]["status"]["conditions"][0]
    old["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "medium"
    await setup.a_pass()
    condition = namespaces.provisioned(setup.cluster.namespaces["payments"])
    assert condition is not None
    assert "medium" in condition.message
    assert condition.since == "2026-01-01T00:00:00Z"


async def test_a_condition_that_turns_gets_the_time_of_its_writing() -> None:
    setup = await provisioned()
    old = setup.cluster.namespaces["payments"]["status"]["conditions"][0]
    old["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "huge"
    await setup.a_pass()
    condition = namespaces.provisioned(setup.cluster.namespaces["payments"])
    assert condition is not None
    assert condition.since == "2026-03-01T12:00:10Z"


@pytest.mark.parametrize("lost", [pytest.param(False, id="refused"), pytest.param(True, id="answer lost")])
@pytest.mark.parametrize("call", range(7))
async def test_a_pass_interrupted_at_any_write_is_completed_by_the_next(call: int, lost: bool) -> None:
    """`lost`: the write took effect and its answer did not arrive."""
    whole = await provisioned()
    setup = Setup(namespace())
    faults = setup.cluster.after if lost else setup.cluster.before
    faults[call] = UNAVAILABLE
    with pytest.raises(ClusterError):
        await setup.a_pass()
    await setup.a_pass()
    assert setup.cluster.writes == whole.cluster.writes, "each write once, in order"
    assert setup.cluster.content() == whole.cluster.content()
    assert setup.cluster.condition() == whole.cluster.condition()
    assert (await setup.a_pass())[1] == []


@pytest.mark.parametrize("call", range(7))
async def test_a_repair_interrupted_at_any_write_is_completed_by_the_next_pass(call: int) -> None:
    whole = await provisioned(tier="large")
    setup = await provisioned(tier="small")
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = "large"
    setup.cluster.before = {7 + call: UNAVAILABLE}
    with pytest.raises(ClusterError):
        await setup.a_pass()
    await setup.a_pass()
    assert setup.cluster.content() == whole.cluster.content()
    assert setup.cluster.condition() == whole.cluster.condition()


async def test_the_time_to_ready_is_observed_when_the_bundle_is_complete_for_the_first_time() -> None:
    setup = await provisioned()
    await setup.a_pass()
    assert setup.told.value("nsp_time_to_ready_seconds_count") == 1
    assert setup.told.value("nsp_time_to_ready_seconds_sum") == 10


async def test_the_time_to_ready_is_not_observed_for_a_namespace_that_is_not_ready() -> None:
    setup = Setup(namespace(tier="huge"))
    await setup.a_pass()
    assert setup.told.value("nsp_time_to_ready_seconds_count") == 0


async def test_the_time_to_ready_is_not_observed_again_after_a_namespace_was_blocked() -> None:
    setup = await provisioned()
    for tier in ("huge", "small"):
        setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = tier
        await setup.a_pass()
    assert setup.told.value("nsp_time_to_ready_seconds_count") == 1
