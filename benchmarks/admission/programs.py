"""Builds the Go programs of the benchmarks into the cache; what is there and unchanged is used again."""

import hashlib
import platform
import subprocess
from pathlib import Path

from tools.controlplane import cache, console, golang, lifeline
from tools.controlplane.errors import ControlPlaneError

MODULE = Path(__file__).resolve().parents[1] / "go"
NAMES = ("admission", "load")

_FLAGS = ("-trimpath", "-buildvcs=false")


def ensure() -> Path:
    """The folder that holds them. Raises ControlPlaneError where there is no Go, or it cannot build."""
    toolchain = golang.locate()
    root = cache.root()
    store = cache.Store(root / f"benchmarks-{key(toolchain.version)}")
    if store.missing(NAMES):
        with cache.exclusive(root):
            _build(store, golang.executable(toolchain, root))
    return store.bin


def key(go_version: str) -> str:
    """Changes with anything that can change a program."""
    digest = hashlib.sha256("\0".join([go_version, platform.machine(), *_FLAGS]).encode())
    for path in [MODULE / "go.mod", *sorted(MODULE.rglob("*.go"))]:
        digest.update(f"\0{path.relative_to(MODULE)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _build(store: cache.Store, go: Path) -> None:
    console.say("building the Go programs of the benchmarks (about 30 s when nothing is cached)")
    with store.staging() as staging:
        for name in NAMES:
            output = staging / name / "bin" / name
            output.parent.mkdir(parents=True)
            command = [str(go), "build", *_FLAGS, "-o", str(output), f"./{name}"]
            built = subprocess.run(
                lifeline.tied(command),
                cwd=MODULE,
                env=golang.environment(go, staging),
                capture_output=True,
                text=True,
                check=False,
            )
            if built.returncode:
                raise ControlPlaneError(f"go cannot build {name}:\n{built.stderr.strip()}")
            store.adopt(name, staging / name)
