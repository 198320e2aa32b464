"""The policies and the webhook are two tellings of the same rules: they never differ.

Where a rule is the webhook's alone, `parity.WEBHOOK_ONLY` says so and why.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attack import chance, doors, matrix, parity
from tests.attack.actors import EVERYBODY, FLUX, STRANGER, Actor
from tests.attack.client import Reply, Request
from tests.attack.parity import Judgement, Trial
from tests.attack.stage import KINDS, SYSTEM
from tests.attack.words import EXPIRES_AT, MANAGED_BY, MANAGER, POLICY_RULES, TIER, Manifest
from tests.attack.world import World, rendered
from tests.codec.builders import document
from webhook.adapters import catalogue_file
from webhook.core.rules import MANAGED_OBJECTS, RULES

_VAULT = {"extends": "small", "podSecurity": {"enforce": "restricted"}, "deletionProtection": True}
_PEOPLE = {
    "tiers/vault": _VAULT,
    "policy/appliers": [FLUX.user],
    "policy/requesters": ["ci-robot"],
    "policy/exemptNames": ["cert-manager", "ns-provisioner", "flux-system"],
}
_MODES = {
    "managed-labels-immutable": "warn",
    "settings-by-owner": "warn",
    "pod-security-floor": "audit",
    "deletion-protected": "audit",
    "managed-objects": "warn",
}
BUILT_IN = "as it comes"
CATALOGUES: dict[str, dict[str, Any]] = {
    BUILT_IN: {},
    "a protected tier, appliers, requesters, groups with a suffix": {
        **_PEOPLE,
        "policy/teamGroups": "{team}-devs",
    },
    "no groups of teams, no controller, other admins": {
        "tiers/vault": _VAULT,
        "policy/teamGroups": "",
        "policy/controllers": [],
        "policy/adminGroups": ["system:masters", "team-shop"],
    },
    "rules that warn or only note": {**_PEOPLE, "policy/modes": _MODES},
    "unlabelled namespaces left alone": {"policy/unlabelled": "ignore"},
}


pytestmark = pytest.mark.timeout(600)
"""Seconds: all cases of a module are tried before its first test, and a machine may be busy."""


@pytest.fixture(scope="module")
def unhooked(world: World) -> Iterator[World]:
    with world.unhooked():
        world.impose([])
        world.stage()
        yield world


@pytest.fixture(scope="module")
def existing(unhooked: World) -> list[Manifest]:
    """Namespaces drawn by lot, and one with an object of ours in it."""
    unhooked.impose([])
    _send(unhooked, "ours", {MANAGED_BY: MANAGER})
    return chance.namespaces(unhooked.client, "lot", 60)


@pytest.fixture(scope="module", params=CATALOGUES.values(), ids=list(CATALOGUES))
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("catalogue"), request.param)


def _written(folder: Path, changes: dict[str, Any]) -> Path:
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(document(changes), sort_keys=False))
    return path


def _judged(world: World, trials: list[Trial], catalogue: Path) -> list[Judgement]:
    world.impose(list(parity.warning_only(rendered(catalogue))))
    with world.recorded() as recorder:
        return parity.judge(trials, world.client, recorder, catalogue_file.load(catalogue))


def _differences(judgements: list[Judgement]) -> list[str]:
    return [str(each) for each in judgements if each.policies != each.webhook]


def test_each_rule_is_either_kept_by_a_policy_or_named_as_the_webhooks_own() -> None:
    rules = {rule.id for rule in RULES} | {MANAGED_OBJECTS.id}
    assert rules == POLICY_RULES | {"reserved-name"} | set(parity.WEBHOOK_ONLY)
    assert POLICY_RULES.isdisjoint(parity.WEBHOOK_ONLY)


def test_of_the_whole_matrix(unhooked: World) -> None:
    """Each case on a namespace, but for its dry run: here everything is one."""
    stage = unhooked.stage()
    unhooked.impose(rendered(unhooked.catalogue))
    targets = {kind: stage.make(kind) for kind in (*KINDS, *SYSTEM)}
    cases = [case for case in matrix.cases(stage) if case.area != "object" and not case.dry_run]
    cases = [case for case in cases if not case.by_server]
    trials = [Trial(case.id, case.actor, case.request(targets[case.target])) for case in cases]
    judgements = _judged(unhooked, trials, unhooked.catalogue)
    assert _unasked(judgements) == []
    assert _differences(judgements) == []
    elsewhere = {"managed-objects", "finalizers-kept"}  # the latter in test_finalizers
    assert {rule for each in judgements for rule, _ in each.policies} >= POLICY_RULES - elsewhere


def _unasked(judgements: list[Judgement]) -> list[str]:
    """Nobody is asked about the deletion of what is being deleted already."""
    return [str(each) for each in judgements if not each.asked and each.trial.request.method != "DELETE"]


@pytest.fixture(scope="module")
def judged(unhooked: World, existing: list[Manifest], catalogue: Path) -> list[Judgement]:
    return _judged(unhooked, list(chance.trials(existing, 400)), catalogue)


def test_of_what_comes_by_lot(judged: list[Judgement]) -> None:
    assert _unasked(judged) == []
    assert _differences(judged) == []
    assert sum(bool(each.policies) for each in judged) > 100


def test_a_policy_refuses_what_is_enforced_and_warns_of_what_is_not(
    unhooked: World, judged: list[Judgement], catalogue: Path
) -> None:
    """As the command line prints them: what becomes of that which they told as warnings above."""
    unhooked.impose(rendered(catalogue))
    for judgement in judged[:150]:
        trial, said = judgement.trial, parity.warned(judgement.reply)
        reply = unhooked.client.send(trial.request, trial.actor, dry_run=True)
        assert ("denied request" in reply.text) == any(mode == "enforce" for _, mode in said), judgement
        assert parity.warned(reply) == {each for each in said if each[1] == "warn"}, judgement


def test_who_writes_objects_of_ours(unhooked: World, existing: list[Manifest], catalogue: Path) -> None:
    """No webhook ever sees them: this rule is the policy's alone, and said here once more."""
    unhooked.impose(rendered(catalogue))
    policy = catalogue_file.load(catalogue)
    named = {*policy.controllers, *policy.appliers}
    for actor in EVERYBODY:
        free = actor.user in named or not policy.admin_groups.isdisjoint(actor.groups)
        reply = _send(unhooked, "ours", {MANAGED_BY: None}, actor=actor)
        warns = policy.modes.get("managed-objects") == "warn"
        assert reply.refused == (not free and not warns), (actor, reply.text)
        assert parity.warned(reply) == ({("managed-objects", "warn")} if not free and warns else set())


def _send(world: World, name: str, labels: dict[str, Any], *, actor: Actor | None = None) -> Reply:
    """Make a ConfigMap as administrator, or change its labels dry as somebody."""
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
    if actor is None:
        return world.client.send(doors.applied(manifest, path, MANAGER))
    patch = Request("PATCH", path, {"metadata": {"labels": labels}}, "application/merge-patch+json")
    return world.client.send(patch, actor, dry_run=True)


def test_an_expiry_is_refused_where_the_webhook_leaves_a_namespace_alone(
    unhooked: World, tmp_path: Path
) -> None:
    """The one difference: a namespace that is nobody's business may not bear our expiry either."""
    metadata = {"name": "nobodys", "labels": {EXPIRES_AT: "20000101T000000Z"}}
    request = Request("POST", "/api/v1/namespaces", {"metadata": metadata})
    path = _written(tmp_path, CATALOGUES["unlabelled namespaces left alone"])
    (judgement,) = _judged(unhooked, [Trial("expiry only", STRANGER, request)], path)
    assert judgement.policies == {("managed-labels-immutable", "enforce")}
    assert judgement.webhook == frozenset()


def test_a_rule_that_is_not_enforced_any_more_is_so_when_the_policies_are_applied_anew(
    unhooked: World, tmp_path: Path
) -> None:
    unhooked.impose([])
    _send(unhooked, "ours", {MANAGED_BY: MANAGER})
    for changes in ({}, {"policy/modes": {"managed-objects": "audit"}}):
        unhooked.apply(rendered(_written(tmp_path, changes)))
    assert not _send(unhooked, "ours", {MANAGED_BY: None}, actor=STRANGER).refused


@pytest.mark.parametrize(
    "group",
    [
        'a"b',
        "a\\d",
        "a' || true || '",
        "\u00fc",
        "\N{HERB}\N{SMILING FACE WITH SUNGLASSES}",
    ],
)
def test_no_name_in_the_catalogue_breaks_an_expression(unhooked: World, tmp_path: Path, group: str) -> None:
    """The API server takes the policies, and lets those in whom the name means, and nobody else."""
    unhooked.impose([])
    target = unhooked.stage().make("bare")
    unhooked.impose(rendered(_written(tmp_path, {"policy/adminGroups": [group]})))
    raised = {"metadata": {"labels": {TIER: "large"}}}
    request = Request("PATCH", target.path, raised, "application/merge-patch+json")
    one, other = (Actor("", "mallory", (each, "system:authenticated")) for each in (group, "others"))
    assert not unhooked.client.send(request, one, dry_run=True).refused
    assert unhooked.client.send(request, other, dry_run=True).refused
