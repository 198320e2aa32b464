"""TLS towards the API server, in a context that follows its files.

A context in use is never changed: what has changed is loaded into a new one, which connections made
from then on get. On any trouble the old one stays.
"""

import os
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from webhook.adapters.kube.credentials import CredentialsError

LOOK_SECONDS = 60.0
"""A kubelet takes as long to bring a new authority into a pod."""

DISTRUST_SECONDS = 5.0
"""After a certificate that could not be verified the files are looked at, but no more often than this."""


class ClientTls:
    """`authority` None means the system's; `pair` is our certificate and its key, if we show one.

    Raises CredentialsError when the first files cannot be used.
    """

    def __init__(
        self,
        authority: str | None = None,
        pair: tuple[str, str | None] | None = None,
        *,
        verify: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authority = authority
        self._pair = pair
        self._verify = verify
        self._monotonic = monotonic
        self._issued: tuple[str, str] | None = None
        self._content = self._read()
        self._context = self._load()
        self._looked = monotonic()
        self._look_at = self._looked + LOOK_SECONDS

    def current(self) -> ssl.SSLContext:
        """The context for the next connection."""
        if self._monotonic() >= self._look_at:
            self.look()
        return self._context

    def shows_certificate(self) -> bool:
        return bool(self._pair or self._issued)

    def distrusted(self) -> None:
        """The server's certificate could not be verified: the authority may have a successor."""
        self._look_at = min(self._look_at, self._looked + DISTRUST_SECONDS)

    def look(self) -> None:
        """Take the files into force if they are others and good."""
        self._looked = self._monotonic()
        self._look_at = self._looked + LOOK_SECONDS
        try:
            content = self._read()
            if content != self._content:
                self._context = self._load()
                self._content = content
        except CredentialsError:
            pass  # being written just now, perhaps: the next look sees the whole

    def issued(self, certificate: str, key: str) -> None:
        """Show this certificate from now on (both PEM). Raises CredentialsError; the old one then stays."""
        if (certificate, key) != self._issued:
            previous, self._issued = self._issued, (certificate, key)
            try:
                self._context = self._load()
            except CredentialsError:
                self._issued = previous
                raise

    def _read(self) -> list[bytes]:
        names = [name for name in (self._authority, *(self._pair or ())) if name is not None]
        try:
            return [Path(name).read_bytes() for name in names]
        except OSError as error:
            raise CredentialsError(f"{error.filename}: {error.strerror}") from error

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if not self._verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            elif self._authority is not None:
                context.load_verify_locations(self._authority)
            else:
                context.load_default_certs()
            if self._issued is not None:
                _load_issued(context, *self._issued)
            elif self._pair is not None:
                _load_pair(context, *self._pair)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CredentialsError(reason) from error
        return context


def _load_pair(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """An empty pass phrase keeps OpenSSL from asking for one at the terminal."""
    context.load_cert_chain(certificate, keyfile=key, password="")


def _load_issued(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """OpenSSL reads pairs from files only: this one is for our eyes and there for a moment."""
    descriptor, name = tempfile.mkstemp()
    try:
        with open(descriptor, "w") as file:
            file.write(f"{key}\n{certificate}\n")
        _load_pair(context, name, None)
    finally:
        os.unlink(name)
