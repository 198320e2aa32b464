"""The servers that are compared: ours as it is shipped, and the Go program in its two forms."""

import json
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.process import Process, child_environment
from tools.dev.product import nsp
from webhook.adapters import catalogue_file

_FREE = "127.0.0.1:0"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `address` is HOST:PORT of its HTTPS listener."""

    process: Process
    address: str


class Bench:
    """Starts servers, with one certificate and key (`pair`) for all; their logs are in the folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        command = [nsp(), "certs", "make", "--dir", str(folder / "certs")]
        made = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        if made.returncode:
            raise ControlPlaneError(f"nsp certs make: {made.stderr.strip()}")
        self.ca_file = folder / "certs" / "ca.crt"
        self.pair = folder / "certs" / "tls.crt", folder / "certs" / "tls.key"
        self.trust = ssl.create_default_context(cafile=str(self.ca_file))
        self._catalogue = folder / "catalogue.json"
        self._catalogue.write_text(json.dumps(_built_in_catalogue()))

    def ours(self, *command: str) -> list[str]:
        """The command line of the admission role; `command` stands in for `nsp`."""
        arguments = ["serve", "--role", "admission", "--admission-listen", _FREE, "--health-listen", _FREE]
        return [*(command or (nsp(),)), *arguments, *self._flags("--tls-cert", "--tls-key")]

    def reference(self) -> list[str]:
        """The command line of the same decision in Go."""
        return [self._go, *self._flags("-cert", "-key"), "-catalogue", str(self._catalogue)]

    def constant(self, patch: bytes) -> list[str]:
        """The command line of no decision: everything is allowed, and mutated by `patch`."""
        file = self.folder / "constant-patch.json"
        file.write_bytes(patch)
        return [self._go, *self._flags("-cert", "-key"), "-constant-patch", str(file)]

    @contextmanager
    def running(self, name: str, argv: Sequence[str]) -> Iterator[Server]:
        """Start a server, stop it afterwards; `name` is that of its log."""
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        process = Process.spawn(name, argv, log=log, env=environment())
        try:
            waiting.until(lambda: address_in(log.read_bytes()) is not None, f"{name} to listen", [process])
            address = address_in(log.read_bytes())
            assert address is not None
            yield Server(process, address)
        finally:
            process.stop()

    @property
    def _go(self) -> str:
        return str(self.programs / "admission")

    def _flags(self, certificate: str, key: str) -> list[str]:
        certificate_file, key_file = map(str, self.pair)
        return [certificate, certificate_file, key, key_file]


def _built_in_catalogue() -> dict[str, Any]:
    """What the reference reads of it: the policy as the file has it, and each tier's Pod Security levels."""
    text = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    tiers = {
        name: {"podSecurity": dict(tier.pod_security)}
        for name, tier in catalogue_file.load(None).tiers.items()
    }
    return {"policy": yaml.safe_load(text)["policy"], "tiers": tiers}


def environment() -> dict[str, str]:
    """As the harness starts programs, but Go uses the cores it is given, and no setting of ours leaks in."""
    inherited = child_environment()
    return {key: inherited[key] for key in inherited if key != "GOMAXPROCS" and not key.startswith("NSP_")}


def address_in(log: bytes) -> str | None:
    """Where the admission pair listens, from the lines a server has logged; None: not yet."""
    for line in log.splitlines():
        entry: Any = json.loads(line) if line.startswith(b"{") and line.endswith(b"}") else {}
        if (entry.get("message"), entry.get("role")) == ("listening", "admission"):
            return str(entry["address"])
    return None
