"""`make fixtures`: records the reviews that a real API server sends, into tests/fixtures/reviews/.

A server that allows everything is registered with our own webhook configurations; what kubectl and
controllers do then is written down as it came, one file for each kind of request.
"""

import http.server
import json
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from webhook.adapters import catalogue_file, pki, tls
from webhook.codec import registration

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "reviews"

_SERVER_SIDE = ("--server-side", "--field-manager=flux")


class Recorder(http.server.BaseHTTPRequestHandler):
    """Allows what it is asked and keeps the request, with the endpoint that was called."""

    protocol_version = "HTTP/1.1"
    reviews: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reviews.append((self.path.partition("?")[0].strip("/"), review))
        response = {"uid": review["request"]["uid"], "allowed": True}
        body = json.dumps({**review, "request": None, "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are the output; a log of them would say it twice."""


def main() -> int:
    """Record everything; the folder then holds exactly what this run has seen."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane.start() as plane:
        ca_file, certificate, key = pki.make_pair(Path(folder), ["127.0.0.1"])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        server.socket = tls.server_context(certificate, key).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _register(plane, f"https://127.0.0.1:{server.server_port}", ca_file)
        recorded: dict[str, str] = {}
        for name, action in _actions(plane).items():
            recorded |= _record(name, action)
        server.shutdown()
    _replace(recorded)
    return 0


def _register(plane: ControlPlane, url: str, ca_file: Path) -> None:
    client_config = registration.url_client_config(url, ca_file.read_bytes())
    for configuration in registration.configurations(catalogue_file.load(None), client_config):
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))
    probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "probe"}}

    def called() -> bool:
        plane.api.send("POST", "/api/v1/namespaces?dryRun=All", probe)
        return {endpoint for endpoint, _ in Recorder.reviews} == {"mutate", "validate"}

    waiting.until(called, "the recorder to be called", [])


def _actions(plane: ControlPlane) -> dict[str, Callable[[], object]]:
    """What is done on the plane, by the name of the fixture; later ones build on earlier ones."""
    kubectl, send = plane.kubectl, plane.api.send
    labelled = _manifest("shop", {"platform/tier": "medium", "platform/team": "shop"})
    applied = _manifest("flux", {"platform/tier": "small"})
    status = {"status": {"conditions": [{"type": "Seen", "status": "True", "lastTransitionTime": _TIME}]}}

    def finalize() -> None:
        live = plane.api.get("/api/v1/namespaces/shop").json()
        send("PUT", "/api/v1/namespaces/shop/finalize", live)

    return {
        "create-plain": lambda: kubectl("create", "namespace", "payments"),
        "create-labelled": lambda: kubectl("create", "-f", "-", stdin=json.dumps(labelled)),
        "create-dry-run": lambda: kubectl("create", "namespace", "dry", "--dry-run=server"),
        "create-generate-name": lambda: send(
            "POST", "/api/v1/namespaces", {"metadata": {"generateName": "ci-"}}
        ),
        "create-server-side-apply": lambda: kubectl(
            "apply", *_SERVER_SIDE, "-f", "-", stdin=json.dumps(applied)
        ),
        "create-impersonated": lambda: kubectl(
            "create", "namespace", "impersonated", "--as=dev@example.com", "--as-group=system:masters"
        ),
        "update-label": lambda: kubectl("label", "namespace", "shop", "cost-centre=42"),
        "update-remove-label": lambda: kubectl("label", "namespace", "shop", "platform/team-"),
        "update-status": lambda: kubectl(
            "patch", "namespace", "shop", "--subresource=status", "--type=merge", "-p", json.dumps(status)
        ),
        "update-finalize": finalize,
    }


_TIME = "2026-01-01T00:00:00Z"


def _manifest(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _record(name: str, action: Callable[[], object]) -> dict[str, str]:
    """The reviews that an action brings about, by file name."""
    Recorder.reviews.clear()
    action()
    return {
        f"{endpoint}-{name}.json": json.dumps(review, indent=2) + "\n"
        for endpoint, review in Recorder.reviews
    }


def _replace(recorded: dict[str, str]) -> None:
    """Only when everything has been recorded do the old files go."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, content in recorded.items():
        (FOLDER / name).write_text(content)
        print(f"recorded {name}")


if __name__ == "__main__":
    sys.exit(main())
