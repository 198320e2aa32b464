"""The few requests the harness itself makes, as cluster administrator, over the standard library."""

import contextlib
import functools
import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout

_TIMEOUT_SECONDS = 5
_REQUESTS_TOTAL = re.compile(r"^apiserver_request_total\{([^}]*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    status: int  # 0: nobody answered
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"null")


NO_ANSWER = Answer(0, b"")


class Api:
    def __init__(self, layout: Layout, token: str) -> None:
        self._layout = layout
        self._token = token

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def send(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - our own loopback URL
            self._layout.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            | dict(headers or {}),
        )
        return _open(self._opener, request)

    def counters(self) -> dict[tuple[str, str], int]:
        """Requests served so far by (verb, resource); verbs as the metric spells them: LIST, APPLY, ..."""
        metrics = self.get("/metrics")
        if metrics.status != 200:
            raise ControlPlaneError(f"the API server's metrics cannot be read (status {metrics.status})")
        totals: Counter[tuple[str, str]] = Counter()
        for labels, value in _REQUESTS_TOTAL.findall(metrics.body.decode()):
            label = dict(_LABEL.findall(labels))
            totals[label["verb"], label["resource"]] += int(float(value))
        return dict(totals)

    @functools.cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        """Trusts this plane's certificate alone, which exists once its API server has started."""
        context = ssl.create_default_context(cafile=self._layout.ca_file)
        return _direct(urllib.request.HTTPSHandler(context=context))


def get_insecure(url: str) -> Answer:
    """A health check of a server that holds no secret and gets none."""
    context = ssl._create_unverified_context()  # noqa: S323
    return _open(_direct(urllib.request.HTTPSHandler(context=context)), urllib.request.Request(url))  # noqa: S310


def _direct(handler: urllib.request.HTTPSHandler) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)


def _open(opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Answer:
    """Of a server that goes away in mid-connection, Python's TLS socket is freed but not closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                return Answer(error.code, error.read())
        except (OSError, http.client.HTTPException):
            pass
    return NO_ANSWER
