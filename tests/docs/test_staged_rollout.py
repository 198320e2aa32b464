"""docs/staged-rollout.md: the three catalogues do what the page says of them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.chart import rendering
from tests.docs import pages
from webhook.codec import catalogue
from webhook.core import decide, defaults, labels
from webhook.core.model import Decision, Facts, NamespaceState, Operation
from webhook.core.policy import Policy
from webhook.core.rules import MANAGED_OBJECTS, RULES, TENANT, Rule

PAGE = (pages.DOCS / "staged-rollout.md").read_text(encoding="utf-8")
_WHOLE = [block for block in pages.blocks(PAGE, "yaml") if block.startswith("apiVersion: ns-provisioner.io")]
FILES = dict(zip(("audit", "warn", "enforce"), _WHOLE, strict=True))
POLICIES = {stage: catalogue.parse(text) for stage, text in FILES.items()}
EVERY_RULE = {*(rule.id for rule in RULES), MANAGED_OBJECTS.id}
SUFFIXES = {"audit": "-audit", "warn": "-warn", "enforce": ""}
BARE = Facts(Operation.CREATE, "bare", TENANT, NamespaceState({}, {}))

each_stage = pytest.mark.parametrize("stage", FILES)
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def _broken(rule: Rule, stage: str) -> Decision:
    """What becomes of a request that breaks the rule. A new namespace names a tier, or nobody looks."""
    policy: Policy = replace(rule.settings(POLICIES[stage]), modes=POLICIES[stage].modes)
    asked = rule.wrong
    if asked.was is None and not asked.deleted:
        asked = replace(asked, labels={labels.TIER: "small", **asked.labels})
    return decide.validate(asked.facts(policy), policy)


@each_rule
def test_in_the_first_stage_nobody_notices(rule: Rule) -> None:
    decision = _broken(rule, "audit")
    assert (decision.allowed, [text for text in decision.warnings if text.startswith("[")]) == (True, [])
    assert rule.id in {violation.rule for violation in decision.tolerated}


@each_rule
def test_in_the_second_whoever_asks_is_told(rule: Rule) -> None:
    decision = _broken(rule, "warn")
    assert decision.allowed
    assert [text for text in decision.warnings if text.startswith(f"[{rule.id}]")]


@each_rule
def test_in_the_third_it_is_refused(rule: Rule) -> None:
    assert rule.id in {violation.rule for violation in _broken(rule, "enforce").violations}


def test_the_modes_are_of_every_rule_or_of_none() -> None:
    assert POLICIES["audit"].modes == dict.fromkeys(EVERY_RULE, "audit")
    assert POLICIES["warn"].modes == dict.fromkeys(EVERY_RULE, "warn")
    assert POLICIES["enforce"].modes == {}


def test_nothing_but_modes_and_what_is_unlabelled_differs() -> None:
    said = {stage: yaml.safe_load(text) for stage, text in FILES.items()}
    for content in said.values():
        content["policy"] = {
            key: value for key, value in content["policy"].items() if key not in ("modes", "unlabelled")
        }
    assert said["audit"] == said["warn"] == said["enforce"]


def test_who_says_nothing_is_left_alone_in_the_first_stage_only() -> None:
    assert {stage: defaults.is_covered(BARE, policy) for stage, policy in POLICIES.items()} == {
        "audit": False,
        "warn": True,
        "enforce": True,
    }


@each_stage
def test_the_chart_takes_it_and_binds_the_policies_as_the_page_says(stage: str, tmp_path: Path) -> None:
    file = tmp_path / "tiers.yaml"
    file.write_text(FILES[stage])
    rendered = rendering.render("--set-file", f"catalogue={file}")
    bound = {
        each["metadata"]["name"] for each in rendering.kinds(rendered, "ValidatingAdmissionPolicyBinding")
    }
    suffix = SUFFIXES[stage]
    assert bound == {f"ns-provisioner-namespaces{suffix}", f"ns-provisioner-objects{suffix}"}


def test_failing_is_turned_on_at_the_end() -> None:
    commands = re.findall(r"helm (?:install|upgrade)[^|]*catalogue=(\w+)\.yaml[^|]*failurePolicy=(\w+)", PAGE)
    assert commands == [("audit", "Ignore"), ("warn", "Ignore"), ("enforce", "Ignore"), ("enforce", "Fail")]


def test_the_order_in_which_rules_are_enforced_has_each_once() -> None:
    listed = PAGE[PAGE.index("Take rules out of `modes`") : PAGE.index("`nsp catalogue diff warn.yaml")]
    named = [name for name in re.findall(r"`([a-z-]+)`", listed) if name != "modes"]
    assert (sorted(named), len(named)) == (sorted(EVERY_RULE), len(EVERY_RULE))


def test_the_tier_for_what_runs_already_is_one() -> None:
    (more,) = [block for block in pages.blocks(PAGE, "yaml") if block.startswith("# one more tier")]
    content = yaml.safe_load(FILES["warn"])
    content["tiers"] |= yaml.safe_load(more)["tiers"]
    assert catalogue.parse(yaml.safe_dump(content)).tiers["existing"].network_policies == {}


def test_the_revisions_in_the_output_are_those_of_the_blocks() -> None:
    told = set(re.findall(r"revision ([0-9a-f]{10})", PAGE))
    assert told == {POLICIES["audit"].revision, POLICIES["enforce"].revision}
