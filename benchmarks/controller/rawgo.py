"""The same raw writes by a client in Go, whose requests are bytes made beforehand: the least there can be."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.admission import load, programs
from benchmarks.controller import rawwrites
from benchmarks.controller.rawwrites import IN_FLIGHT
from tools.controlplane.plane import ControlPlane

_QUERY = "fieldManager=raw&fieldValidation=Strict&force=true"


def write(plane: ControlPlane, kubeconfig: Path, folder: Path, names: Sequence[str]) -> float:
    """Seconds until bundle and status of each of these namespaces are written, in any order."""
    folder.mkdir(parents=True)
    address = urlsplit(plane.url).netloc
    token = json.loads(kubeconfig.read_text())["users"][0]["user"]["token"]
    files = [
        _file(folder, number, request) for number, request in enumerate(_requests(token, address, names))
    ]
    with load.connected(programs.ensure(), address, plane.ca_file, IN_FLIGHT) as client:
        return client.send_whole(files).seconds


def _requests(token: str, host: str, names: Sequence[str]) -> Iterator[bytes]:
    for name in names:
        for path, manifest in rawwrites.writes(name):
            body = msgspec.json.encode(manifest)
            lines = (
                f"PATCH {path}?{_QUERY} HTTP/1.1",
                f"Host: {host}",
                "User-Agent: raw",
                "Accept: application/json",
                "Content-Type: application/apply-patch+yaml",
                f"Authorization: Bearer {token}",
                f"Content-Length: {len(body)}",
            )
            yield "\r\n".join([*lines, "", ""]).encode() + body


def _file(folder: Path, number: int, request: bytes) -> Path:
    file = folder / str(number)
    file.write_bytes(request)
    return file
