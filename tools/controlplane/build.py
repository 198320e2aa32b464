"""Builds one binary into a staging folder with `go build`, and says why when it cannot."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tools.controlplane import console, golang, lifeline, recipe
from tools.controlplane.errors import ControlPlaneError

# What Go says when a module cannot be fetched (its own words and those of its HTTP client).
_NETWORK = re.compile(
    r"dial tcp|lookup \S+.*: |proxyconnect|TLS handshake|i/o timeout|connection re(?:fused|set)|"
    r"unexpected EOF|module lookup disabled|\b(?:40[347]|410|50[0-4]) [A-Z]|x509:"
)


def build(name: str, go: Path, staging: Path) -> Path:
    """The folder inside `staging` that holds `bin/NAME` (and cert-manager's `crds/`)."""
    made = recipe.RECIPES[name]
    console.say(
        f"building {name} (usually about {_duration(made.usual_seconds)} on 2 cores when nothing is cached)"
    )
    started = time.monotonic()
    output = staging / name
    (output / "bin").mkdir(parents=True)
    command = ["build", *recipe.FLAGS, *made.flags, f"-ldflags={recipe.ldflags(name)}"]
    _go(name, go, [*command, "-o", str(output / "bin" / name), made.package], staging)
    if name == "cert-manager":
        _copy_crds(go, output / "crds", staging)
    console.done(f"built {name} in {_duration(time.monotonic() - started)}")
    return output


def _copy_crds(go: Path, target: Path, staging: Path) -> None:
    listing = ["list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager"]
    module = Path(_go("cert-manager", go, listing, staging).strip())
    target.mkdir()
    for source in sorted((module / "deploy" / "crds").glob("*.yaml")):
        shutil.copyfile(source, target / source.name)


def _go(name: str, go: Path, arguments: list[str], staging: Path) -> str:
    """One process group, killed whole when we are interrupted; Go's temporary files go with `staging`."""
    temporary = staging / "tmp"
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        lifeline.tied([str(go), *arguments]),
        cwd=recipe.MODULES[recipe.RECIPES[name].module],
        env=golang.environment(go, temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise _failure(name, output)
    return output


def _failure(name: str, output: str) -> ControlPlaneError:
    lines = [line for line in output.splitlines() if line.strip() and not line.startswith("go: downloading")]
    last = lines[-1].strip() if lines else "go ended without a word"
    if "no space left on device" in output:
        return ControlPlaneError(
            f"the disk is full while building {name}: free some space and try again ({last})"
        )
    if fetch := next((line.strip() for line in lines if _NETWORK.search(line)), None):
        return ControlPlaneError(
            f"cannot download the Go modules for {name} ({fetch}): check the network or GOPROXY, "
            "or set NSP_ASSETS to a folder of ready binaries"
        )
    return ControlPlaneError(f"go cannot build {name} ({last}):\n" + "\n".join(lines[-20:]))


def _duration(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
