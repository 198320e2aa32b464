"""Shared by these tests: waiting for a condition, a stand-in for Go, one plane for the quick questions."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controlplane.support import ROOT, Eventually, FakeGo, Python
from tools.controlplane.plane import ControlPlane

# Answers as `go` does, writes a tiny executable where a build should; the environment steers it.
_FAKE_GO = """#!/bin/sh
case "$1" in
version) echo "go version go${FAKE_VERSION:-1.99.0} linux/amd64" ;;
list) echo "$FAKE_MODULE" ;;
build)
    echo $$ >> "$FAKE_LOG"
    while [ -n "$FAKE_GATE" ] && [ ! -e "$FAKE_GATE" ]; do sleep 0.02; done
    if [ -n "$FAKE_FAILURE" ]; then echo "$FAKE_FAILURE"; exit 1; fi
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\n' > "$2" && chmod +x "$2" ;;
esac
"""


@pytest.fixture
def eventually() -> Eventually:
    def wait(condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, f"still not: {what}"
            time.sleep(0.02)

    return wait


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """A Go that builds in no time, and an empty cache."""
    go = tmp_path / "fake-bin" / "go"
    go.parent.mkdir()
    go.write_text(_FAKE_GO)
    go.chmod(0o755)
    crd = tmp_path / "module" / "deploy" / "crds" / "things.yaml"
    crd.parent.mkdir(parents=True)
    crd.write_text("kind: CustomResourceDefinition\n")
    fake = FakeGo(tmp_path / "cache", tmp_path / "builds", tmp_path / "gate")
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(fake.log))
    monkeypatch.setenv("FAKE_MODULE", str(tmp_path / "module"))
    monkeypatch.setenv("NSP_CACHE_DIR", str(fake.cache))
    monkeypatch.delenv("NSP_ASSETS", raising=False)
    monkeypatch.delenv("NSP_GO", raising=False)
    return fake


@pytest.fixture
def python() -> Iterator[Python]:
    """Starts a Python of its own in the checkout; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(child)
        return child

    yield start
    for child in started:
        with child:
            child.kill()


@pytest.fixture(scope="package")
def audited_plane() -> Iterator[ControlPlane]:
    """Apart from the session's plane: these tests restart its API server and read its audit log."""
    with ControlPlane.start(audit=True) as plane:
        yield plane
