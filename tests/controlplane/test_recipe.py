"""The cache key: same inputs, same binaries; anything that changes a binary changes the key."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.controlplane import recipe
from tools.controlplane.errors import ControlPlaneError


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "go"
    shutil.copytree(recipe.MODULES["controlplane"], copy)
    monkeypatch.setitem(recipe.MODULES, "controlplane", copy)
    return copy


def _append(name: str) -> Callable[[Path], object]:
    def change(module: Path) -> None:
        with (module / name).open("a") as stream:
            stream.write("\n")

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_append("go.mod"), id="go.mod changes"),
        pytest.param(_append("go.sum"), id="go.sum changes"),
        pytest.param(_append("cmd/cert-manager/main.go"), id="a source of ours changes"),
        pytest.param(lambda module: (module / "new.go").touch(), id="a source of ours is added"),
    ],
)
def test_the_key_changes_when(module: Path, change: Callable[[Path], object]) -> None:
    before = recipe.key("1.26.8")
    change(module)
    assert recipe.key("1.26.8") != before


def test_the_key_changes_with_the_go_version_and_the_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {recipe.key("1.26.8"), recipe.key("1.26.9")}
    monkeypatch.setattr(recipe, "FLAGS", (*recipe.FLAGS, "-race"))
    assert len(keys | {recipe.key("1.26.8")}) == 3


def test_the_key_is_the_same_in_every_checkout(module: Path) -> None:
    here = recipe.key("1.26.8")
    (module / "README.md").touch()
    assert recipe.key("1.26.8") == here


def test_kubernetes_and_helm_report_the_versions_of_go_mod() -> None:
    version = recipe.module_version("k8s.io/kubernetes")
    assert f"k8s.io/component-base/version.gitVersion={version}" in recipe.ldflags("kubectl")
    assert f"version.version={recipe.module_version('helm.sh/helm/v4')}" in recipe.ldflags("helm")


def test_names_come_in_build_order_and_an_unknown_one_is_refused() -> None:
    assert recipe.in_order(["kubectl", "etcd", "kubectl"]) == ("etcd", "kubectl")
    with pytest.raises(ControlPlaneError, match="unknown binary kubelet: choose from etcd"):
        recipe.in_order(["kubelet"])


def test_what_is_built_from_one_module_leaves_the_other_modules_binaries_alone(module: Path) -> None:
    plane, monitoring = recipe.key("1.26.8"), recipe.key("1.26.8", "monitoring")
    _append("go.sum")(module)
    assert recipe.key("1.26.8") != plane
    assert recipe.key("1.26.8", "monitoring") == monitoring


def test_the_key_changes_with_the_flags_of_one_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    before = recipe.key("1.26.8", "monitoring")
    monkeypatch.setitem(recipe.RECIPES, "promtool", replace(recipe.RECIPES["promtool"], flags=()))
    assert recipe.key("1.26.8", "monitoring") != before


def test_names_are_parted_by_their_module() -> None:
    parts = recipe.by_module(["promtool", "helm", "etcd"])
    assert parts == {"controlplane": ("etcd", "helm"), "monitoring": ("promtool",)}


def test_one_go_is_enough_for_all_modules() -> None:
    asked = {
        (folder / "go.mod").read_text().split("\ngo ")[1].split()[0] for folder in recipe.MODULES.values()
    }
    assert asked == {recipe.go_minimum()}
