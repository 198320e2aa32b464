"""`nsp certs` on a real cluster: the Secret that cert-manager fills, and the webhooks of the chart."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_certs_script import NSP
from tools.dev.installation import Installation
from webhook.adapters import pki

SECRET = "ns-provisioner/ns-provisioner-tls"
HOST = "ns-provisioner-admission.ns-provisioner.svc"
HOOKS = {"mutate", "validate", "validate-delete"}


def _run(product: Installation, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NSP, "certs", *map(str, arguments)],
        env={"PATH": "/usr/bin:/bin", "KUBECONFIG": str(product.plane.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _hooks(output: str, begin: str) -> set[str]:
    """The webhooks that a line speaks of which begins so."""
    lines = [line for line in output.splitlines() if line.startswith(begin) and ".ns-provisioner.io" in line]
    return {line.removeprefix(begin).partition(".")[0] for line in lines}


def test_what_cert_manager_issued_is_good_for_the_live_webhooks(product: Installation) -> None:
    ended = _run(product, "check", "--secret", SECRET, "--webhooks", "--host", HOST)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert _hooks(ended.stdout, "ok     ") == HOOKS
    assert f"ok     validate.ns-provisioner.io: it is for {HOST}\n" in ended.stdout


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"], ids=["for the same host", "for another host"])
def test_what_another_ca_has_signed_is_not(product: Installation, tmp_path: Path, host: str) -> None:
    pki.make_pair(tmp_path, [host])
    ended = _run(product, "check", "--dir", tmp_path, "--webhooks")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert _hooks(ended.stdout, "wrong  ") == HOOKS
    assert (f"ok     mutate.ns-provisioner.io: it is for {HOST}\n" in ended.stdout) == (host == HOST)


def test_the_secret_is_shown(product: Installation) -> None:
    ended = _run(product, "show", "--secret", SECRET)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Secret {SECRET}/tls.crt\n  subject ")
    assert "\n  key          ECDSA P-256\n" in ended.stdout
    assert f"\nSecret {SECRET}/ca.crt\n" in ended.stdout
    assert "PRIVATE" not in ended.stdout


def test_a_secret_that_is_not_there_is_told(product: Installation) -> None:
    ended = _run(product, "show", "--secret", "default/nothing")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert 'secrets "nothing" not found' in ended.stderr
