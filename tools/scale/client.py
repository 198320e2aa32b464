"""Requests of anybody: the cluster administrator impersonates whom they are made as."""

import ssl
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.scale.damage import ADMINS, Actor

MERGE = "application/merge-patch+json"
JSON = "application/json"
LIMIT_SECONDS = 60.0
CONNECTIONS = 64


class Client:
    """Use as an async context manager. Any answer but a 2xx is a ControlPlaneError."""

    def __init__(self, plane: ControlPlane) -> None:
        self._session = aiohttp.ClientSession(
            plane.url,
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS, ssl=ssl.create_default_context(cafile=str(plane.ca_file))
            ),
            headers={"Authorization": f"Bearer {plane.admin_token}"},
            timeout=aiohttp.ClientTimeout(total=LIMIT_SECONDS),
            trust_env=False,  # a proxy would be asked for loopback addresses, too
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> Any:
        return await self.send("GET", path)

    async def find(self, path: str) -> Any:
        """None where there is nothing."""
        status, content = await self._exchange("GET", path, None, None)
        return None if status == 404 else _body("GET", path, status, content)

    async def send(self, method: str, path: str, body: Any = None, *, actor: Actor | None = None) -> Any:
        """The answer's body; a PATCH is a merge patch."""
        return _body(method, path, *await self._exchange(method, path, body, actor))

    async def attempt(self, method: str, path: str, body: Any = None, *, actor: Actor | None = None) -> bool:
        """Whether the object was there to do it to."""
        status, content = await self._exchange(method, path, body, actor)
        if status == 404:
            return False
        _body(method, path, status, content)
        return True

    async def _exchange(self, method: str, path: str, body: Any, actor: Actor | None) -> tuple[int, bytes]:
        headers = [("Content-Type", MERGE if method == "PATCH" else JSON)]
        if actor is not None:
            headers += [("Impersonate-User", actor.user)]
            headers += [("Impersonate-Group", group) for group in actor.groups]
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(method, path, data=data, headers=headers) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ControlPlaneError(f"{method} {path}: {error!r}") from error


def _body(method: str, path: str, status: int, content: bytes) -> Any:
    if status >= 300:
        raise ControlPlaneError(f"{method} {path}: status {status}, {content[:500]!r}")
    return msgspec.json.decode(content)


def grant_admins(plane: ControlPlane) -> None:
    """RBAC's part of what an administrator needs; the policies' part is the group's name."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "scale-administrators"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": ADMINS}],
    }
    plane.kubectl("apply", "-f", "-", stdin=msgspec.json.encode(binding).decode())
