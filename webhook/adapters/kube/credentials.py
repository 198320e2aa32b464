"""Who we are for the API server, and how that is kept fresh for as long as we run.

Whatever cannot be renewed stays in use until the API server rejects it; we never go on as somebody
else, or as nobody.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Protocol

from webhook.core.errors import NsProvisionerError

REREAD_SECONDS = 60.0
"""A token file is read again after this; a kubelet renews it long before the token ends."""

RERUN_SECONDS = 5.0
"""A plug-in is not run more often than this, whatever its credentials' lifetime or fate."""

LIFETIME_SHARE = (0.75, 0.9)
"""A plug-in runs again when a share of the lifetime between these is over: many clients spread out."""


class CredentialsError(NsProvisionerError):
    """There are no usable credentials, or they cannot be renewed; the text says what was tried."""


class Credentials(Protocol):
    """What the requests say about us."""

    async def authorization(self) -> str | None:
        """The Authorization header for the next request; None where a certificate says it all."""

    async def renew(self, rejected: str | None) -> bool:
        """The API server has rejected this header: whether there is another to try with.

        Raises CredentialsError when it cannot be renewed.
        """


@dataclass(frozen=True, slots=True)
class Fixed:
    """What a kubeconfig says once and for all."""

    header: str | None = field(repr=False)

    async def authorization(self) -> str | None:
        return self.header

    async def renew(self, rejected: str | None) -> bool:
        return False


class TokenFile:
    """A token in a file that somebody else keeps fresh, such as the kubelet."""

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._header = self._read()
        self._reread_at = monotonic() + REREAD_SECONDS

    async def authorization(self) -> str | None:
        if self._monotonic() >= self._reread_at:
            with suppress(CredentialsError):  # being replaced just now, perhaps
                await self.renew(self._header)
        return self._header

    async def renew(self, rejected: str | None) -> bool:
        self._header = self._read()
        self._reread_at = self._monotonic() + REREAD_SECONDS
        return self._header != rejected

    def _read(self) -> str:
        try:
            return bearer(self._path.read_text())
        except OSError as error:
            raise CredentialsError(f"token file {self._path}: {error.strerror}") from error
        except ValueError as error:
            raise CredentialsError(f"token file {self._path} holds no token") from error


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plug-in has given out: a token, a certificate with its key (PEM), or both."""

    token: str | None = field(default=None, repr=False)
    pair: tuple[str, str] | None = field(default=None, repr=False)
    expires: datetime | None = None


class PluginCredentials:
    """Has a plug-in run again before what it gave out expires, and when that is rejected.

    `run` raises CredentialsError, as `show` does, which is given each new certificate and its key.
    """

    def __init__(
        self,
        run: Callable[[], Awaitable[Issued]],
        show: Callable[[str, str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._run = run
        self._show = show
        self._monotonic = monotonic
        self._jitter = jitter
        self._running = asyncio.Lock()
        self._header: str | None = None
        self._ran = -inf
        self._rerun_at = -inf
        self._trouble = ""

    async def start(self) -> None:
        """Get the first credentials. Raises CredentialsError."""
        async with self._running:
            await self._renew()

    async def authorization(self) -> str | None:
        if self._monotonic() >= self._rerun_at and not self._running.locked():
            async with self._running:
                with suppress(CredentialsError):  # what we have may be good for a while
                    await self._renew()
        return self._header

    async def renew(self, rejected: str | None) -> bool:
        async with self._running:
            if self._header != rejected:
                return True
            if self._monotonic() >= self._ran + RERUN_SECONDS:
                await self._renew()
                return True
        if self._trouble:
            raise CredentialsError(self._trouble)
        return False

    async def _renew(self) -> None:
        """Run the plug-in; when it fails, what we have stays, and it is not run again at once."""
        self._ran = self._monotonic()
        self._rerun_at = self._ran + RERUN_SECONDS
        try:
            issued = await self._run()
            if issued.pair is not None:
                self._show(*issued.pair)
        except CredentialsError as error:
            self._trouble = str(error)
            raise
        self._trouble = ""
        self._header = None if issued.token is None else bearer(issued.token)
        self._rerun_at = self._ran + self._seconds_good(issued.expires)

    def _seconds_good(self, expires: datetime | None) -> float:
        if expires is None:
            return inf
        least, most = LIFETIME_SHARE
        lifetime = (expires - datetime.now(UTC)).total_seconds()
        return max(RERUN_SECONDS, lifetime * (least + (most - least) * self._jitter()))


def bearer(token: str) -> str:
    """The Authorization header for a token. Raises ValueError for what is no token."""
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("not a token")
    return f"Bearer {token}"
