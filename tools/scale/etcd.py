"""Objects straight into etcd, past the API server, which takes what it finds there for its own.

Stored as JSON, which the API server reads as well as the protobuf that it writes itself. Over etcd's
HTTP gateway, one transaction for each call.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

_TXN = "/v3/kv/txn"

Entry = tuple[str, bytes]
"""Key and value."""


class Etcd:
    """Use as an async context manager."""

    def __init__(self, plane: ControlPlane) -> None:
        ports = {process.name: process.port for process in plane.processes()}
        self._session = aiohttp.ClientSession(f"http://127.0.0.1:{ports['etcd']}", trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def put(self, entries: Iterable[Entry]) -> None:
        """All or none; at most 128, and 1.5 MB together."""
        puts = [{"requestPut": {"key": key.encode(), "value": value}} for key, value in entries]
        body = msgspec.json.encode({"success": puts})  # bytes as base64, as the gateway wants them
        try:
            async with self._session.post(_TXN, data=body) as answer:
                content = await answer.text()
        except aiohttp.ClientError as error:
            raise ControlPlaneError(f"etcd does not take objects: {error!r}") from error
        if answer.status != 200:
            raise ControlPlaneError(f"etcd does not take objects: status {answer.status}, {content[:500]}")
