"""When a certificate is valid is read from a handshake with it, which also shows that it serves."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.adapters.authority import CLIENT, NOW, SERVER, Issued
from webhook.adapters import tls
from webhook.adapters.certificate import ServingCertificate
from webhook.adapters.tls import CertificateError

BOTH_KINDS = pytest.mark.parametrize("kind", ["EC", "RSA"])


def _leaves(kind: str) -> dict[str, Issued]:
    root = Issued.root(kind=kind)
    middle = root.issue("middle", kind="RSA" if kind == "EC" else "EC", ca=True)
    return {
        "signed by itself": Issued.root("leaf", kind=kind, ca=False),
        "an authority itself": root,
        "signed by a root": root.issue("leaf", kind=kind),
        "with a chain": middle.issue("leaf", kind=kind),
        "for servers only": middle.issue("leaf", kind=kind, uses=[SERVER]),
        "for servers and clients": root.issue("leaf", kind=kind, uses=[CLIENT, SERVER]),
        "without a name to go by": root.issue("", kind=kind, hosts=()),
        "expired": middle.issue("leaf", kind=kind, days=(-20, -10)),
        "not valid yet": root.issue("leaf", kind=kind, days=(10, 20)),
        "below an expired authority": root.issue("old", ca=True, days=(-9, -8)).issue("leaf", kind=kind),
        "valid beyond 2050": root.issue("leaf", kind=kind, days=(-1, 36_500)),
    }


@BOTH_KINDS
@pytest.mark.parametrize("callers", [False, True], ids=["for everybody", "for callers with certificates"])
def test_whatever_serves_tells_when_it_does(kind: str, callers: bool, tmp_path: Path) -> None:
    ca = Issued.root().write(tmp_path)[0] if callers else None
    for name, leaf in _leaves(kind).items():
        certificate, key = leaf.write(tmp_path)
        expected = leaf.certificate.not_valid_before_utc, leaf.certificate.not_valid_after_utc
        assert tls.validity(certificate, key) == expected, name
        assert ServingCertificate(certificate, key, ca).expires == expected[1], name


def test_a_text_before_the_certificate_does_not_matter(tmp_path: Path) -> None:
    certificate, key = Issued.root().issue("leaf").write(tmp_path)
    certificate.write_text("Schlüssel für später\n" + certificate.read_text(), encoding="utf-8")
    ends = ServingCertificate(certificate, key).expires
    assert ends == NOW + timedelta(days=30)


def test_files_that_have_gone_are_told(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"No such file or directory$"):
        tls.validity(tmp_path / "tls.crt", tmp_path / "tls.key")


@BOTH_KINDS
def test_one_that_no_client_would_take_is_refused(kind: str, tmp_path: Path) -> None:
    certificate, key = Issued.root().issue("leaf", kind=kind, uses=[CLIENT]).write(tmp_path)
    with pytest.raises(CertificateError) as refused:
        ServingCertificate(certificate, key)
    assert str(refused.value) == f"certificate {certificate} does not serve: unsuitable certificate purpose"
