"""TLS contexts for our listeners."""

import ssl
from pathlib import Path

from webhook.core.errors import NsProvisionerError


class CertificateError(NsProvisionerError):
    """A certificate or key cannot be used; the text says which file and why."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A TLS 1.2+ context for a listener. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise CertificateError(
            f"certificate {certificate} with key {key} cannot be used: {reason}; "
            "make a pair with `nsp certs make`"
        ) from error
    return context
