"""`nsp audit`: what it prints, and how it ends."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Nsp
from tests.codec.builders import CATALOGUE
from tests.core.builders import POLICY, UNMANAGED, state, with_tier
from webhook.adapters.kube.livecatalogue import Live
from webhook.cli import audit
from webhook.core import labels, sweep
from webhook.core.sweep import Resident

_RULE_ID = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
LIVE = Live(with_tier(max_ttl="7d"), "ConfigMap ns-provisioner/ns-provisioner-catalogue")


def gathered(monkeypatch: pytest.MonkeyPatch, *residents: Resident, live: Live | None = None) -> None:
    """The cluster is replaced by what is in it; how it is read, tests/e2e/test_audit.py tells."""

    async def found(*_: object) -> tuple[Live | None, list[Resident]]:
        return live, [*residents]

    monkeypatch.setattr(audit, "_gather", found)


def test_nothing_found(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(monkeypatch, Resident("default", state(UNMANAGED)))
    assert nsp("audit") == (
        0,
        "0 of 0 namespaces break a rule (violations: 0, notes: 0); not looked at: 1 exempt, 0 terminating\n"
        f"rules: the built-in catalogue, revision {POLICY.revision}\n",
        "",
    )


def test_a_line_for_each_violation_and_notes_marked_as_such(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered(monkeypatch, Resident("shop", state({labels.TIER: "xl"}, owners=("Pod/x 1",))))
    code, out, err = nsp("audit")
    assert (code, err) == (1, "")
    tier, owner, note, counted, _ = out.splitlines()
    assert tier.startswith('shop: [tier-exists] metadata.labels[platform/tier]: "xl" is not a tier; ')
    assert owner.startswith("shop: [no-owner-references] metadata.ownerReferences: ")
    assert note.startswith("shop: [provisioned] status.conditions[Provisioned]: it is missing; ")
    assert note.endswith(" (a note only)")
    assert counted.startswith("1 of 1 namespaces break a rule (violations: 2, notes: 1); ")


def test_a_note_alone_is_no_violation(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(monkeypatch, Resident("payments", state()))
    code, out, _ = nsp("audit")
    assert code == 0
    assert "0 of 1 namespaces break a rule (violations: 0, notes: 1)" in out


def test_the_catalogue_of_the_cluster_goes_before_the_built_in_one_and_a_named_one_before_both(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gathered(monkeypatch, Resident("payments", state()), live=LIVE)
    code, out, _ = nsp("audit")
    assert code == 1
    assert "payments: [defaults-present] metadata.annotations[platform/ttl]: " in out
    assert f"rules: {LIVE.source}, revision {POLICY.revision}" in out
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    code, out, _ = nsp("audit", "--catalogue", file)
    assert (code, f"rules: file {file}, revision " in out) == (0, True)


def test_json_has_all_of_it(nsp: Nsp, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(monkeypatch, Resident("kube-x", state()))
    told = json.loads(nsp("audit", "--output", "json").out)
    assert told["catalogue"] == {"source": "the built-in catalogue", "revision": POLICY.revision}
    assert (told["lookedAt"], told["exempt"], told["terminating"], told["violators"]) == (1, 0, 0, ["kube-x"])
    reserved, note = told["findings"]
    assert reserved == {
        "namespace": "kube-x",
        "rule": "reserved-name",
        "path": "metadata.name",
        "sent": '"kube-x" is reserved',
        "allowed": reserved["allowed"],
        "suggestion": "choose another name",
        "enforced": True,
    }
    assert (note["rule"], note["enforced"]) == ("provisioned", False)


def test_what_cannot_be_found_out_is_neither_good_nor_bad(nsp: Nsp, tmp_path: Path) -> None:
    code, out, err = nsp("audit", "--kubeconfig", tmp_path / "none")
    assert (code, out) == (2, "")
    assert err.startswith(f"nsp: cannot use kubeconfig {tmp_path / 'none'}: no such file")


def test_a_broken_catalogue_is_told_of_with_all_its_problems(
    nsp: Nsp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gathered(monkeypatch)
    broken = tmp_path / "catalogue.yaml"
    broken.write_text("apiVersion: ns-provisioner.io/v1alpha1\nkind: TierCatalogue\n")
    assert nsp("audit", "--catalogue", broken) == (
        2,
        "",
        f"nsp: the tier catalogue {broken} cannot be used:\n  policy: is missing\n  tiers: is missing\n"
        "  policy.defaultTier: must be a text, not nothing (put it in quotes)\n",
    )


def test_the_page_names_every_rule_where_it_belongs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    told, others = page.partition("Looked at are the rules")[2].split("The others are")
    assert set(_RULE_ID.findall(told)) == sweep.STATE_RULES.keys()
    assert set(_RULE_ID.findall(others.partition("Objects need")[0])) == sweep.PASSING_RULES.keys()
