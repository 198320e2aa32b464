"""TLS contexts for our listeners."""

import ssl
from pathlib import Path

from webhook.core.errors import NsProvisionerError


class CertificateError(NsProvisionerError):
    """A certificate or key cannot be used; the text says which file and why."""


class _PassPhraseError(Exception):
    """OpenSSL has asked for a pass phrase."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A TLS 1.2+ context for a listener. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except _PassPhraseError as error:
        raise CertificateError(f"key {key} cannot be used: it has a pass phrase; store it without") from error
    except OSError as error:
        reason = (error.reason or "not PEM") if isinstance(error, ssl.SSLError) else error.strerror
        raise CertificateError(
            f"certificate {certificate} with key {key} cannot be used: {reason}; "
            "make a pair with `nsp certs make`"
        ) from error
    return context


def _no_pass_phrase() -> str:
    """Without this, OpenSSL would ask at the terminal, and wait."""
    raise _PassPhraseError
