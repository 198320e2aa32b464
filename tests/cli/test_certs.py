"""`nsp certs renew`, `show` and `check`; what `make` writes is in test_verbs.py and tests/adapters."""

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Nsp
from webhook.adapters import pki
from webhook.adapters.pki import pem as pki_pem
from webhook.cli import certs_source
from webhook.core.errors import NotFoundError
from webhook.core.model import Manifest

HOSTS = ["localhost", "nsp.guard.svc"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.make_kept(tmp_path / "pair", HOSTS)
    return tmp_path / "pair"


@pytest.fixture
def cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Manifest]:
    """The objects of a cluster by path: the pair as a Secret, and both webhook configurations."""
    names = ("tls.crt", "tls.key", "ca.crt")
    encoded = {name: base64.b64encode((folder / name).read_bytes()).decode() for name in names}
    config = {"service": {"name": "nsp", "namespace": "guard"}, "caBundle": encoded["ca.crt"]}
    hook = {"webhooks": [{"name": "validate.ns-provisioner.io", "clientConfig": config}]}
    root = "/apis/admissionregistration.k8s.io/v1"
    objects: dict[str, Manifest] = {
        "/api/v1/namespaces/guard/secrets/tls": {"data": encoded},
        f"{root}/mutatingwebhookconfigurations/ns-provisioner": hook,
        f"{root}/validatingwebhookconfigurations/ns-provisioner": hook,
    }

    class Transport:
        async def get(self, path: str) -> Manifest:
            if path not in objects:
                raise NotFoundError(f"{path} is not there", code=404)
            return objects[path]

    async def run(ask: Callable[[Any], Awaitable[Any]]) -> Any:
        return await ask(Transport())

    monkeypatch.setattr(certs_source, "in_cluster", lambda kubeconfig, ask: asyncio.run(run(ask)))
    return objects


def test_make_can_keep_the_cas_key(nsp: Nsp, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    names = ["ca.crt", "tls.crt", "tls.key", "ca.key"]
    printed = "".join(f"{folder / name}\n" for name in names)
    assert nsp("certs", "make", "--dir", folder, "--keep-ca-key") == (0, printed, "")
    assert (folder / "ca.key").stat().st_mode & 0o777 == 0o600


def test_make_can_sign_with_a_ca_that_was_kept(nsp: Nsp, folder: Path, tmp_path: Path) -> None:
    served = tmp_path / "served"
    assert nsp("certs", "make", "--dir", served, "--ca-dir", folder, "--host", "a.example").code == 0
    assert sorted(path.name for path in served.iterdir()) == ["ca.crt", "tls.crt", "tls.key"]
    assert nsp("certs", "check", "--dir", served, "--host", "a.example").code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["make", "--dir", "x", "--keep-ca-key", "--ca-dir", "y"],
            "Error: --keep-ca-key is for a new CA; with --ca-dir there is none.",
        ),
        (["make", "--dir", "x", "--days", "0"], "0 is not in the range 1<=x<=3650."),
        (["make", "--dir", "x", "--days", "3651"], "3651 is not in the range 1<=x<=3650."),
        (["renew"], "Error: Missing option '--dir'."),
        (["renew", "--dir", "/nowhere"], "Directory '/nowhere' does not exist."),
        (["show"], "Error: Give one of FILE, --dir and --secret."),
        (["show", "file", "--secret", "a/b"], "Error: Give one of FILE, --dir and --secret."),
        (["show", "--secret", "a"], "Error: Invalid value for --secret: give it as NAMESPACE/NAME"),
        (["show", "--secret", "a/b/c"], "Error: Invalid value for --secret: give it as NAMESPACE/NAME"),
        (["check"], "Error: Give one of --dir and --secret."),
        (["check", "--dir", "/", "--secret", "a/b"], "Error: Give one of --dir and --secret."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_arguments_that_make_no_sense(nsp: Nsp, arguments: list[str], text: str) -> None:
    code, out, err = nsp("certs", *arguments)
    assert (code, out) == (2, "")
    assert text in err


def test_renew_says_what_it_replaced(nsp: Nsp, folder: Path) -> None:
    before = (folder / "tls.crt").read_bytes()
    printed = f"{folder / 'tls.crt'}\n{folder / 'tls.key'}\n"
    assert nsp("certs", "renew", "--dir", folder) == (0, printed, "")
    assert (folder / "tls.crt").read_bytes() != before


def test_renew_without_the_cas_key(nsp: Nsp, folder: Path) -> None:
    (folder / "ca.key").unlink()
    code, out, err = nsp("certs", "renew", "--dir", folder)
    assert (code, out) == (1, "")
    assert err.startswith(f"nsp: there is no {folder / 'ca.key'}: the CA's key was thrown away")
    assert "`nsp certs make --keep-ca-key`" in err


SHOWN = r"""{folder}/tls\.crt
  subject      CN=localhost
  issuer       CN=ns-provisioner development CA
  names        localhost, nsp\.guard\.svc
  authority    no
  key          ECDSA P-256
  valid from   \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC
  valid until  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC
  days left    89
  SHA-256      ([0-9A-F]{2}:){31}[0-9A-F]{2}
"""
CA = r"""
{folder}/ca\.crt
  subject      CN=ns-provisioner development CA
  issuer       CN=ns-provisioner development CA
  names        none
  authority    yes
"""


def _pattern(text: str, where: object) -> str:
    return text.replace("{folder}", re.escape(str(where)))


def test_show_a_file(nsp: Nsp, folder: Path) -> None:
    code, out, err = nsp("certs", "show", folder / "tls.crt")
    assert (code, err) == (0, "")
    assert re.fullmatch(_pattern(SHOWN, folder), out)


def test_show_a_folder(nsp: Nsp, folder: Path) -> None:
    code, out, err = nsp("certs", "show", "--dir", folder)
    assert (code, err) == (0, "")
    assert re.match(_pattern(SHOWN + CA, folder), out)


def test_show_a_secret(nsp: Nsp, cluster: dict[str, Manifest]) -> None:
    code, out, err = nsp("certs", "show", "--secret", "guard/tls")
    assert (code, err) == (0, "")
    assert re.match(_pattern(SHOWN + CA, "Secret guard/tls"), out)


def test_show_for_programs(nsp: Nsp, folder: Path) -> None:
    leaf, ca = json.loads(nsp("certs", "show", "--dir", folder, "--output", "json").out)
    assert list(leaf) == [
        "file",
        "subject",
        "issuer",
        "names",
        "authority",
        "key",
        "begins",
        "ends",
        "days_left",
        "fingerprint",
    ]
    assert (leaf["file"], leaf["names"], leaf["authority"]) == (str(folder / "tls.crt"), HOSTS, False)
    assert (ca["file"], ca["names"], ca["authority"]) == (str(folder / "ca.crt"), [], True)
    ends = pki_pem.certificates((folder / "tls.crt").read_bytes())[0].not_valid_after_utc
    assert leaf["ends"] == f"{ends:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("output", ["text", "json"])
def test_show_a_file_with_a_key_in_it_does_not_show_the_key(nsp: Nsp, folder: Path, output: str) -> None:
    both = folder / "both.pem"
    both.write_bytes((folder / "tls.key").read_bytes() + (folder / "tls.crt").read_bytes())
    key = (folder / "tls.key").read_text().splitlines()
    out = nsp("certs", "show", both, "--output", output).out
    assert "CN=localhost" in out
    assert not [line for line in key if line in out]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No such file or directory"),
        (b"", "there is no certificate in PEM form"),
        (b"\xff\xfe", "there is no certificate in PEM form"),
        (
            b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
            "a certificate in it is damaged, or of a kind that nobody can use",
        ),
    ],
    ids=["missing", "empty", "not text", "damaged"],
)
def test_show_what_is_no_certificate(nsp: Nsp, tmp_path: Path, content: bytes | None, text: str) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    assert nsp("certs", "show", file) == (1, "", f"nsp: {file}: {text}\n")


GOOD = (
    "ok     the key belongs to the certificate\n"
    "ok     valid until {ends:%Y-%m-%d %H:%M:%S} UTC, 89 days left\n"
    "ok     it is for localhost\n"
    "ok     signed by CN=ns-provisioner development CA of the CA bundle\n"
)
HOOK = (
    "ok     validate.ns-provisioner.io: signed by CN=ns-provisioner development CA of the CA bundle\n"
    "ok     validate.ns-provisioner.io: it is for nsp.guard.svc\n"
)


def _good(folder: Path) -> str:
    leaf = pki_pem.certificates((folder / "tls.crt").read_bytes())[0]
    return GOOD.format(ends=leaf.not_valid_after_utc)


def test_check_a_good_folder(nsp: Nsp, folder: Path) -> None:
    assert nsp("certs", "check", "--dir", folder, "--host", "localhost") == (0, _good(folder), "")


def test_check_a_secret_against_the_webhooks(nsp: Nsp, folder: Path, cluster: dict[str, Manifest]) -> None:
    arguments = ("--secret", "guard/tls", "--host", "localhost", "--webhooks")
    assert nsp("certs", "check", *arguments) == (0, _good(folder) + HOOK * 2, "")


def test_check_tells_what_is_wrong_and_fails(nsp: Nsp, folder: Path) -> None:
    code, out, err = nsp("certs", "check", "--dir", folder, "--host", "a", "--days", "90")
    assert (code, err) == (1, "")
    assert re.search(
        r"^wrong  valid until .* UTC, 89 days left, and 90 are asked for; let cert-manager", out, re.MULTILINE
    )
    assert (
        "wrong  it is not for a, only for localhost, nsp.guard.svc; add the host to the Certificate's"
        " dnsNames, or issue one with `nsp certs renew --host HOST`\n"
    ) in out


def test_check_of_a_renewed_pair_that_the_webhooks_do_not_know(
    nsp: Nsp, folder: Path, tmp_path: Path, cluster: dict[str, Manifest]
) -> None:
    pki.make_pair(tmp_path / "other", HOSTS)
    code, out, err = nsp("certs", "check", "--dir", tmp_path / "other", "--webhooks")
    assert (code, err) == (1, "")
    text = (
        "wrong  validate.ns-provisioner.io: the CA bundle does not vouch for it: it is not signed by the"
        " key of CN=ns-provisioner development CA, only by one of that name; put the CA that signed it"
        " into the bundle, or issue one from a CA of the bundle"
    )
    assert [line for line in out.splitlines() if line.startswith("wrong")] == [text, text]


def test_check_against_webhooks_that_are_not_there(
    nsp: Nsp, folder: Path, cluster: dict[str, Manifest]
) -> None:
    cluster.clear()
    code, out, _ = nsp("certs", "check", "--dir", folder, "--webhooks")
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("wrong")] == [
        f"wrong  {kind}WebhookConfiguration ns-provisioner is not there;"
        " install the chart, or apply the output of `nsp webhooks`"
        for kind in ("Mutating", "Validating")
    ]


def test_check_of_an_empty_folder(nsp: Nsp, tmp_path: Path, cluster: dict[str, Manifest]) -> None:
    code, out, err = nsp("certs", "check", "--dir", tmp_path, "--webhooks")
    assert (code, err) == (1, "")
    assert [line.partition(": No such file or directory; ")[0] for line in out.splitlines()] == [
        f"wrong  {tmp_path / name}" for name in ("tls.crt", "tls.key", "ca.crt")
    ]


@pytest.mark.parametrize("verb", ["show", "check"])
def test_a_secret_that_is_not_there(nsp: Nsp, cluster: dict[str, Manifest], verb: str) -> None:
    code, out, err = nsp("certs", verb, "--secret", "guard/none")
    assert (code, out) == (1, "")
    assert err == "nsp: /api/v1/namespaces/guard/secrets/none is not there\n"


def test_a_cluster_that_nobody_named(nsp: Nsp, tmp_path: Path) -> None:
    missing = tmp_path / "kubeconfig"
    code, out, err = nsp("certs", "show", "--secret", "a/b", "--kubeconfig", missing)
    assert (code, out) == (1, "")
    assert err == f"nsp: cannot use kubeconfig {missing}: no such file; name one with --kubeconfig\n"
