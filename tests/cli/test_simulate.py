"""`nsp simulate`: the decision without a cluster."""

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Nsp

DEV = ("--as", "dev@example.com", "--as-group", "team-payments")
LABELS = {
    "app.kubernetes.io/managed-by": "ns-provisioner",
    "platform/team": "payments",
    "platform/tier": "small",
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}


def _file(
    folder: Path, name: str = "ns.yaml", *, labels: dict[str, str] | None = None, **metadata: object
) -> Path:
    content = {"name": "payments", "labels": labels if labels is not None else LABELS, **metadata}
    path = folder / name
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": content}))
    return path


def test_a_creation_is_completed_and_allowed(nsp: Nsp, tmp_path: Path) -> None:
    code, out, err = nsp("simulate", "-f", _file(tmp_path, labels={"platform/tier": "large"}), *DEV)
    assert (code, err) == (0, "")
    head, _, result = out.partition("\nresult:\n")
    assert head.startswith("request:  CREATE namespace payments by dev@example.com (team-payments)\n")
    assert '{"op":"add","path":"/metadata/labels/platform~1team","value":"payments"}' in head
    assert "verdict:  allowed, by catalogue revision " in head
    assert "rules:    none broken\n" in head
    assert yaml.safe_load(result)["metadata"] == {
        "name": "payments",
        "labels": {**LABELS, "platform/tier": "large"},
        "annotations": {"platform/requested-by": "dev@example.com"},
    }


def test_a_denial_names_every_rule_and_has_no_result(nsp: Nsp, tmp_path: Path) -> None:
    file = _file(tmp_path, labels={"platform/tier": "xl", "platform/team": "shop"})
    code, out, _ = nsp("simulate", "-f", file, *DEV)
    assert code == 1
    assert "verdict:  denied with 422" in out
    assert "rules:    tier-exists, team-is-callers\n" in out
    assert '  denied: [tier-exists] metadata.labels[platform/tier]: "xl" is not a tier' in out
    assert "result:" not in out


def test_an_update_is_held_against_what_was(nsp: Nsp, tmp_path: Path) -> None:
    old = _file(tmp_path, "old.yaml")
    new = _file(tmp_path, labels={**LABELS, "platform/tier": "large"})
    code, out, _ = nsp("simulate", "-f", new, "--old", old, *DEV)
    assert code == 1
    assert "request:  UPDATE" in out
    assert "managed-labels-immutable" in out
    admin = ("--as", "root", "--as-group", "platform-admins")
    lower = _file(tmp_path, labels={**LABELS, "platform/tier": "freemium"})
    code, out, _ = nsp("simulate", "-f", lower, "--old", old, *admin)
    assert code == 0
    assert '  warning: tier "freemium" lowers requests.cpu and 4 more' in out


@pytest.mark.parametrize(("group", "code"), [("team-payments", 0), ("team-shop", 1)])
def test_a_deletion(nsp: Nsp, tmp_path: Path, group: str, code: int) -> None:
    arguments = ("simulate", "-f", _file(tmp_path), "--operation", "DELETE", "--as", "x", "--as-group", group)
    ended = nsp(*arguments)
    assert ended.code == code
    assert ("deletion-allowed" in ended.out) == bool(code)


def test_a_rule_that_is_not_enforced_is_told_of(nsp: Nsp, tmp_path: Path) -> None:
    lenient = tmp_path / "catalogue.yaml"
    text = nsp("catalogue", "show").out  # not the file itself: only its policy is needed
    policy = {**yaml.safe_load(text)["policy"], "modes": {"team-is-callers": "audit"}}
    tier = {
        "quota": {"pods": 5},
        "limitRange": {"default": {"cpu": 1}, "defaultRequest": {"cpu": 1}},
        "podSecurity": {"enforce": "baseline", "warn": "restricted"},
    }
    document = {"apiVersion": "ns-provisioner.io/v1alpha1", "kind": "TierCatalogue", "policy": policy}
    lenient.write_text(yaml.safe_dump({**document, "tiers": {"small": tier}}))
    arguments = ("-f", _file(tmp_path), "--as", "x", "--as-group", "team-shop", "--catalogue", lenient)
    code, out, _ = nsp("simulate", *arguments)
    assert code == 0
    assert "  let pass (audit): [team-is-callers]" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("kind: Pod\nmetadata: {name: x}", "is not one Namespace manifest", id="another kind"),
        pytest.param("[1, 2", "is not YAML", id="not YAML"),
        pytest.param(
            "kind: Namespace\nmetadata: {name: x, labels: {platform/tier: 1}}",
            "metadata.labels[platform/tier] must be a text: put it in quotes",
            id="a number as a label",
        ),
        pytest.param("kind: Namespace\nmetadata: {name: a}\n---\nkind: Namespace", "more than one", id="two"),
        pytest.param("kind: Namespace\nmetadata: {name: x, labels: [a]}", "must be a mapping", id="a list"),
    ],
)
def test_what_is_no_namespace_is_refused(nsp: Nsp, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    code, out, err = nsp("simulate", "-f", file, *DEV)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_an_update_needs_what_was(nsp: Nsp, tmp_path: Path) -> None:
    code, _, err = nsp("simulate", "-f", _file(tmp_path), "--operation", "UPDATE", *DEV)
    assert code == 2
    assert "an UPDATE needs it" in err
