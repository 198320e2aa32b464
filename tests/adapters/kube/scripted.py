"""A transport without sockets, for tests in virtual time: how often, and when, is the server asked?"""

from collections.abc import AsyncGenerator, Callable

from tests.controller.virtualtime import running_loop
from webhook.adapters.kube.transport import Query, Transport
from webhook.core.errors import RejectedError
from webhook.core.model import Manifest

STORM = 2000
"""Requests in one test after which it is given up: code that never pauses would never end."""


class ScriptedTransport(Transport):
    """Each callable makes the answer to one kind of request; `times` says when each was asked.

    `initial` is for watches with initial events; without it they are refused, as old servers do. A list
    of a single object only asks for the version: `version` says that of the history, by default none
    that could have been rewound.
    """

    def __init__(
        self,
        *,
        get: Callable[[], Manifest] | None = None,
        lists: Callable[[], list[Manifest]] | None = None,
        watch: Callable[[], AsyncGenerator[Manifest]],
        initial: Callable[[], AsyncGenerator[Manifest]] | None = None,
        version: Callable[[], int] = lambda: 10**9,
    ) -> None:
        self._scripts = get, lists, watch
        self._initial = initial
        self._version = version
        self.times: dict[str, list[float]] = {
            "get": [],
            "list": [],
            "version": [],
            "watch": [],
            "initial": [],
        }
        self.queries: list[Query] = []

    def pauses(self, verb: str) -> list[float]:
        times = self.times[verb]
        return [after - before for before, after in zip([0.0, *times], times, strict=False)][1:]

    def total(self) -> int:
        return sum(len(times) for times in self.times.values())

    async def get(self, path: str) -> Manifest:
        self._note("get")
        assert self._scripts[0] is not None
        return self._scripts[0]()

    async def pages(self, path: str, query: Query) -> AsyncGenerator[Manifest]:
        if query.get("limit") == "1":
            self._note("version")
            yield {"metadata": {"resourceVersion": str(self._version())}, "items": []}
            return
        self._note("list")
        assert self._scripts[1] is not None
        for page in self._scripts[1]():
            yield page

    async def watch(self, path: str, query: Query) -> AsyncGenerator[Manifest]:
        if "sendInitialEvents" in query:
            self._note("initial")
            if self._initial is None:
                raise RejectedError("422 Invalid", code=422, reason="Invalid")
            async for event in self._initial():
                yield event
            return
        self._note("watch")
        self.queries.append(query)
        async for event in self._scripts[2]():
            yield event

    def _note(self, verb: str) -> None:
        self.times[verb].append(running_loop().time())
        assert self.total() < STORM, "a storm of requests"
