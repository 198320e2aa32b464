"""`certs/dev-ca.sh`: a CA for development, and nothing of it in the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

from webhook.adapters.pki import names as pki_names
from webhook.adapters.pki import pem as pki_pem

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "certs" / "dev-ca.sh"
NSP = str(Path(sys.executable).with_name("nsp"))
SERVICE = "ns-provisioner-admission"


def _run(*arguments: object, nsp: str = NSP) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", SCRIPT, *map(str, arguments)],
        env={"PATH": "/usr/bin:/bin", "NSP": nsp},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _hosts(folder: Path) -> list[str]:
    return pki_names.of(pki_pem.certificates((folder / "tls.crt").read_bytes())[0])


def test_it_makes_a_pair_and_then_renews_it_with_the_same_ca(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    made = _run(folder)
    assert (made.returncode, made.stderr) == (0, "")
    assert _hosts(folder) == [
        f"{SERVICE}.ns-provisioner.svc",
        f"{SERVICE}.ns-provisioner.svc.cluster.local",
        f"{SERVICE}.ns-provisioner",
        SERVICE,
        "localhost",
        "127.0.0.1",
        "::1",
    ]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    renewed = _run("-n", "guard", folder)
    assert (renewed.returncode, renewed.stderr) == (0, "")
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"tls.crt", "tls.key"}
    assert _hosts(folder)[0] == f"{SERVICE}.guard.svc"


def test_it_says_what_to_do_with_it(tmp_path: Path) -> None:
    out = _run("-n", "guard", tmp_path).stdout
    assert f"nsp serve --tls-cert '{tmp_path}/tls.crt' --tls-key '{tmp_path}/tls.key'\n" in out
    assert "kubectl create secret generic ns-provisioner-tls -n 'guard' --type=kubernetes.io/tls" in out
    assert "--set tls.source=secret --set tls.secretName=ns-provisioner-tls" in out
    assert f"--set-file tls.caBundle='{tmp_path}/ca.crt'" in out
    assert "ca.key" not in out.partition("On this machine")[2]


@pytest.mark.parametrize(
    ("arguments", "nsp", "code", "text"),
    [
        (["-x"], NSP, 2, "usage: dev-ca.sh"),
        (["one", "two"], NSP, 2, "usage: dev-ca.sh"),
        ([], "/nowhere/nsp", 1, "there is no /nowhere/nsp: source .run/env, or set NSP to its path\n"),
    ],
    ids=["an option that there is not", "two folders", "no nsp"],
)
def test_what_it_refuses(arguments: list[str], nsp: str, code: int, text: str) -> None:
    ended = _run(*arguments, nsp=nsp)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert text in ended.stderr


def test_nothing_that_is_made_there_can_be_committed() -> None:
    made = ["certs/ca.key", "certs/dev/tls.key", "certs/dev/tls.crt", "certs/x.pem", "certs/a/b/ca.key"]
    kept = ["certs/README.md", "certs/dev-ca.sh", "certs/.gitignore"]
    command = ["git", "check-ignore", "--no-index", *made, *kept]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ignored.stdout.splitlines() == made
