"""`nsp certs make` and `nsp webhooks`."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Nsp
from tests.codec.builders import catalogue_text
from webhook.adapters import tls

EXEMPT = ["cert-manager", "default", "kube-node-lease", "kube-public", "kube-system", "ns-provisioner"]


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    file = tmp_path / "ca.crt"
    file.write_bytes(b"-----BEGIN CERTIFICATE-----")
    return file


def test_certs_make_writes_a_pair_that_serves(nsp: Nsp, tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    names = ["ca.crt", "tls.crt", "tls.key"]
    assert nsp("certs", "make", "--dir", folder) == (0, "".join(f"{folder / name}\n" for name in names), "")
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "tls.key").stat().st_mode & 0o777 == 0o600
    tls.server_context(folder / "tls.crt", folder / "tls.key")


def test_certs_make_says_where_it_cannot_write(nsp: Nsp, ca: Path) -> None:
    code, out, err = nsp("certs", "make", "--dir", ca / "below")
    assert (code, out, err) == (1, "", f"nsp: cannot write to {ca / 'below'}: Not a directory\n")


@pytest.mark.parametrize("host", ["bücher.example", "", "a b"], ids=["not ASCII", "empty", "a space"])
def test_certs_make_for_a_host_that_is_none(nsp: Nsp, tmp_path: Path, host: str) -> None:
    assert nsp("certs", "make", "--dir", tmp_path, "--host", host).err.startswith("nsp: ")


def _configurations(nsp: Nsp, *arguments: object) -> list[dict[str, Any]]:
    code, out, err = nsp("webhooks", *arguments)
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert (content["apiVersion"], content["kind"]) == ("v1", "List")
    items: list[dict[str, Any]] = content["items"]
    return items


def test_webhooks_registers_the_pair(nsp: Nsp, ca: Path) -> None:
    mutating, validating = _configurations(nsp, "--url", "https://10.0.0.1:8443/", "--ca-file", ca)
    assert (mutating["kind"], validating["kind"]) == (
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    )
    hooks = [*mutating["webhooks"], *validating["webhooks"]]
    assert [(hook["name"].partition(".")[0], hook["failurePolicy"]) for hook in hooks] == [
        ("mutate", "Ignore"),
        ("validate", "Fail"),
        ("validate-delete", "Ignore"),
    ]
    for hook, path in zip(hooks, ("mutate", "validate", "validate"), strict=True):
        assert hook["clientConfig"] == {
            "url": f"https://10.0.0.1:8443/{path}",
            "caBundle": base64.b64encode(ca.read_bytes()).decode(),
        }
        assert (hook["timeoutSeconds"], hook["sideEffects"]) == (3, "None")
        assert hook["admissionReviewVersions"] == ["v1"]
        assert "objectSelector" not in hook
        (expression,) = hook["namespaceSelector"].pop("matchExpressions")
        assert hook["namespaceSelector"] == {}
        assert expression == {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": EXEMPT}


def test_webhooks_exempts_what_the_catalogue_exempts(nsp: Nsp, ca: Path, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    nobody: dict[str, object] = {"policy/requesters": [], "policy/controllers": []}
    file.write_text(catalogue_text({**nobody, "policy/exemptNames": ["b", "a"]}))
    items = _configurations(nsp, "--url", "https://x", "--ca-file", ca, "--catalogue", file)
    for hook in (hook for item in items for hook in item["webhooks"]):
        (expression,) = hook["namespaceSelector"]["matchExpressions"]
        assert expression["values"] == ["a", "b", "default", "kube-node-lease", "kube-public", "kube-system"]


@pytest.mark.parametrize("url", ["http://10.0.0.1", "10.0.0.1:8443", "", "ftp://x", " https://x"])
def test_webhooks_are_called_over_https_only(nsp: Nsp, ca: Path, url: str) -> None:
    code, out, err = nsp("webhooks", "--url", url, "--ca-file", ca)
    assert (code, out) == (2, "")
    assert "Error: Invalid value for --url: the API server calls webhooks over https only" in err


@pytest.mark.parametrize("url", ["https://", "https://x/?a=b", "https://x/#top", "https://jane:pw@x"])
def test_a_url_that_the_api_server_refuses(nsp: Nsp, ca: Path, url: str) -> None:
    assert nsp("webhooks", "--url", url, "--ca-file", ca).code == 2


@pytest.mark.parametrize("url", ["https://x y", "https://x\n", "https://[::1"])
def test_a_url_that_nobody_can_read(nsp: Nsp, ca: Path, url: str) -> None:
    assert nsp("webhooks", "--url", url, "--ca-file", ca).code == 2


def test_a_ca_file_that_is_not_there(nsp: Nsp, tmp_path: Path) -> None:
    code, _, err = nsp("webhooks", "--url", "https://x", "--ca-file", tmp_path / "nowhere")
    assert code == 2
    assert "nowhere' does not exist" in " ".join(err.split())


def test_a_ca_file_that_holds_no_certificate(nsp: Nsp, tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("hello")
    assert nsp("webhooks", "--url", "https://x", "--ca-file", file).code != 0
