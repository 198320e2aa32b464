"""`nsp rbac`."""

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Nsp
from webhook.adapters import catalogue_file
from webhook.codec import rbac
from webhook.core import rights


def test_it_prints_a_document_for_each_manifest(nsp: Nsp) -> None:
    code, out, err = nsp("rbac")
    assert (code, err) == (0, "")
    expected = rbac.manifests(catalogue_file.load(None), rights.ROLES, "ns-provisioner")
    assert list(yaml.safe_load_all(out)) == expected


def test_it_prints_those_of_one_role(nsp: Nsp) -> None:
    _, out, _ = nsp("rbac", "--role", "api")
    names = {manifest["metadata"]["name"] for manifest in yaml.safe_load_all(out)}
    assert names == {"ns-provisioner-api"}


@pytest.mark.parametrize("role", ["admission", "controllers", ""])
def test_a_role_without_an_account_is_told_of(nsp: Nsp, role: str) -> None:
    code, out, err = nsp("rbac", "--role", role)
    assert (code, out) == (2, "")
    assert f"'{role}' has no account; choose from controller, api" in err


def test_a_namespace_that_the_catalogue_does_not_name_is_told_of(nsp: Nsp) -> None:
    code, out, err = nsp("rbac", "--namespace", "platform")
    assert (code, out) == (1, "")
    assert "does not name system:serviceaccount:platform:ns-provisioner-controller" in err


def test_a_broken_catalogue_is_told_of(nsp: Nsp, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("kind: TierCatalogue")
    code, out, err = nsp("rbac", "--catalogue", file)
    assert (code, out) == (1, "")
    assert "apiVersion: is missing" in err
