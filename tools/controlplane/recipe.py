"""What is built and with which flags: data, no action.

Versions are read from each module's `go.mod`, the only place that names them.
"""

import hashlib
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError

_TOOLS = Path(__file__).parents[1]

MODULES = {name: _TOOLS / name / "go" for name in ("controlplane", "monitoring", "image")}
"""Apart, for in one module the versions that Prometheus needs would be the control plane's, too."""

# As the official binaries; VCS stamping would tie every build to a commit of this repository.
FLAGS = ("-trimpath", "-buildvcs=false", "-tags=selinux,notest,grpcnotrace")


@dataclass(frozen=True, slots=True)
class Recipe:
    package: str
    usual_seconds: int  # a cold build on two cores, in the order of the table
    versioned: bool = False
    module: str = "controlplane"
    flags: tuple[str, ...] = ()  # after FLAGS; of a flag that comes twice, Go takes the second


RECIPES = {
    "etcd": Recipe("go.etcd.io/etcd/server/v3", 35),
    "kube-apiserver": Recipe("k8s.io/kubernetes/cmd/kube-apiserver", 140, versioned=True),
    "kube-controller-manager": Recipe("k8s.io/kubernetes/cmd/kube-controller-manager", 40, versioned=True),
    "kubectl": Recipe("k8s.io/kubernetes/cmd/kubectl", 20, versioned=True),
    "cert-manager": Recipe("./cmd/cert-manager", 80),
    "helm": Recipe("helm.sh/helm/v4/cmd/helm", 20, versioned=True),
    "kubeconform": Recipe("github.com/yannh/kubeconform/cmd/kubeconform", 2),
    "promtool": Recipe(
        "github.com/prometheus/prometheus/cmd/promtool",
        120,
        module="monitoring",
        flags=("-tags=notest,grpcnotrace,remove_all_sd",),  # no clouds' service discovery: half the time
    ),
    "actionlint": Recipe("github.com/rhysd/actionlint/cmd/actionlint", 5, module="image"),
}
ALL = tuple(name for name, made in RECIPES.items() if made.module == "controlplane")
PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The known names in build order, each once; an unknown one is an error."""
    wanted = set(names)
    if unknown := sorted(wanted - set(RECIPES)):
        raise ControlPlaneError(f"unknown binary {', '.join(unknown)}: choose from {', '.join(RECIPES)}")
    return tuple(name for name in RECIPES if name in wanted)


def by_module(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The known names in build order, by the module that they are built from."""
    wanted = in_order(names)
    parts = {module: tuple(n for n in wanted if RECIPES[n].module == module) for module in MODULES}
    return {module: part for module, part in parts.items() if part}


def go_minimum() -> str:
    return _find(r"^go (\S+)$")


def module_version(module: str) -> str:
    return _find(rf"^\s*{re.escape(module)} (v\S+)")


def ldflags(name: str) -> str:
    """Strip, and stamp the version where the binary reports one (clients and charts look at it)."""
    stamps: dict[str, str] = {}
    if name == "helm":
        stamps["helm.sh/helm/v4/internal/version.version"] = module_version("helm.sh/helm/v4")
    elif RECIPES[name].versioned:
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            stamps |= {f"{package}.{field}": value for field, value in _kubernetes_stamps().items()}
    return " ".join(["-s -w", *(f"-X {variable}={value}" for variable, value in stamps.items())])


def key(go_version: str, module: str = "controlplane") -> str:
    """Changes with anything that can change a binary of the module."""
    digest, folder = hashlib.sha256(), MODULES[module]
    for path in [folder / "go.mod", folder / "go.sum", *sorted(folder.rglob("*.go"))]:
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    names = by_module(RECIPES)[module]
    flags = [*FLAGS, *(ldflags(name) for name in names)]
    flags += [flag for name in names for flag in RECIPES[name].flags]
    digest.update("\0".join([*flags, go_version, platform.system(), platform.machine()]).encode())
    return digest.hexdigest()[:20]


def _kubernetes_stamps() -> dict[str, str]:
    version = module_version("k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    return {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "built-from-go-modules",
        "buildDate": "1970-01-01T00:00:00Z",
    }


def _find(pattern: str) -> str:
    match = re.search(pattern, (MODULES["controlplane"] / "go.mod").read_text(), re.MULTILINE)
    assert match, f"go.mod has no line like {pattern}"
    return match[1]
