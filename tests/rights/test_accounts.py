"""Which credentials the pods of the product hold, as they see it themselves."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tools.dev import accounts
from tools.dev.installation import Installation
from tools.standin.node import RunningPod
from webhook.core import rights

_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"


def test_the_admission_pods_hold_none(audited: Installation) -> None:
    pods = audited.pods("admission")
    assert len(pods) == 3
    for pod in pods:
        assert not (_root(pod) / _ACCOUNT).exists()
        assert "KUBECONFIG" not in _environment(pod)


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_role_holds_a_token_of_its_own_account_that_does_not_last(audited: Installation, role: str) -> None:
    for pod in audited.pods(role):
        file = _root(pod) / _ACCOUNT / "token"
        claims = _claims(file.read_text())
        assert [claims["sub"]] == accounts.users([role])
        assert claims["kubernetes.io"]["pod"]["name"] == pod.name
        assert claims["exp"] - claims["iat"] <= 3607
        assert file.stat().st_mode & 0o007 == 0


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def _root(pod: RunningPod) -> Path:
    return Path(f"/proc/{pod.process.pid}/root")


def _environment(pod: RunningPod) -> dict[str, str]:
    entries = Path(f"/proc/{pod.process.pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
