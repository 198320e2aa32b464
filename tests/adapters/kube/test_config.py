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
from webhook.adapters.kube import config, credentials
from webhook.adapters.kube.credentials import CredentialsError

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
    assert await access.credentials.authorization() == "Bearer s3cret"
    assert not await access.renew("Bearer s3cret")
    assert access.tls.current().verify_mode is ssl.CERT_NONE, "as the kubeconfig says"
    assert "s3cret" not in repr(access)


async def test_a_kubeconfig_may_name_a_proxy_and_the_server_s_name(tmp_path: Path) -> None:
    more = {**INSECURE, "proxy-url": "http://proxy.example:3128", "tls-server-name": "api.internal"}
    access = await config.load(kubeconfig(tmp_path / "config", {"token": "s3cret"}, more))
    assert (access.proxy, access.server_name) == ("http://proxy.example:3128", "api.internal")
    assert "proxy.example" not in repr(access), "where a password may be part of it"
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


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where a pod's ServiceAccount is, as the kubelet lays it out."""
    pki.make_pair(tmp_path, ["localhost"])
    (tmp_path / "token").write_text("first")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    return tmp_path


async def test_in_a_pod_the_token_is_the_service_account_s(pod: Path) -> None:
    access = await config.load(None)
    assert access.url == "https://10.0.0.1:443"
    assert await access.credentials.authorization() == "Bearer first"
    assert access.tls.current().verify_mode is ssl.CERT_REQUIRED


async def test_in_a_pod_a_rotated_token_is_read_within_a_minute_and_at_once_after_a_rejection(
    pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = await config.load(None)
    put(pod / "token", "second")
    assert await access.credentials.authorization() == "Bearer first"
    assert await access.renew("Bearer first")
    assert await access.credentials.authorization() == "Bearer second"
    monkeypatch.setattr(credentials, "REREAD_SECONDS", 0.0)
    assert await access.renew("Bearer first")
    put(pod / "token", "third")
    assert await access.credentials.authorization() == "Bearer third"


async def test_in_a_pod_a_new_authority_is_another_try_after_a_rejection(pod: Path, tmp_path: Path) -> None:
    access = await config.load(None)
    before = access.tls.current()
    successor, _, _ = pki.make_pair(tmp_path / "successor", ["localhost"])
    put(pod / "ca.crt", successor.read_text())
    assert await access.renew("Bearer first")
    assert access.tls.current() is not before
    assert not await access.renew("Bearer first")


@pytest.mark.parametrize("file", ["token", "ca.crt"])
async def test_in_a_pod_a_missing_file_is_said(pod: Path, file: str) -> None:
    put(pod / file, None)
    with pytest.raises(CredentialsError, match="the pod's ServiceAccount: Service"):
        await config.load(None)


def put(path: Path, text: str | None) -> None:
    """None takes the file away."""
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


async def test_a_token_file_of_a_kubeconfig_is_followed_and_goes_before_a_token(tmp_path: Path) -> None:
    """Its path is relative to the kubeconfig."""
    put(tmp_path / "token", "first\n")
    access = await config.load(
        kubeconfig(tmp_path / "config", {"tokenFile": "token", "token": "the one at the time of writing"})
    )
    assert await access.credentials.authorization() == "Bearer first"
    put(tmp_path / "token", "second\n")
    assert await access.renew("Bearer first")
    assert await access.credentials.authorization() == "Bearer second"


async def test_a_kubeconfig_that_changes_meanwhile_moves_nobody(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {"token": "s3cret"})
    access = await config.load(path)
    kubeconfig(path, {"token": "other"}, {**INSECURE, "server": "https://other.example"})
    assert not await access.renew("Bearer s3cret")
    assert await access.credentials.authorization() == "Bearer s3cret"
    assert access.url == "https://cluster.example:6443"


V1 = "client.authentication.k8s.io/v1"


def plugin(path: Path, status: object, *, then: str = "") -> dict[str, Any]:
    """A user whose plug-in prints this and ends so; it notes each of its runs."""
    answer = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})
    put(path, f"#!/bin/sh\necho run >> {path}.runs\ncat <<'THE_END'\n{answer}\nTHE_END\n{then}\n")
    path.chmod(0o700)
    return {"exec": {"apiVersion": V1, "command": f"./{path.name}", "interactiveMode": "Never"}}


async def test_a_plug_in_s_token_is_taken(tmp_path: Path) -> None:
    user = plugin(tmp_path / "login", {"token": "s3cret"})
    access = await config.load(kubeconfig(tmp_path / "config", user))
    assert await access.credentials.authorization() == "Bearer s3cret"
    assert "s3cret" not in repr(access)
    assert (tmp_path / "login.runs").read_text() == "run\n"


async def test_after_a_rejection_the_plug_in_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "RERUN_SECONDS", 0.0)
    access = await config.load(kubeconfig(tmp_path / "config", plugin(tmp_path / "login", {"token": "a"})))
    plugin(tmp_path / "login", {"token": "b"})
    assert await access.renew("Bearer a")
    assert await access.credentials.authorization() == "Bearer b"
    plugin(tmp_path / "login", {"token": "c"}, then="exit 1")
    with pytest.raises(CredentialsError, match="exit code 1"):
        await access.renew("Bearer b")
    assert await access.credentials.authorization() == "Bearer b"


async def test_a_plug_in_s_certificate_is_shown_and_a_new_one_in_a_new_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "RERUN_SECONDS", 0.0)
    pairs = [pki.make_pair(tmp_path / name, ["us"]) for name in ("old", "new")]
    old, new = (
        {"clientCertificateData": certificate.read_text(), "clientKeyData": key.read_text()}
        for _, certificate, key in pairs
    )
    access = await config.load(kubeconfig(tmp_path / "config", plugin(tmp_path / "login", old)))
    assert await access.credentials.authorization() is None
    before = access.tls.current()
    plugin(tmp_path / "login", new)
    assert await access.renew(None)
    assert access.tls.current() is not before


@pytest.mark.parametrize(
    ("status", "then", "says"),
    [
        pytest.param({"token": "s3cret"}, "exit 1", "exit code 1", id="fails"),
        pytest.param({}, "", "has not printed credentials", id="prints nothing of use"),
        pytest.param({"token": "s3cret"}, "echo s3cret", "has not printed", id="prints more than JSON"),
        pytest.param(
            {"clientCertificateData": "s3cret", "clientKeyData": "s3cret"},
            "",
            "cannot use",
            id="prints no PEM",
        ),
    ],
)
async def test_we_never_go_on_as_nobody_when_a_plug_in(
    tmp_path: Path, status: object, then: str, says: str
) -> None:
    """Even where the kubeconfig has other credentials, too: they are somebody else's."""
    user = {**plugin(tmp_path / "login", status, then=then), "username": "admin", "password": "s3cret"}
    with pytest.raises(CredentialsError, match=says) as refused:
        await config.load(kubeconfig(tmp_path / "config", user))
    error: BaseException | None = refused.value
    while error is not None:
        assert "s3cret" not in f"{error} {error!r}"
        error = error.__cause__


@pytest.mark.parametrize(
    ("user", "says"),
    [
        pytest.param(
            {"auth-provider": {"name": "oidc", "config": {"id-token": "s3cret"}}},
            "auth-provider 'oidc' cannot be kept fresh",
            id="OIDC",
        ),
        pytest.param({"auth-provider": {"name": "gcp"}}, "auth-provider 'gcp'", id="GCP"),
        pytest.param({"auth-provider": "s3cret-less"}, "auth-provider", id="a provider of another shape"),
        pytest.param({"token": "s3cret", "as": "admin"}, r"impersonation .*\(as\)", id="impersonation"),
        pytest.param({"token": "s3cret s3cret"}, "not a token", id="a token that is none"),
        pytest.param(
            {"tokenFile": "/nowhere/token"}, "No such file|not exist", id="a token file that is not there"
        ),
        pytest.param({"exec": {"command": "x"}}, "exec: apiVersion", id="a plug-in of no version"),
    ],
)
async def test_a_kubeconfig_that_we_could_not_keep_to_is_refused(
    tmp_path: Path, user: dict[str, Any], says: str
) -> None:
    with pytest.raises(CredentialsError, match=says) as refused:
        await config.load(kubeconfig(tmp_path / "config", user))
    assert "s3cret" not in str(refused.value).replace("s3cret-less", "")


async def test_a_misplaced_token_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {})
    content = json.loads(path.read_text())
    content["users"] = [{"name": "it", "token": "s3cret"}]
    put(path, json.dumps(content))
    with pytest.raises(CredentialsError, match="Expected key user") as refused:
        await config.load(path)
    assert "s3cret" not in str(refused.value)
