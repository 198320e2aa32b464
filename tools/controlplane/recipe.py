"""What is built and with which flags: data, no action.

Versions are read from `go/go.mod`, the only place that names them.
"""

import hashlib
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError

MODULE = Path(__file__).parent / "go"

# As the official binaries; VCS stamping would tie every build to a commit of this repository.
FLAGS = ("-trimpath", "-buildvcs=false", "-tags=selinux,notest,grpcnotrace")


@dataclass(frozen=True, slots=True)
class Recipe:
    package: str
    usual_seconds: int  # a cold build on two cores, in the order of the table
    versioned: bool = False


RECIPES = {
    "etcd": Recipe("go.etcd.io/etcd/server/v3", 35),
    "kube-apiserver": Recipe("k8s.io/kubernetes/cmd/kube-apiserver", 140, versioned=True),
    "kube-controller-manager": Recipe("k8s.io/kubernetes/cmd/kube-controller-manager", 40, versioned=True),
    "kubectl": Recipe("k8s.io/kubernetes/cmd/kubectl", 20, versioned=True),
    "cert-manager": Recipe("./cmd/cert-manager", 80),
    "helm": Recipe("helm.sh/helm/v4/cmd/helm", 20, versioned=True),
    "kubeconform": Recipe("github.com/yannh/kubeconform/cmd/kubeconform", 2),
}
ALL = tuple(RECIPES)
PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The known names in build order, each once; an unknown one is an error."""
    wanted = set(names)
    if unknown := sorted(wanted - set(ALL)):
        raise ControlPlaneError(f"unknown binary {', '.join(unknown)}: choose from {', '.join(ALL)}")
    return tuple(name for name in ALL if name in wanted)


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


def key(go_version: str) -> str:
    """Changes with anything that can change a binary."""
    digest = hashlib.sha256()
    for path in [MODULE / "go.mod", MODULE / "go.sum", *sorted(MODULE.rglob("*.go"))]:
        digest.update(f"{path.relative_to(MODULE)}\0".encode() + path.read_bytes())
    flags = [*FLAGS, *(ldflags(name) for name in ALL)]
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
    match = re.search(pattern, (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert match, f"go.mod has no line like {pattern}"
    return match[1]
