"""Which credentials the processes of the product hold."""

from pathlib import Path

import pytest

from tools.controlplane.process import Process
from tools.dev.product import Product
from webhook.core import rights


def test_the_admission_process_holds_none(audited: Product) -> None:
    environment = _environment(audited.processes["nsp-admission"])
    assert "KUBECONFIG" not in environment
    assert not [value for value in environment.values() if "kubeconfig" in value]


@pytest.mark.parametrize("role", rights.ROLES)
def test_a_role_holds_its_own_and_nobody_else_can_read_them(audited: Product, role: str) -> None:
    path = Path(_environment(audited.processes[f"nsp-{role}"])["KUBECONFIG"])
    assert path == audited.directory / f"{role}.kubeconfig"
    assert path.stat().st_mode & 0o777 == 0o600
    assert audited.plane.admin_token not in path.read_text()


def _environment(process: Process) -> dict[str, str]:
    entries = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
