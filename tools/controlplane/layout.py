"""Where a plane keeps its files and which ports it uses."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

# All a plane makes in its directory, apart from logs/ and audit.log, which outlive it.
PRIVATE = (
    "plane.json",
    "ca.crt",
    "kubeconfig",
    "controller.kubeconfig",
    "tokens.csv",
    "sa.key",
    "audit-policy.json",
    "certs",
    "controller-certs",
    "etcd",
    "kubectl-cache",
)


@dataclass(frozen=True, slots=True)
class Layout:
    directory: Path
    bin_dir: Path
    etcd_port: int
    peer_port: int
    apiserver_port: int
    controller_port: int
    audit: bool
    feature_gates: str = ""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        paths = {name: Path(state[name]) for name in ("directory", "bin_dir")}
        return cls(**{**state, **paths})

    def to_state(self) -> dict[str, Any]:
        return {**asdict(self), "directory": str(self.directory), "bin_dir": str(self.bin_dir)}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.apiserver_port}"

    @property
    def etcd_url(self) -> str:
        return f"http://127.0.0.1:{self.etcd_port}"

    @property
    def service_range(self) -> str:
        """Where ClusterIPs come from: loopback, so that something can listen there without a network of its
        own, and another part of it for each plane on this machine."""
        high, low = divmod(self.apiserver_port, 256)
        return f"127.{high}.{low}.0/25"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def audit_log(self) -> Path:
        """There when the plane was started with an audit."""
        return self.directory / "audit.log"

    @property
    def ca_file(self) -> Path:
        return self.file("ca.crt")

    @property
    def kubeconfig(self) -> Path:
        return self.file("kubeconfig")

    def file(self, name: str) -> Path:
        """One of `PRIVATE`."""
        assert name in PRIVATE, name
        return self.directory / name
