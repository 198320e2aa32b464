"""Credentials come from a kubeconfig or from the pod, and never silently from nowhere."""

import base64
import json
import ssl
from collections.abc import Mapping
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


INSECURE = {"insecure-skip-tls-verify": True}
JUNK = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nhello\n-----END CERTIFICATE-----\n").decode()


def kubeconfig(path: Path, user: dict[str, Any], more: Mapping[str, Any] = INSECURE) -> Path:
    """JSON is YAML."""
    cluster = {"server": "https://cluster.example:6443/", **more}
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


async def test_a_kubeconfig_may_name_a_proxy_and_the_server_s_name(tmp_path: Path) -> None:
    more = {**INSECURE, "proxy-url": "http://proxy.example:3128", "tls-server-name": "api.internal"}
    access = await config.load(kubeconfig(tmp_path / "config", {"token": "s3cret"}, more))
    assert (access.proxy, access.server_name) == ("http://proxy.example:3128", "api.internal")
    plain = await config.load(kubeconfig(tmp_path / "config", {"token": "s3cret"}))
    assert (plain.proxy, plain.server_name) == (None, None)


async def test_a_kubeconfig_that_is_not_there_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    with pytest.raises(CredentialsError) as refused:
        await config.load(path)
    assert str(refused.value) == f"cannot use kubeconfig {path}: no such file; name one with --kubeconfig"


@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        pytest.param({}, {"certificate-authority-data": JUNK}, id="an authority that is no certificate"),
        pytest.param(
            {},
            {"certificate-authority-data": base64.b64encode(b"hello").decode()},
            id="an authority that is no PEM",
        ),
        pytest.param({}, {"certificate-authority-data": "%"}, id="an authority that is no base64"),
        pytest.param({}, {"certificate-authority": "/nowhere/ca.crt"}, id="an authority that is not there"),
        pytest.param(
            {"client-certificate-data": JUNK, "client-key-data": JUNK},
            INSECURE,
            id="a certificate that is none",
        ),
        pytest.param(
            {"client-certificate": "/nowhere/tls.crt", "client-key": "/nowhere/tls.key"},
            INSECURE,
            id="a certificate that is not there",
        ),
    ],
)
async def test_certificates_that_cannot_be_used_are_said_in_one_line(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any]
) -> None:
    with pytest.raises(CredentialsError) as refused:
        await config.load(kubeconfig(tmp_path / "config", {"token": "s3cret", **user}, cluster))
    text = str(refused.value)
    assert "\n" not in text
    assert "kubeconfig" in text
    assert "s3cret" not in text


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
