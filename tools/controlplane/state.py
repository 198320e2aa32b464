"""`plane.json`: what another process, or the next start, must know about a plane. Only its owner reads it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.controlplane import credentials, proc
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout
from tools.controlplane.process import Process


@dataclass(frozen=True, slots=True)
class State:
    layout: Layout
    token: str
    nonce: str
    owner: proc.Identity | None  # who ends the plane; None once a detached one is complete
    processes: tuple[Process, ...]

    def save(self) -> None:
        content = {
            "layout": self.layout.to_state(),
            "token": self.token,
            "nonce": self.nonce,
            "owner": [self.owner.pid, self.owner.started, self.owner.executable] if self.owner else None,
            "processes": [process.to_state() for process in self.processes],
        }
        credentials.write_private(self.layout.file("plane.json"), json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> Self | None:
        """None when there is no plane.json."""
        path = directory / "plane.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text())
            return cls(
                Layout.from_state(content["layout"]),
                content["token"],
                content["nonce"],
                proc.Identity(*content["owner"]) if content["owner"] else None,
                tuple(Process.from_state(state) for state in content["processes"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ControlPlaneError(
                f"cannot read {path} ({error}): remove it if no plane runs there"
            ) from error
