"""The proxy passes on what it is not asked to spoil, and spoils what it is."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer
from tools.chaos.apiproxy import ApiProxy, Cut, Faults, Seen
from webhook.adapters import pki

PATH = "/api/v1/namespaces"
Scene = tuple[FaultServer, ApiProxy, aiohttp.ClientSession]


@asynccontextmanager
async def scene(folder: Path, spoil: Faults | None = None) -> AsyncIterator[Scene]:
    ca_file, certificate, key = pki.make_pair(folder, ["127.0.0.1"])
    tls = ssl.create_default_context(cafile=str(ca_file))
    async with FaultServer() as server:
        proxy = ApiProxy(server.url, ca_file, spoil)
        await proxy.start(certificate, key)
        try:
            connector = aiohttp.TCPConnector(ssl=tls)
            async with aiohttp.ClientSession(proxy.url, connector=connector) as client:
                yield server, proxy, client
        finally:
            await proxy.stop()


def play(folder: Path, act: Callable[[Scene], Awaitable[None]], spoil: Faults | None = None) -> None:
    async def run() -> None:
        async with asyncio.timeout(20), scene(folder, spoil) as made:
            await act(made)

    asyncio.run(run())


def test_a_request_and_its_answer_are_passed_on_whole(tmp_path: Path) -> None:
    async def act(made: Scene) -> None:
        server, proxy, client = made
        server.script("POST", PATH, faults.ok({"kind": "Namespace"}, code=201))
        body = {"metadata": {"name": "payments"}}
        async with client.post(f"{PATH}?fieldManager=a%26b", json=body) as answer:
            assert (answer.status, await answer.json()) == (201, {"kind": "Namespace"})
        [asked] = server.seen("POST", PATH)
        assert (asked.body, asked.query) == (body, {"fieldManager": "a&b"})
        [seen] = proxy.seen
        assert (seen.target, seen.status, seen.is_write) == (f"{PATH}/payments", 201, True)

    play(tmp_path, act)


@pytest.mark.parametrize(
    ("method", "path", "write"),
    [
        pytest.param("GET", PATH, False, id="a read"),
        pytest.param("DELETE", f"{PATH}/a/resourcequotas/default", True, id="a deletion"),
        pytest.param("PATCH", f"{PATH}/a/status", True, id="a condition"),
        pytest.param("POST", f"{PATH}/a/events", False, id="an event"),
        pytest.param("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", False, id="a lease"),
    ],
)
def test_what_counts_as_a_write(method: str, path: str, write: bool) -> None:
    assert Seen(0.0, method, path, {}, path).is_write == write


class Refusing(Faults):
    async def before(self, seen: Seen) -> web.Response | None:
        return web.Response(status=503, text="no")


class CutBefore(Faults):
    async def before(self, seen: Seen) -> web.Response | None:
        raise Cut


class CutAfter(Faults):
    async def after(self, seen: Seen) -> None:
        raise Cut


@pytest.mark.parametrize(
    ("spoil", "status", "asked"),
    [
        pytest.param(Faults(), 200, 1, id="nothing spoiled"),
        pytest.param(Refusing(), 503, 0, id="another answer"),
        pytest.param(CutBefore(), None, 0, id="cut before the server has seen it"),
        pytest.param(CutAfter(), None, 1, id="cut before the answer"),
    ],
)
def test_a_request_can_be_spoiled(spoil: Faults, status: int | None, asked: int, tmp_path: Path) -> None:
    async def act(made: Scene) -> None:
        server, _, client = made
        server.script("PATCH", PATH, faults.ok({}))
        found = None
        try:
            async with client.patch(PATH, data=b"{}") as answer:
                found = answer.status
        except aiohttp.ClientError:
            pass
        assert (found, len(server.seen("PATCH"))) == (status, asked)

    play(tmp_path, act, spoil)


class OneHourAhead(Faults):
    def date(self, text: str) -> str:
        return "Fri, 20 Nov 2026 23:00:00 GMT"


def test_the_server_can_be_made_to_tell_another_time(tmp_path: Path) -> None:
    async def act(made: Scene) -> None:
        server, _, client = made
        server.script("GET", PATH, faults.ok({}))
        async with client.get(PATH) as answer:
            assert answer.headers["Date"] == "Fri, 20 Nov 2026 23:00:00 GMT"

    play(tmp_path, act, OneHourAhead())


class Shouting(Faults):
    def query(self, seen: Seen) -> Mapping[str, str]:
        return {**seen.query, "limit": "5"}

    async def lines(self, seen: Seen, lines: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        async for line in lines:
            yield line.upper()


def test_the_events_of_a_watch_are_passed_on_as_they_come_and_can_be_changed(tmp_path: Path) -> None:
    async def act(made: Scene) -> None:
        server, _, client = made
        live = faults.Stream()
        server.script("WATCH", PATH, live)
        async with client.get(f"{PATH}?watch=true") as answer:
            live.send(b"one\ntw")
            assert await answer.content.readline() == b"ONE\n"
            live.send(b"o\n")
            assert await answer.content.readline() == b"TWO\n"
            live.finish()
            assert await answer.content.read() == b""
        [asked] = server.seen("WATCH")
        assert asked.query == {"watch": "true", "limit": "5"}

    play(tmp_path, act, Shouting())


def test_watches_can_be_ended_in_good_order_and_leave_nothing_for_the_next_request(tmp_path: Path) -> None:
    async def act(made: Scene) -> None:
        server, proxy, client = made
        live = faults.Stream()
        server.script("WATCH", PATH, live)
        server.script("GET", PATH, faults.ok({"fresh": True}))
        async with client.get(f"{PATH}?watch=true") as answer:
            live.send(b"one\n")
            assert await answer.content.readline() == b"one\n"
            await proxy.end_watches()
            assert await answer.content.read() == b""
        live.send(b"of nobody\n")
        async with client.get(PATH) as answer:
            assert json.loads(await answer.read()) == {"fresh": True}

    play(tmp_path, act)
