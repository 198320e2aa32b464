"""`nsp policy vap`."""

import json
from pathlib import Path

from tests.cli.conftest import Nsp
from webhook.adapters import catalogue_file
from webhook.codec import admissionpolicy


def test_it_prints_policies_and_bindings_as_one_list(nsp: Nsp) -> None:
    code, out, err = nsp("policy", "vap")
    assert (code, err) == (0, "")
    printed = json.loads(out)
    assert printed["kind"] == "List"
    assert printed["items"] == admissionpolicy.manifests(catalogue_file.load(None))


def test_a_broken_catalogue_is_told_of(nsp: Nsp, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("kind: TierCatalogue")
    code, out, err = nsp("policy", "vap", "--catalogue", file)
    assert (code, out) == (1, "")
    assert "apiVersion: is missing" in err
