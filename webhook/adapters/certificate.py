"""A serving certificate that follows its files, without a restart and without a failed handshake.

A pair is never loaded into a context that serves: a mismatched reload (new certificate, old key: the
ordinary race of two files) would break every later handshake of that context. A new pair is tried in
a context of its own, and then handed out whole; on any trouble the old one stays. The authority of
the clients, if they need one, is part of the same whole.
"""

import ssl
from datetime import datetime
from pathlib import Path

from webhook import ports, telemetry
from webhook.adapters import tls
from webhook.adapters.tls import CertificateError


class ServingCertificate:
    """The pair in force, and the context that each new connection gets."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        """Raises CertificateError when the first files cannot be used."""
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._tried = self._read()
        self._current = self._load()
        _, self.expires = tls.validity(certificate, key)

    def context(self) -> ssl.SSLContext:
        """The context for one new connection: what is in force now."""
        return self._current if self._client_ca is None else tls.unresumable_context(self._current)

    def reload(self, now: datetime) -> bool:
        """Take the files on disk into force if they are others and good; whether they were taken.

        Raises CertificateError, once for each content that cannot be used; the old one then stays.
        """
        content = self._read()
        if content == self._tried:
            return False
        previous, self._tried = self._tried, content
        fresh = self._load()
        begins, ends = tls.validity(self._certificate, self._key)
        if self._read() != content:
            self._tried = previous  # it is being written just now: the next look sees the whole
            return False
        if not begins <= now < ends:
            raise CertificateError(
                f"certificate {self._certificate} is valid from {begins} to {ends}, not now"
            )
        self.expires = ends
        self._current = fresh
        return True

    def _load(self) -> ssl.SSLContext:
        return tls.server_context(self._certificate, self._key, self._client_ca)

    def _read(self) -> tuple[bytes, ...]:
        files = [self._certificate, self._key, *([self._client_ca] if self._client_ca else [])]
        try:
            return tuple(file.read_bytes() for file in files)
        except OSError as error:
            raise CertificateError(f"{error.filename}: {error.strerror}") from error


class CertificateWatcher:
    """Tells logs, metrics and probes what becomes of a serving certificate."""

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

    def expired(self) -> str | None:
        """For the readiness probe: nobody trusts an expired certificate."""
        expires = self._serving.expires
        return f"expired at {expires.isoformat()}" if self._clock.now() >= expires else None

    def days_left(self) -> str:
        """For people who look."""
        left = self._serving.expires - self._clock.now()
        return f"valid for {max(0, left.days)} more days, until {self._serving.expires.isoformat()}"

    def look(self) -> bool:
        """Look at the files once; whether a new pair was taken. To be called by a Poller."""
        taken = False
        try:
            taken = self._serving.reload(self._clock.now())
            if taken:
                self._metrics.certificate_reloads.labels("success").inc()
                self._log.info("certificate reloaded", expires=self._serving.expires.isoformat())
            self._trouble = ""
        except CertificateError as error:
            if str(error) != self._trouble:
                self._metrics.certificate_reloads.labels("failure").inc()
                self._log.error("certificate not reloaded, the old one stays", detail=str(error))
            self._trouble = str(error)
        self._metrics.certificate_expiry.set(self._serving.expires.timestamp())
        return taken
