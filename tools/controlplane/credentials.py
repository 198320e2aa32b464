"""The files one plane needs before it runs: tokens, signing key, audit policy; and its kubeconfigs."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout

CONTEXT = "ns-provisioner"


def write_all(layout: Layout, *, admin: str, controller: str, audited: Sequence[str] = ()) -> None:
    """All that must be there before the API server starts."""
    write_tokens(layout, admin=admin, controller=controller)
    write_signing_key(layout)
    if layout.audit:
        write_private(layout.file("audit-policy.json"), json.dumps(_audit_policy(audited)))


def write_tokens(layout: Layout, *, admin: str, controller: str) -> None:
    rows = [
        f'{admin},ns-provisioner-admin,ns-provisioner-admin,"system:masters"',
        f"{controller},system:kube-controller-manager,system:kube-controller-manager",
    ]
    write_private(layout.file("tokens.csv"), "\n".join(rows) + "\n")


def write_signing_key(layout: Layout) -> None:
    """An EC P-256 key: a tenth of a millisecond to make, where RSA takes a tenth of a second."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        raise ControlPlaneError(
            "running a plane needs the Python package 'cryptography': use the project's virtual environment"
        ) from error
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    write_private(layout.file("sa.key"), pem.decode())


def _audit_policy(users: Sequence[str]) -> dict[str, Any]:
    """Who did what, not with which contents; everybody where nobody is named."""
    rules: list[dict[str, Any]] = [{"level": "Metadata"}]
    if users:
        rules = [{"level": "Metadata", "users": list(users)}, {"level": "None"}]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": rules,
    }


def write_kubeconfig(layout: Layout, path: Path, token: str) -> None:
    """JSON is YAML; the CA is embedded, so that the file can be copied anywhere on this machine."""
    authority = base64.b64encode(layout.ca_file.read_bytes()).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": layout.url, "certificate-authority-data": authority}}
        ],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    write_private(path, json.dumps(content, indent=1) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replaces the file; only its owner may ever read it, not even in between."""
    draft = path.with_name(path.name + ".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
