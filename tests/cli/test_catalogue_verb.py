"""`nsp catalogue`: check, show, compare, schema."""

import json
from importlib import resources
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Nsp

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The built-in catalogue as a file of one's own."""
    path = tmp_path / "catalogue.yaml"
    path.write_text(BUILT_IN)
    return path


def _changed(file: Path, *changes: tuple[str, str]) -> Path:
    text = file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    changed = file.with_name("changed.yaml")
    changed.write_text(text)
    return changed


def test_a_good_file_is_called_good(nsp: Nsp, file: Path) -> None:
    code, out, err = nsp("catalogue", "lint", file)
    assert (code, err) == (0, "")
    assert out.startswith(f"{file}: good, 4 tiers, revision ")


def test_everything_wrong_is_listed_at_once(nsp: Nsp, file: Path) -> None:
    broken = _changed(
        file,
        ('requests.cpu: "1"', 'cores: "1"'),
        ("unlabelled: default", "unlabelled: maybe"),
        ('pods: "5"', 'namespaces: "5"'),
    )
    code, out, err = nsp("catalogue", "lint", broken)
    assert (code, out) == (1, "")
    assert err.startswith(f"nsp: the tier catalogue {broken} has 3 problems:\n")
    assert (
        'tiers.freemium.quota.cores: "cores" is not a quota key (use `requests.cpu` and `limits.cpu`)' in err
    )
    assert "tiers.freemium.quota.namespaces: " in err
    assert 'policy.unlabelled: "maybe" is not a known way; allowed: default, deny, ignore' in err


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        pytest.param(
            (", allow-dns-egress]", "]"),
            "tiers.freemium.networkPolicies: allow-dns-egress is not among them "
            "(without it nothing in the namespace resolves a name)",
            id="no DNS",
        ),
        pytest.param(
            ("enforce: baseline", "enforce: privileged"),
            "tiers.small.podSecurity.enforce: lets privileged pods run (make it baseline)",
            id="privileged pods",
        ),
        pytest.param(
            ("modes: {}", "modes: {tier-exists: warn}"),
            "policy.modes.tier-exists: the rule is not enforced (warn) (take it out when ready)",
            id="a rule that only warns",
        ),
        pytest.param(
            ("default: {cpu: 250m, memory: 256Mi}", "default: {memory: 256Mi}"),
            "tiers.freemium.limitRange.default.cpu: is missing, and the quota counts limits.cpu: "
            "pods that state none are refused (give it a value)",
            id="pods that could not start",
        ),
        pytest.param(
            ("teamGroups: team-{team}", 'teamGroups: ""'), "policy.teamGroups: is off", id="no teams"
        ),
    ],
)
def test_what_is_probably_not_meant_is_warned_about(
    nsp: Nsp, file: Path, change: tuple[str, str], warning: str
) -> None:
    odd = _changed(file, change)
    code, out, err = nsp("catalogue", "lint", odd)
    assert code == 0
    assert "good" in out
    assert f"warning: {warning}" in err
    assert nsp("catalogue", "lint", "--strict", odd).code == 1


def test_show_fills_in_what_is_inherited(nsp: Nsp, file: Path) -> None:
    shown = yaml.safe_load(nsp("catalogue", "show", file).out)
    assert list(shown["tiers"]) == ["freemium", "small", "medium", "large"]
    assert shown["tiers"]["large"]["podSecurity"] == {"enforce": "baseline", "warn": "restricted"}
    assert shown["policy"]["adminGroups"] == ["platform-admins", "system:masters"]
    assert yaml.safe_load(nsp("catalogue", "show").out) == shown


def test_show_takes_one_tier_and_names_all_when_there_is_no_such(nsp: Nsp) -> None:
    assert list(yaml.safe_load(nsp("catalogue", "show", "--tier", "small").out)) == ["small"]
    code, _, err = nsp("catalogue", "show", "--tier", "xl")
    assert code == 2
    assert '"xl" is not a tier; there are: freemium, small, medium, large' in " ".join(err.split())


def test_diff_tells_what_changes_after_inheritance(nsp: Nsp, file: Path) -> None:
    other = _changed(
        file,
        ('pods: "5"', 'pods: "6"'),
        ("unlabelled: default", "unlabelled: deny"),
        ("reservedNames: [admin, ns-provisioner]", "reservedNames: [admin]"),
    )
    code, out, err = nsp("catalogue", "diff", file, other)
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert '~ policy.unlabelled: "default" -> "deny"' in lines
    assert '~ policy.reservedNames: ["admin","ns-provisioner"] -> ["admin"]' in lines
    assert '~ tiers.freemium.quota.pods: "5" -> "6"' in lines
    assert [line for line in lines if "tiers.large" in line] == []


def test_diff_of_the_same_is_empty(nsp: Nsp, file: Path) -> None:
    assert nsp("catalogue", "diff", file, file) == (0, "", "")


def test_diff_tells_of_new_and_gone_tiers(nsp: Nsp, file: Path) -> None:
    other = _changed(file, ("  freemium:\n", "  tiny:\n"))
    out = nsp("catalogue", "diff", file, other).out
    assert "- tiers.freemium: {" in out
    assert "+ tiers.tiny: {" in out


def test_the_schema_is_json(nsp: Nsp) -> None:
    code, out, _ = nsp("catalogue", "schema")
    assert code == 0
    assert json.loads(out)["title"] == "Tier catalogue of ns-provisioner"
