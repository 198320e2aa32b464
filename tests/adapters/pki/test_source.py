"""Where certificates are read from, and what is said of what is not there."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.authority import NOW
from tests.adapters.pki.test_check import ISSUE as _ISSUE
from webhook.adapters import pki
from webhook.adapters.pki import source as certsource
from webhook.adapters.pki.check import Finding
from webhook.adapters.pki.source import Source

LATER = 91
MISSING = "No such file or directory"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.make_pair(tmp_path, ["localhost"])
    return tmp_path


def _data(folder: Path) -> dict[str, Any]:
    return {path.name: base64.b64encode(path.read_bytes()).decode() for path in folder.iterdir()}


def _check(source: Source, *, days: int = 14) -> list[Finding]:
    return source.check(hosts=["localhost"], now=NOW, days=days)


def test_a_folder_and_a_secret_hold_the_same(folder: Path) -> None:
    one, other = certsource.folder(folder), certsource.of_secret("Secret a/b", _data(folder))
    assert (one.found, one.missing) == (other.found, {})
    assert _check(one) == _check(other)
    assert all(finding.ok for finding in _check(one))
    assert len(_check(one)) == 4


def test_no_repr_shows_a_key(folder: Path) -> None:
    assert "PRIVATE" not in repr(certsource.folder(folder))


def test_what_is_wrong_with_it_is_told_beside_what_is_missing(folder: Path) -> None:
    (folder / "ca.crt").unlink()
    wrong = [each for each in _check(certsource.folder(folder), days=LATER) if not each.ok]
    assert [each.remedy for each in wrong] == ["put the CA there that signed the certificate", _ISSUE]


GAPS = {
    "tls.crt": "issue a certificate: with cert-manager, or `nsp certs make`",
    "tls.key": "put the key there that was issued with the certificate",
    "ca.crt": "put the CA there that signed the certificate",
}


@pytest.mark.parametrize(("name", "remedy"), GAPS.items())
def test_a_missing_file_is_told_with_the_way_out(folder: Path, name: str, remedy: str) -> None:
    (folder / name).unlink()
    wrong = [each for each in _check(certsource.folder(folder)) if not each.ok]
    assert wrong == [Finding(False, f"{folder / name}: {MISSING}", remedy)]


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a key is missing": (lambda data: data.pop("tls.crt"), "Secret a/b has no tls.crt"),
    "it is not base64": (lambda data: data.update({"tls.crt": "?"}), "tls.crt of Secret a/b is not base64"),
    "it is null": (lambda data: data.update({"tls.crt": None}), "tls.crt of Secret a/b is not base64"),
}


@pytest.mark.parametrize(("spoil", "what"), SPOILED.values(), ids=SPOILED)
def test_a_secret_with_something_wrong(
    folder: Path, spoil: Callable[[dict[str, Any]], object], what: str
) -> None:
    data = _data(folder)
    spoil(data)
    assert _check(certsource.of_secret("Secret a/b", data)) == [Finding(False, what, GAPS["tls.crt"])]
