"""Asks a running admission pair what it thinks of a made-up namespace, as an API server would ask.

Nothing is created by it: admission decides and has no side effects. It needs no rights in the cluster.
"""

import http.client
import json
import ssl
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from webhook.core.errors import NsProvisionerError

LIMIT_SECONDS = 3.0
"""As long as the API server waits."""

ENDPOINTS = ("/mutate", "/validate")
_NAME = "nsp-probe-"
"""No catalogue takes a name that ends with a hyphen."""


class ProbeError(NsProvisionerError):
    """The pair cannot be reached, or does not answer as it should; the text says what to look at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one endpoint said of the namespace; `seconds` are those of the whole call, handshake included."""

    endpoint: str
    allowed: bool
    message: str
    seconds: float


def ask(url: str, ca_file: Path, endpoint: str) -> Answer:
    """One review over a connection of its own. Raises ProbeError."""
    uid, context, began = str(uuid.uuid4()), _trusting(ca_file), time.perf_counter()
    try:
        status, body = _post(url, context, endpoint, json.dumps(_review(uid)).encode())
    except ssl.SSLCertVerificationError as error:
        raise ProbeError(
            f"{url} shows a certificate that {ca_file} has not signed, or not for this name: "
            f"{error.verify_message}; the caBundle of the webhooks has to be the authority of what is served"
        ) from error
    except ssl.SSLError as error:
        raise ProbeError(f"{url}: no TLS connection: {error.reason or error}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ProbeError(
            f"{url}: no answer: {reason}; is a replica ready, and does a NetworkPolicy let us through?"
        ) from error
    response = _response(body).get("response", {}) if status == 200 else {}
    if response.get("uid") != uid or not isinstance(response.get("allowed"), bool):
        raise ProbeError(f"{url}{endpoint} answers {status}, and not as an admission webhook")
    message = str(response.get("status", {}).get("message", ""))
    return Answer(endpoint, response["allowed"], message, time.perf_counter() - began)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise ProbeError(f"{ca_file} holds no certificate in PEM form") from error


def _post(url: str, context: ssl.SSLContext, endpoint: str, content: bytes) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port or 443, timeout=LIMIT_SECONDS, context=context
    )
    try:
        path = f"{parts.path.rstrip('/')}{endpoint}"
        connection.request("POST", path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _response(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _review(uid: str) -> dict[str, Any]:
    kind = {"group": "", "version": "v1", "kind": "Namespace"}
    resource = {"group": "", "version": "v1", "resource": "namespaces"}
    request = {
        "uid": uid,
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": _NAME,
        "operation": "CREATE",
        "userInfo": {"username": "nsp-probe", "groups": ["system:authenticated"]},
        "object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAME}},
        "oldObject": None,
        "dryRun": True,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
