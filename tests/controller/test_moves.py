"""Changes of tier and of catalogue: what a namespace keeps, what it gets, and when."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.controller.passes import COMPLETE, POLICY, Setup, provisioned
from tests.controller.support import namespace
from webhook.controller.repairs import QUICK
from webhook.core import labels
from webhook.core.errors import ClusterUnavailableError, RejectedError
from webhook.core.model import Condition, ConditionStatus, Manifest, NamespaceState, ObjectKey
from webhook.core.policy import Budget, Policy, Rollout

pytestmark = pytest.mark.anyio

QUOTA = ObjectKey("ResourceQuota", "default")
NOTE: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "note"},
    "data": {"tier": "${tier}"},
}
GUESTS: Manifest = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "guests"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "guests"}],
}


def with_extras(*manifests: Manifest, revision: str = "with-extras") -> Policy:
    small = replace(POLICY.tiers["small"], extra_manifests=manifests, revision=revision)
    return replace(POLICY, tiers={**POLICY.tiers, "small": small})


def relabel(setup: Setup, tier: str) -> None:
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TIER] = tier


def annotate(setup: Setup, **annotations: str) -> None:
    given = {f"platform/{key}": value for key, value in annotations.items()}
    setup.cluster.namespaces["payments"]["metadata"]["annotations"] = given


def pods_in_use(setup: Setup, pods: int) -> None:
    setup.cluster.objects["payments"][QUOTA]["status"] = {"used": {"pods": str(pods)}}


async def with_tier_extras() -> Setup:
    setup = Setup(namespace())
    setup.policy = with_extras(NOTE, GUESTS)
    await setup.a_pass()
    return setup


async def test_what_the_new_tier_does_not_have_goes_access_first() -> None:
    setup = await with_tier_extras()
    relabel(setup, "medium")
    _, writes = await setup.a_pass()
    assert writes[0] == "prune RoleBinding/guests"
    assert writes[-2:] == ["prune ConfigMap/note", COMPLETE]
    assert len(setup.cluster.content()["payments"]) == 6
    assert (await setup.a_pass())[1] == []


async def test_a_change_of_tiers_is_told_as_one() -> None:
    setup = await provisioned()
    assert setup.cluster.events == [], "a namespace that just works makes no noise"
    relabel(setup, "medium")
    await setup.a_pass()
    [(reason, message, warning)] = setup.cluster.events
    assert (reason, warning) == ("TierChanged", False)
    assert message.startswith("tier small -> medium: ")
    assert setup.told.value("nsp_drift_repairs_total", kind="ResourceQuota", action="replace") == 0


async def test_nothing_of_the_former_tier_goes_while_the_new_one_does_not_stand() -> None:
    setup = await with_tier_extras()
    relabel(setup, "medium")
    written = len(setup.cluster.writes)
    setup.cluster.before = {written + 1: RejectedError("422", code=422)}
    _, writes = await setup.a_pass()
    assert "prune ConfigMap/note" not in writes
    assert writes[0] == "prune RoleBinding/guests", "access that is lost is lost in any case"


async def test_a_tier_with_less_than_is_in_use_is_not_given() -> None:
    setup = await provisioned(tier="medium")
    before = setup.cluster.content()
    pods_in_use(setup, 21)
    relabel(setup, "small")
    outcome, writes = await setup.a_pass()
    assert (outcome.result, writes) == ("BelowUsage", ["condition False BelowUsage"])
    condition = setup.cluster.condition()
    assert condition is not None
    assert condition.message == (
        "tier small has less than is in use: pods 21 in use, limit 20; "
        "free it, or let an admin set the annotation platform/force: small"
    )
    del setup.cluster.objects["payments"][QUOTA]["status"]
    assert setup.cluster.content() == before, "what it had is what it keeps"


async def test_meanwhile_the_former_tier_is_kept_in_order() -> None:
    setup = await provisioned(tier="medium")
    pods_in_use(setup, 21)
    relabel(setup, "small")
    await setup.a_pass()
    del setup.cluster.objects["payments"][ObjectKey("NetworkPolicy", "default-deny-all")]
    assert (await setup.a_pass())[1] == ["restore NetworkPolicy/default-deny-all"]


async def test_it_is_given_when_the_use_has_fallen() -> None:
    setup = await provisioned(tier="medium")
    pods_in_use(setup, 21)
    relabel(setup, "small")
    await setup.a_pass()
    pods_in_use(setup, 20)
    _, writes = await setup.a_pass()
    assert writes[-1] == COMPLETE


@pytest.mark.parametrize(
    ("force", "given"), [("small", True), ("medium", False)], ids=["for this tier", "for another tier"]
)
async def test_or_when_an_admin_forces_it(force: str, given: bool) -> None:
    setup = await provisioned(tier="medium")
    pods_in_use(setup, 21)
    relabel(setup, "small")
    annotate(setup, force=force)
    outcome, _ = await setup.a_pass()
    assert (outcome.result == "BundleComplete") is given


async def changed_catalogue(**rollout: Any) -> Setup:
    setup = await provisioned()
    small = replace(POLICY.tiers["small"], quota={"pods": "7"}, revision="newer")
    setup.policy = replace(
        POLICY, tiers={**POLICY.tiers, "small": small}, rollout=replace(Rollout(), **rollout)
    )
    return setup


async def test_a_changed_catalogue_waits_for_its_turn_and_says_so() -> None:
    setup = await changed_catalogue()
    before = setup.cluster.content()
    outcome, writes = await setup.a_pass()
    assert (outcome.result, writes) == ("RolloutPending", ["condition True RolloutPending"])
    assert setup.cluster.content() == before
    assert setup.cluster.condition() == Condition(
        ConditionStatus.TRUE,
        "RolloutPending",
        f"tier small, revision {POLICY.tiers['small'].revision}: revision newer follows",
    )


async def test_meanwhile_drift_is_repaired_to_what_the_tier_was() -> None:
    setup = await changed_catalogue()
    before = setup.cluster.content()
    setup.object("LimitRange", "default")["spec"]["limits"] = []
    del setup.cluster.objects["payments"][ObjectKey("RoleBinding", "team-edit")]
    await setup.a_pass()
    assert setup.cluster.content() == before


async def test_after_a_restart_nobody_knows_what_the_tier_was_and_what_stands_stays() -> None:
    changed = await changed_catalogue()
    setup = Setup(cluster=changed.cluster)
    setup.policy = changed.policy
    setup.object("LimitRange", "default")["spec"]["limits"] = []
    assert (await setup.a_pass())[1] == ["condition True RolloutPending"]


async def test_by_hand_it_follows_when_the_annotation_names_the_revision() -> None:
    setup = await changed_catalogue(strategy="manual")
    assert (await setup.a_pass())[0].result == "RolloutPending"
    annotate(setup, revision="newer")
    _, writes = await setup.a_pass()
    assert writes[-1] == COMPLETE
    assert setup.object("ResourceQuota", "default")["spec"]["hard"] == {"pods": "7"}
    assert (await setup.a_pass())[1] == []


async def test_a_change_that_was_begun_is_finished_without_another_turn() -> None:
    setup = await changed_catalogue(strategy="manual")
    annotate(setup, revision="newer")
    setup.cluster.before = {len(setup.cluster.writes) + 2: ClusterUnavailableError("503")}
    with pytest.raises(ClusterUnavailableError):
        await setup.a_pass()
    annotate(setup)
    assert (await setup.a_pass())[1][-1] == COMPLETE


async def test_a_changed_catalogue_with_less_than_is_in_use_is_not_followed() -> None:
    setup = await changed_catalogue(strategy="manual")
    annotate(setup, revision="newer")
    pods_in_use(setup, 8)
    assert (await setup.a_pass())[0].result == "BelowUsage"


async def test_an_object_that_somebody_fights_over_is_repaired_with_pauses_and_told_of() -> None:
    setup = await provisioned()
    for _ in range(QUICK):
        setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
        outcome, writes = await setup.a_pass()
        assert writes[0] == "replace ResourceQuota/default"
        setup.now += 0.1
    assert outcome.result == "Contested"
    setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
    outcome, writes = await setup.a_pass()
    assert writes == [], "not now"
    assert outcome.retry_after == pytest.approx(2.9)
    condition = setup.cluster.condition()
    assert condition is not None
    assert "ResourceQuota/default" in condition.message
    assert [reason for reason, _, _ in setup.cluster.events] == ["Contested"]
    setup.now += 3
    assert (await setup.a_pass())[1] == ["replace ResourceQuota/default"]
    setup.now += 60
    assert (await setup.a_pass())[1] == [COMPLETE]


async def test_a_fight_over_one_object_keeps_no_other_from_repair() -> None:
    setup = await provisioned()
    for _ in range(QUICK + 1):
        setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
        await setup.a_pass()
    del setup.cluster.objects["payments"][ObjectKey("NetworkPolicy", "default-deny-all")]
    assert "restore NetworkPolicy/default-deny-all" in (await setup.a_pass())[1]


async def test_while_a_guardrail_is_fought_over_nobody_is_given_access() -> None:
    setup = await provisioned()
    for _ in range(QUICK + 1):
        setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
        await setup.a_pass()
    del setup.cluster.objects["payments"][ObjectKey("RoleBinding", "team-edit")]
    assert (await setup.a_pass())[1] == []
    setup.now += 3
    assert "create RoleBinding/team-edit" in (await setup.a_pass())[1]


async def test_a_namespace_whose_label_was_taken_away_says_that_nobody_manages_it() -> None:
    setup = await provisioned()
    setup.cluster.depart("payments")
    outcome, writes = await setup.a_pass()
    assert (outcome.result, writes) == ("NotManaged", ["condition False NotManaged"])
    assert (await setup.a_pass())[1] == [], "once"


async def test_a_namespace_that_was_terminating_goes_without_a_word() -> None:
    setup = await provisioned()
    setup.cluster.namespaces["payments"]["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    setup.cluster.depart("payments")
    assert await setup.a_pass() == (await Setup().a_pass())


async def test_a_bug_of_ours_is_told_as_unknown_and_stays_with_its_namespace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup = await provisioned()

    def broken(*_: object) -> NamespaceState:
        raise ZeroDivisionError

    monkeypatch.setattr("webhook.codec.namespace.state", broken)
    with pytest.raises(ZeroDivisionError):
        await setup.a_pass()
    condition = setup.cluster.condition()
    assert condition is not None
    assert (condition.status, condition.reason) == (ConditionStatus.UNKNOWN, "InternalError")
    monkeypatch.undo()
    assert (await setup.a_pass())[1] == [COMPLETE]


def mortal(ttl: str = "2h", **annotations: str) -> Manifest:
    manifest = namespace()
    manifest["metadata"]["annotations"] = {labels.TTL: ttl, **annotations}
    return manifest


ENDS = 1772373600  # two hours after tests.controller.support.CREATED


async def test_a_namespace_with_a_lifetime_is_labelled_with_its_end() -> None:
    setup = Setup(mortal())
    outcome, writes = await setup.a_pass()
    assert writes[-2:] == [f"expiry {ENDS}", COMPLETE]
    assert outcome.retry_after == pytest.approx(3590), "when the notice of the last hour falls due"
    assert (await setup.a_pass())[1] == []


async def test_the_label_follows_the_lifetime_and_goes_with_it() -> None:
    setup = Setup(mortal())
    await setup.a_pass()
    annotate(setup, ttl="3h")
    assert f"expiry {ENDS + 3600}" in (await setup.a_pass())[1]
    annotate(setup)
    assert "expiry None" in (await setup.a_pass())[1]


async def test_the_condition_gives_notice_by_the_clock_of_the_api_server() -> None:
    setup = Setup(mortal())
    await setup.a_pass()
    setup.server_now = datetime.fromtimestamp(ENDS - 3599, UTC)
    _, writes = await setup.a_pass()
    assert writes == [COMPLETE]
    condition = setup.cluster.condition()
    assert condition is not None
    assert "(in less than 1h)" in condition.message
    assert (await setup.a_pass())[1] == []


async def test_a_label_that_the_api_server_refuses_is_told_of_when_all_else_stands() -> None:
    setup = Setup(mortal())
    setup.cluster.before = {6: RejectedError("403 not you", code=403)}
    _, writes = await setup.a_pass()
    assert writes[-2:] == ["create RoleBinding/team-edit", "condition False Rejected"]


async def test_what_a_new_revision_adds_is_not_taken_from_somebody_who_has_it() -> None:
    """It never was ours, however complete the namespace has been."""
    setup = await provisioned()
    setup.policy = with_extras(NOTE)
    annotate(setup, revision="with-extras")
    _, writes = await setup.a_pass()
    assert "create ConfigMap/note" in writes


async def test_nor_in_a_change_that_was_begun() -> None:
    setup = await provisioned()
    setup.policy = with_extras(NOTE)
    annotate(setup, revision="with-extras")
    setup.cluster.before = {len(setup.cluster.writes) + 5: ClusterUnavailableError("503")}
    with pytest.raises(ClusterUnavailableError):
        await setup.a_pass()
    assert "create ConfigMap/note" in (await setup.a_pass())[1]


async def test_after_a_restart_a_pending_namespace_still_gives_access_to_its_team_alone() -> None:
    changed = await changed_catalogue()
    setup = Setup(cluster=changed.cluster)
    setup.policy = changed.policy
    setup.cluster.namespaces["payments"]["metadata"]["labels"][labels.TEAM] = "shop"
    _, writes = await setup.a_pass()
    assert writes[0] == "replace RoleBinding/team-edit"
    assert setup.object("RoleBinding", "team-edit")["subjects"][0]["name"] == "team-shop"


async def test_while_it_waits_the_quota_is_what_the_former_tier_gives() -> None:
    setup = await changed_catalogue()
    await setup.a_pass()
    setup.object("ResourceQuota", "default")["spec"] = {}
    _, writes = await setup.a_pass()
    assert writes[0].endswith("ResourceQuota/default")
    assert setup.object("ResourceQuota", "default")["spec"]["hard"] == POLICY.tiers["small"].quota


async def test_that_a_namespace_was_let_go_of_is_told_once_the_api_server_is_there() -> None:
    setup = await provisioned()
    setup.cluster.depart("payments")
    setup.cluster.before = {len(setup.cluster.writes): ClusterUnavailableError("503")}
    with pytest.raises(ClusterUnavailableError):
        await setup.a_pass()
    assert (await setup.a_pass())[1] == ["condition False NotManaged"]


async def test_a_repair_that_has_to_wait_is_not_called_complete() -> None:
    setup = await provisioned()
    for number in range(QUICK):
        setup.now += 14.9 if number else 0
        setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
        await setup.a_pass()
    setup.object("ResourceQuota", "default")["spec"]["hard"]["pods"] = "999"
    outcome, _ = await setup.a_pass()
    assert outcome.result == "Contested"
    assert outcome.retry_after is not None
    assert outcome.retry_after <= 3


async def test_a_binding_changes_only_once_the_guardrails_of_another_tier_stand() -> None:
    setup = await with_tier_extras()
    admins = {**GUESTS, "roleRef": {**GUESTS["roleRef"], "name": "admin"}}
    setup.policy = with_extras(NOTE, admins, revision="newer")
    annotate(setup, revision="newer")
    setup.cluster.before = {len(setup.cluster.writes): RejectedError("422", code=422)}
    _, writes = await setup.a_pass()
    assert [write for write in writes if "RoleBinding" in write] == []


async def test_an_inert_namespace_that_gets_room_gets_what_its_tier_is_now() -> None:
    """What stood there was no bundle to keep: nobody had access, and nothing could run."""
    setup = Setup(namespace())
    setup.policy = replace(POLICY, budgets={"payments": Budget(namespaces=0)})
    assert (await setup.a_pass())[0].result == "OverBudget"
    small = replace(POLICY.tiers["small"], quota={"pods": "7"}, revision="newer")
    setup.policy = replace(POLICY, tiers={**POLICY.tiers, "small": small}, rollout=Rollout(strategy="manual"))
    assert (await setup.a_pass())[0].result == "BundleComplete"
    assert setup.object("ResourceQuota", "default")["spec"]["hard"] == {"pods": "7"}
