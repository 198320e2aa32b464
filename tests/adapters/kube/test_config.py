"""Credentials come from a kubeconfig or from the pod, and never silently from nowhere."""

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.config import incluster_config

from webhook.adapters import pki
from webhook.adapters.kube import config
from webhook.adapters.kube.config import CredentialsError

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)


def kubeconfig(path: Path, user: dict[str, Any]) -> Path:
    """JSON is YAML."""
    cluster = {"server": "https://cluster.example:6443/", "insecure-skip-tls-verify": True}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
    }
    path.write_text(json.dumps(content))
    return path


async def test_a_kubeconfig_with_a_token(tmp_path: Path) -> None:
    access = await config.load(kubeconfig(tmp_path / "config", {"token": "s3cret"}))
    assert access.url == "https://cluster.example:6443"
    assert await access.authorization() == "Bearer s3cret"
    assert access.tls.verify_mode is ssl.CERT_NONE, "as the kubeconfig says"
    assert "s3cret" not in repr(access)


async def test_a_kubeconfig_without_credentials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="gives no credentials"):
        await config.load(kubeconfig(tmp_path / "config", {}))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="is not there"),
        pytest.param("", id="is empty"),
        pytest.param("{}", id="says nothing"),
        pytest.param("[1]", id="is a list"),
        pytest.param(": :", id="is not YAML"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CredentialsError, match="config"):
        await config.load(path)


async def test_outside_a_pod_without_a_kubeconfig_the_way_out_is_named() -> None:
    with pytest.raises(CredentialsError, match="--kubeconfig or KUBECONFIG"):
        await config.load(None)


async def test_in_a_pod_the_token_is_the_service_account_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, _, _ = pki.make_pair(tmp_path / "pki", ["localhost"])
    token = tmp_path / "token"
    token.write_text("first")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    access = await config.load(None)
    assert access.url == "https://10.0.0.1:443"
    assert (await access.authorization() or "").lower() == "bearer first"
    assert access.tls.verify_mode is ssl.CERT_REQUIRED
