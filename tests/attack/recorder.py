"""A webhook that allows everything and keeps the reviews, by the case that each belongs to."""

import http.server
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.attack.words import Manifest
from webhook.adapters import pki, tls
from webhook.codec import registration

NAME = "recorder"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    reviews: ClassVar[dict[str, bytes]] = {}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)["request"]
        for case in request["userInfo"].get("extra", {}).get("case", []):
            self.reviews[case] = body
        answer = {"uid": request["uid"], "allowed": True}
        content = json.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """What was recorded says it all."""


class Recorder:
    """Listens while it is entered."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets the certificate that it shows."""
        self._ca_file, certificate, key = pki.make_pair(folder, ["127.0.0.1"])
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        context = tls.server_context(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        _Handler.reviews.clear()
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def reviews(self) -> dict[str, bytes]:
        """By case: the whole body as the API server sent it."""
        return _Handler.reviews

    def configuration(self) -> Manifest:
        """Asked for all that the policies see: by no name and by nobody left out."""
        client = registration.url_client_config(
            f"https://127.0.0.1:{self._server.server_port}", self._ca_file.read_bytes()
        )
        hook = {
            "name": "recorder.ns-provisioner.io",
            "admissionReviewVersions": ["v1"],
            "clientConfig": client,
            "sideEffects": "None",
            "rules": [
                _rule(["CREATE", "UPDATE", "DELETE"], "namespaces"),
                _rule(["UPDATE"], "namespaces/status"),
                _rule(["UPDATE"], "namespaces/finalize"),
            ],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": [hook],
        }


def _rule(operations: list[str], resource: str) -> Manifest:
    return {"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": [resource]}
