"""What is told of a serving certificate: from what does not work now to what will not for long."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from webhook.adapters import pki
from webhook.adapters.kube import certificatefacts

HOST = "ns-provisioner-admission.ns-provisioner.svc"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    pki.make_pair(folder, [HOST])
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other")
    pki.make_pair(folder, [HOST])
    return folder


def levels(pair: Path, ca: Path, host: str = HOST, *, days: int = 0) -> list[str]:
    """Of validity, host and trust, so many days from now."""
    certificate, bundle = (pair / "tls.crt").read_bytes(), (ca / "ca.crt").read_bytes()
    found = certificatefacts.judged(certificate, bundle, [host], now=NOW + timedelta(days=days))
    return [finding.level for finding in found]


def test_a_good_one(pair: Path) -> None:
    assert levels(pair, pair) == ["ok", "ok", "ok"]


def test_one_that_ends_soon_still_works(pair: Path) -> None:
    assert levels(pair, pair, days=pki.LEAF_DAYS - certificatefacts.SOON_DAYS + 1) == ["warn", "ok", "ok"]


def test_one_that_has_ended(pair: Path) -> None:
    assert levels(pair, pair, days=pki.LEAF_DAYS + 1)[0] == "fail"


def test_one_of_another_authority(pair: Path, other: Path) -> None:
    assert levels(pair, other) == ["ok", "ok", "fail"]


def test_one_for_another_host(pair: Path) -> None:
    assert levels(pair, pair, "elsewhere.svc") == ["ok", "fail", "ok"]


def test_one_that_cannot_be_read() -> None:
    (found,) = certificatefacts.judged(b"", b"", [HOST], now=NOW)
    assert (found.level, bool(found.remedy)) == ("fail", True)
