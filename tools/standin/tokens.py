"""ServiceAccount tokens of one Pod, renewed in time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.standin.cluster import Cluster, passing, said
from tools.standin.errors import NotYetError

_OF_ITS_LIFE, _AT_MOST_SECONDS = 0.8, 24 * 3600.0
_DEFAULT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class _Token:
    value: bytes
    renewed_from: float


class Tokens:
    """Bound to the Pod, so they end with it. `clock` is in seconds; tokens are renewed by it."""

    def __init__(self, cluster: Cluster, pod: Mapping[str, Any], clock: Callable[[], float]) -> None:
        self._cluster, self._pod, self._clock = cluster, pod, clock
        self._tokens: dict[tuple[str, int], _Token] = {}

    def get(self, audience: str, seconds: int | None) -> bytes:
        """As a kubelet: another one from 80 % of its life on, or a day. Raises NotYetError without any."""
        key = (audience, seconds or _DEFAULT_SECONDS)
        known = self._tokens.get(key)
        if known is None or self._clock() >= known.renewed_from:
            known = self._tokens[key] = self._request(*key, known)
        return known.value

    def _request(self, audience: str, seconds: int, former: _Token | None) -> _Token:
        """The API server's trouble is none as long as there is a former token."""
        metadata, account = self._pod["metadata"], self._pod["spec"].get("serviceAccountName", "default")
        bound = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        spec: dict[str, Any] = {"expirationSeconds": seconds, "boundObjectRef": bound}
        spec["audiences"] = [audience] if audience else []
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        requested = self._clock()
        answer = self._cluster.send("POST", path, {"spec": spec})
        if answer.status != 201:
            if former is not None and passing(answer):
                return former
            raise NotYetError("FailedMount", f"no token for {account}: {said(answer)}")
        granted = answer.json()
        life = min(granted["spec"]["expirationSeconds"] * _OF_ITS_LIFE, _AT_MOST_SECONDS)
        return _Token(granted["status"]["token"].encode(), requested + life)
