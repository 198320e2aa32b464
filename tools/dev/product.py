"""Runs ns-provisioner beside a control plane: certificates, accounts, tokens, processes, registration.

Ports are the kernel's choice: each process binds port 0 and says in its log where it listens.
"""

import hashlib
import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process, child_environment
from tools.dev import accounts, presence
from webhook.core import rights

READY_SECONDS = 30.0
STOP_SECONDS = 15.0
TOKEN_SUBJECT = "developer"  # noqa: S105 - a name, no secret
TOKEN_GROUPS = "platform-admins"  # noqa: S105 - may ask for any team

_FREE = "127.0.0.1:0"
PRUNE = (
    *("--prune", "-l", "app.kubernetes.io/managed-by=ns-provisioner"),
    "--prune-allowlist=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    "--prune-allowlist=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding",
)
_STATE = "product.json"


class Product:
    """One installation. `addresses` says where each role listens, as HOST:PORT."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self.plane = plane
        self.directory = directory
        self.processes: dict[str, Process] = {}
        self.addresses: dict[str, str] = {}
        self.token = ""
        self.catalogue: Path | None = None

    @classmethod
    def start(
        cls,
        plane: ControlPlane,
        directory: Path,
        *,
        processes: Sequence[str] = ("admission,controller", "api"),
        detached: bool = False,
        catalogue: Path | None = None,
    ) -> "Product":
        """One process for each entry of `processes` (roles separated by commas); returns when ready.

        Controller and API have accounts of their own, so a process with both runs as cluster
        administrator. After a crash, addresses, certificate and token are those from before, and only
        what has ended is started.
        """
        product = cls.known(plane, directory) or cls(plane, directory)
        product.catalogue = catalogue
        (directory / "logs").mkdir(parents=True, exist_ok=True)
        if not product.token:
            product._make_certificates()
            product._make_token()
        try:
            product._install_accounts(processes)
            started = [
                product._spawn(roles, detached=detached) for roles in processes if not product._runs(roles)
            ]
            for process in started:
                product._wait_until_ready(process)
            product.register()
        except BaseException:
            product.stop()
            raise
        return product

    @classmethod
    def attach(cls, plane: ControlPlane, directory: Path) -> "Product | None":
        """The installation that another process started here, if all of it still runs."""
        product = cls.known(plane, directory)
        running = product is not None and all(process.alive() for process in product.processes.values())
        return product if running else None

    @classmethod
    def known(cls, plane: ControlPlane, directory: Path) -> "Product | None":
        """The installation that another process started here, whether it runs or not."""
        state = _state(directory)
        if state is None:
            return None
        product = cls(plane, directory)
        product.processes = _processes(state)
        product.addresses = state["addresses"]
        product.token = state["token"]
        return product

    @staticmethod
    def stop_processes(directory: Path) -> bool:
        """End what an installation has left running here, with or without its plane; whether it had."""
        running = [process for process in _processes(_state(directory)).values() if process.alive()]
        for process in running:
            process.stop(STOP_SECONDS)
        (directory / _STATE).unlink(missing_ok=True)
        return bool(running)

    @property
    def ca_file(self) -> Path:
        return self.directory / "certs" / "ca.crt"

    @property
    def webhook_url(self) -> str:
        return f"https://{self.addresses['admission']}"

    @property
    def health_urls(self) -> dict[str, str]:
        """The side port of each process, by its name."""
        suffix = "/health"
        return {
            name.removesuffix(suffix): f"http://{address}"
            for name, address in self.addresses.items()
            if name.endswith(suffix)
        }

    @property
    def api_url(self) -> str:
        return f"http://{self.addresses['api']}"

    def run(self, roles: str, *, detached: bool = False) -> Process:
        """Start one process and wait until it is ready; a role that ran before gets its old address."""
        started = self._spawn(roles, detached=detached)
        self._wait_until_ready(started)
        return started.process

    def register(self) -> None:
        """Register the admission pair and wait until the API server calls it."""
        certificate = ("--url", self.webhook_url, "--ca-file", str(self.ca_file))
        catalogue = self._catalogue_flag()
        configurations = self._nsp("webhooks", *certificate, *catalogue)
        self.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=configurations)
        self.plane.kubectl("apply", "-f", "-", *PRUNE, stdin=self._nsp("policy", "vap", *catalogue))
        presence.wait(self.plane, self.processes.values())

    def health(self, name: str, path: str = "/readyz") -> tuple[int, str]:
        """Status and text of a process's side port."""
        return _get(f"http://{self.addresses[f'{name}/health']}{path}")

    def stop(self) -> None:
        """SIGTERM to all, so that each ends in good order; the state is forgotten."""
        for process in self.processes.values():
            process.stop(STOP_SECONDS)
        (self.directory / _STATE).unlink(missing_ok=True)

    def _spawn(self, roles: str, *, detached: bool) -> "_Started":
        name = _name(roles)
        log = self.directory / "logs" / f"{name}.log"
        begin = log.stat().st_size if log.exists() else 0
        argv = [nsp(), "serve", "--role", roles, *self._flags(name), *self._catalogue_flag()]
        environment = self._environment() | self._credentials(roles)
        process = Process.spawn(name, argv, log=log, env=environment, detached=detached)
        self.processes[name] = process
        self._save()
        return _Started(process, len(roles.split(",")) - ("controller" in roles) + 1, begin)

    def _runs(self, roles: str) -> bool:
        known = self.processes.get(_name(roles))
        return known is not None and known.alive()

    def _wait_until_ready(self, started: "_Started") -> None:
        process, name = started.process, started.process.name
        waiting.until(started.listens, f"{name} to listen", [process], limit=READY_SECONDS)
        found = started.listening()
        health = found.pop("health")
        self.addresses |= {**found, f"{name}/health": health}
        process.port = int(found.get("admission", health).rpartition(":")[2])
        waiting.until(lambda: _is_ready(health), f"{name} to be ready", [process], limit=READY_SECONDS)
        self._save()

    def _install_accounts(self, processes: Sequence[str]) -> None:
        """For the roles that have one; the catalogue may say nothing of the others' accounts."""
        roles = [role for role in rights.ROLES if role in ",".join(processes).split(",")]
        if not roles:
            return
        which = ("--namespace", accounts.NAMESPACE, "--role", ",".join(roles))
        accounts.install(self.plane, self._nsp("rbac", *which, *self._catalogue_flag()))
        for role in roles:
            accounts.write_kubeconfig(self.plane, role, self.kubeconfig(role))

    def _credentials(self, roles: str) -> dict[str, str]:
        """The admission role has none."""
        held = [role for role in rights.ROLES if role in roles.split(",")]
        if not held:
            return {}
        shared = len(held) > 1
        return {"KUBECONFIG": str(self.plane.kubeconfig if shared else self.kubeconfig(*held))}

    def kubeconfig(self, role: str) -> Path:
        """With the token of the role's own account."""
        return self.directory / f"{role}.kubeconfig"

    def _make_certificates(self) -> None:
        self._nsp("certs", "make", "--dir", str(self.directory / "certs"))

    def _make_token(self) -> None:
        self.token = secrets.token_urlsafe(24)
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        (self.directory / "tokens").write_text(f"sha256:{digest} {TOKEN_SUBJECT} {TOKEN_GROUPS}\n")

    def _flags(self, name: str) -> list[str]:
        certificates = self.directory / "certs"
        return [
            *("--tls-cert", str(certificates / "tls.crt"), "--tls-key", str(certificates / "tls.key")),
            *("--api-tokens", str(self.directory / "tokens"), "--drain-quiet", "0"),
            *("--lease-namespace", accounts.NAMESPACE),
            *("--admission-listen", self.addresses.get("admission", _FREE)),
            *("--api-listen", self.addresses.get("api", _FREE)),
            *("--health-listen", self.addresses.get(f"{name}/health", _FREE)),
        ]

    def _catalogue_flag(self) -> list[str]:
        return [] if self.catalogue is None else ["--catalogue", str(self.catalogue)]

    def _environment(self) -> dict[str, str]:
        """Nothing of the developer's own settings."""
        inherited = child_environment().items()
        return {key: value for key, value in inherited if not key.startswith("NSP_") and key != "KUBECONFIG"}

    def _nsp(self, *arguments: str) -> str:
        command = [nsp(), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, env=self._environment(), check=False)
        if result.returncode:
            raise ControlPlaneError(f"nsp {arguments[0]}: {result.stderr.strip()}")
        return result.stdout

    def _save(self) -> None:
        state = {
            "processes": {name: process.to_state() for name, process in self.processes.items()},
            "addresses": self.addresses,
            "token": self.token,
        }
        file = self.directory / _STATE
        file.touch(mode=0o600)
        file.write_text(json.dumps(state))


@dataclass(frozen=True, slots=True)
class _Started:
    """A process on its way: it will say `listeners` addresses in its log, from byte `begin` on."""

    process: Process
    listeners: int
    begin: int

    def listening(self) -> dict[str, str]:
        return _listening(self.process.log, self.begin)

    def listens(self) -> bool:
        return len(self.listening()) >= self.listeners


def _name(roles: str) -> str:
    """A process of one role is called after it."""
    return "nsp" if "," in roles else f"nsp-{roles}"


def nsp() -> str:
    """The command as installed beside the Python that runs this."""
    return str(Path(sys.executable).with_name("nsp"))


def _state(directory: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((directory / _STATE).read_text())
    except (OSError, ValueError):
        return None
    return state


def _processes(state: dict[str, Any] | None) -> dict[str, Process]:
    return {
        name: Process.from_state(each) for name, each in (state or {"processes": {}})["processes"].items()
    }


def _listening(log: Path, begin: int) -> dict[str, str]:
    """Role to HOST:PORT, from what a process has logged since byte `begin`."""
    found = {}
    for line in log.read_bytes()[begin:].splitlines():
        entry: Any = json.loads(line) if line.startswith(b"{") and line.endswith(b"}") else {}
        if entry.get("message") == "listening":
            found[entry["role"]] = entry["address"]
    return found


def _is_ready(address: str) -> bool:
    return _get(f"http://{address}/readyz")[0] == 200


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback URL
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
