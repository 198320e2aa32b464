"""A serving certificate that follows its files, without a restart and without a failed handshake.

A pair is never loaded into a context that serves: a mismatched reload (new certificate, old key: the
ordinary race of two files) would break every later handshake of that context. A new pair is tried in
a context of its own, and then handed out whole; on any trouble the old one stays.
"""

import asyncio
import ssl
from datetime import datetime
from pathlib import Path

from webhook import ports, telemetry
from webhook.adapters import tls
from webhook.adapters.tls import CertificateError

POLL_SECONDS = 2.0
"""How often the files are compared by content; a kubelet takes up to a minute to bring them anyway."""


class ServingCertificate:
    """`context` is the listener's for good; each handshake gets the pair in force."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises CertificateError when the first pair cannot be used."""
        self._files = certificate, key
        self._tried = self._read()
        self._current = tls.server_context(certificate, key)
        self._expires: datetime | None = None
        self.context = tls.server_context(certificate, key)
        self.context.sni_callback = self._hand_out

    @property
    def expires(self) -> datetime:
        """When the pair in force ends (UTC)."""
        if self._expires is None:
            self._expires = _validity(self._tried[0])[1]
        return self._expires

    def reload(self, now: datetime) -> bool:
        """Take the pair on disk into force if it is another and good; whether it was taken.

        Raises CertificateError, once for each content that cannot be used; the old pair then stays.
        """
        content = self._read()
        if content == self._tried:
            return False
        previous, self._tried = self._tried, content
        fresh = tls.server_context(*self._files)
        if self._read() != content:
            self._tried = previous  # it is being written just now: the next look sees the whole
            return False
        begins, ends = _validity(content[0])
        if not begins <= now < ends:
            raise CertificateError(f"certificate {self._files[0]} is valid from {begins} to {ends}, not now")
        self._expires = ends
        self._current = fresh
        return True

    def _read(self) -> tuple[bytes, bytes]:
        certificate, key = self._files
        try:
            return certificate.read_bytes(), key.read_bytes()
        except OSError as error:
            raise CertificateError(f"{error.filename}: {error.strerror}") from error

    def _hand_out(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """Called after each ClientHello, with or without a server name in it."""
        connection.context = self._current


class CertificateWatcher:
    """Looks at the files every POLL_SECONDS, until stopped."""

    def __init__(
        self,
        serving: ServingCertificate,
        *,
        clock: ports.Clock,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._serving = serving
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._trouble = ""
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        while not self._stopping.is_set():
            await asyncio.to_thread(self._look)  # parsing a certificate imports a large library
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                pass  # time for another look

    def stop(self) -> None:
        self._stopping.set()

    def expired(self) -> str | None:
        """For the readiness probe: nobody trusts an expired certificate."""
        expires = self._serving.expires
        return f"expired at {expires.isoformat()}" if self._clock.now() >= expires else None

    def _look(self) -> None:
        try:
            if self._serving.reload(self._clock.now()):
                self._metrics.certificate_reloads.labels("success").inc()
                self._log.info("certificate reloaded", expires=self._serving.expires.isoformat())
            self._trouble = ""
        except CertificateError as error:
            if str(error) != self._trouble:
                self._metrics.certificate_reloads.labels("failure").inc()
                self._log.error("certificate not reloaded, the old one stays", detail=str(error))
            self._trouble = str(error)
        self._metrics.certificate_expiry.set(self._serving.expires.timestamp())


def _validity(pem: bytes) -> tuple[datetime, datetime]:
    """From when to when the first certificate of a chain is valid (UTC)."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificateError(f"the certificate cannot be read: {error}") from error
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
