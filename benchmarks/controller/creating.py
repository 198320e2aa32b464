"""Creates namespaces from a process that does nothing else (the load program, in Go)."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.admission import load, programs
from benchmarks.admission.load import Load, Outcome
from tools.controlplane.plane import ControlPlane
from webhook.codec import namespace
from webhook.core.model import NamespaceState

IN_FLIGHT = 16

_PATH = "/api/v1/namespaces?fieldManager=kubectl-create"


class Creator:
    def __init__(self, client: Load, folder: Path, token: str) -> None:
        self._client = client
        self._folder = folder
        self._token = token

    def bodies(self, names: Sequence[str]) -> list[Path]:
        """What is to be sent, so that the writing of files is not measured."""
        return [self._body(name) for name in names]

    def create(self, bodies: Sequence[Path]) -> Outcome:
        """Any create that fails is an error."""
        return self._client.send(_PATH, bodies, len(bodies), token=self._token)

    def _body(self, name: str) -> Path:
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(namespace.manifest(name, NamespaceState())))
        return file


@contextmanager
def connected(plane: ControlPlane, folder: Path) -> Iterator[Creator]:
    """As cluster administrator, with IN_FLIGHT connections."""
    folder.mkdir()
    address = urlsplit(plane.url).netloc
    with load.connected(programs.ensure(), address, plane.ca_file, IN_FLIGHT) as client:
        yield Creator(client, folder, plane.admin_token)
