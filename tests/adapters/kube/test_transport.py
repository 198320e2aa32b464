"""What the transport puts on the wire, and what it makes of answers, good and bad."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from tests.adapters.kube import faults
from tests.adapters.kube.faults import TOKEN, FaultServer, access, manifest
from tests.controller.support import Told, until
from webhook import __version__
from webhook.adapters import pki, tls
from webhook.adapters.kube import clienttls, throttle
from webhook.adapters.kube import transport as transports
from webhook.adapters.kube.clienttls import ClientTls
from webhook.adapters.kube.credentials import CredentialsError
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    CredentialsRejectedError,
    ExpiredError,
    LeadershipLostError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces"
ONE = f"{PATH}/payments"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


STRICT = {"fieldManager": "ns-provisioner", "fieldValidation": "Strict"}


@pytest.mark.parametrize(
    ("call", "verb", "path", "query", "kind"),
    [
        pytest.param(
            lambda it: it.create(PATH, manifest()), "POST", PATH, STRICT, "application/json", id="create"
        ),
        pytest.param(
            lambda it: it.apply(ONE, manifest()),
            "PATCH",
            ONE,
            {**STRICT, "force": "true"},
            "application/apply-patch+yaml",
            id="apply, which is always forced",
        ),
        pytest.param(
            lambda it: it.replace(ONE, manifest()), "PUT", ONE, STRICT, "application/json", id="replace"
        ),
        pytest.param(
            lambda it: it.merge(ONE, manifest()),
            "PATCH",
            ONE,
            STRICT,
            "application/merge-patch+json",
            id="merge",
        ),
    ],
)
async def test_a_write_says_who_writes_and_asks_for_strict_validation(
    server: FaultServer,
    transport: Transport,
    call: Callable[[Transport], Awaitable[Manifest]],
    verb: str,
    path: str,
    query: dict[str, str],
    kind: str,
) -> None:
    server.script(verb, path, faults.ok(manifest(version=7)))
    assert await call(transport) == manifest(version=7)
    [seen] = server.requests
    assert (seen.verb, seen.path, seen.query, seen.body) == (verb, path, query, manifest())
    assert seen.headers["Content-Type"] == kind


async def test_a_delete_names_the_uid_it_means(server: FaultServer, transport: Transport) -> None:
    server.script("DELETE", ONE, faults.ok(faults.status(200, "", "")))
    await transport.delete(ONE, uid="uid-1")
    [seen] = server.requests
    assert seen.body == {"preconditions": {"uid": "uid-1"}}
    assert seen.headers["Content-Type"] == "application/json"


async def test_a_delete_may_name_the_version_it_means(server: FaultServer, transport: Transport) -> None:
    server.script("DELETE", ONE, faults.ok(faults.status(200, "", "")))
    await transport.delete(ONE, uid="uid-1", resource_version="7")
    [seen] = server.requests
    assert seen.body == {"preconditions": {"uid": "uid-1", "resourceVersion": "7"}}


async def test_every_request_says_who_we_are(server: FaultServer, transport: Transport) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    assert await transport.get(ONE) == manifest()
    async with aclosing(transport.watch(PATH, {})) as events:
        server.script("WATCH", PATH, faults.stream())
        assert [event async for event in events] == []
    for seen in server.requests:
        assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
        assert seen.headers["User-Agent"] == f"ns-provisioner/{__version__}"
        assert seen.headers["Accept"] == "application/json"


async def test_a_proxy_of_the_credentials_is_asked_instead_of_the_server(server: FaultServer) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    behind = dataclasses.replace(access("http://cluster.invalid:6443"), proxy=server.url)
    async with Transport(behind) as transport:
        assert await transport.get(ONE) == manifest()
        server.script("WATCH", PATH, faults.stream())
        async with aclosing(transport.watch(PATH, {})) as events:
            assert [event async for event in events] == []
    assert {seen.headers["Host"] for seen in server.requests} == {"cluster.invalid:6443"}


@pytest.mark.parametrize("server_name", ["api.internal", "api.elsewhere", None])
async def test_the_server_s_certificate_is_for_the_name_that_the_credentials_say(
    tmp_path: Path, server_name: str | None
) -> None:
    authority, certificate, key = pki.make_pair(tmp_path, ["api.internal"])
    async with FaultServer(tls.server_context(certificate, key)) as server:
        server.script("GET", ONE, faults.ok(manifest()))
        server.script("WATCH", PATH, faults.stream())
        trusting = ClientTls(str(authority))
        credentials = dataclasses.replace(access(server.url), tls=trusting, server_name=server_name)
        async with Transport(credentials) as transport:
            for call in (_get, _watch):
                if server_name == "api.internal":
                    await call(transport)
                else:
                    with pytest.raises(ClusterUnavailableError, match="certificate"):
                        await call(transport)


async def _get(transport: Transport) -> None:
    assert await transport.get(ONE) == manifest()


async def _watch(transport: Transport) -> None:
    async with aclosing(transport.watch(PATH, {})) as events:
        assert [event async for event in events] == []


@dataclass
class Tokens:
    """Implements Credentials with tokens that a test sets: `next` is what renewing brings, if anything."""

    header: str | None = "Bearer first"
    next: str | None = None
    broken: str = ""
    renewals: list[str | None] = field(default_factory=list)

    async def authorization(self) -> str | None:
        return self.header

    async def renew(self, rejected: str | None) -> bool:
        self.renewals.append(rejected)
        if self.broken:
            raise CredentialsError(self.broken)
        if self.next is None:
            return False
        self.header = self.next
        return True


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def changing(server: FaultServer, tokens: Tokens) -> AsyncIterator[Transport]:
    """A transport with those tokens."""
    async with Transport(dataclasses.replace(access(server.url), credentials=tokens)) as connected:
        yield connected


def authorizations(server: FaultServer) -> list[str | None]:
    return [seen.headers.get("Authorization") for seen in server.requests]


async def test_the_token_is_asked_for_anew_for_each_request(
    server: FaultServer, tokens: Tokens, changing: Transport
) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    await changing.get(ONE)
    tokens.header = "Bearer second"
    await changing.get(ONE)
    assert authorizations(server) == ["Bearer first", "Bearer second"]


async def test_without_a_token_no_authorization_is_sent(
    server: FaultServer, tokens: Tokens, changing: Transport
) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    tokens.header = None
    await changing.get(ONE)
    assert authorizations(server) == [None]


TOO_LARGE = faults.status(504, "Timeout", "x", details={"causes": [{"reason": "ResourceVersionTooLarge"}]})
UNAUTHORIZED = faults.failure(401, "Unauthorized", "Unauthorized")


async def _apply(transport: Transport) -> None:
    assert await transport.apply(ONE, manifest()) == manifest()


@pytest.mark.parametrize(
    ("verb", "path", "call", "good"),
    [
        pytest.param("GET", ONE, lambda it: _get(it), faults.ok(manifest()), id="a read"),
        pytest.param("PATCH", ONE, lambda it: _apply(it), faults.ok(manifest()), id="a write"),
        pytest.param("WATCH", PATH, lambda it: _watch(it), faults.stream(), id="a watch"),
    ],
)
async def test_a_rejected_token_is_renewed_and_the_call_made_once_more(
    server: FaultServer,
    tokens: Tokens,
    changing: Transport,
    verb: str,
    path: str,
    call: Callable[[Transport], Awaitable[None]],
    good: faults.Answer,
) -> None:
    tokens.next = "Bearer second"
    server.script(verb, path, UNAUTHORIZED, good)
    await call(changing)
    assert tokens.renewals == ["Bearer first"]
    assert authorizations(server) == ["Bearer first", "Bearer second"]


async def test_a_renewed_token_that_is_rejected_too_is_not_renewed_once_more(
    server: FaultServer, tokens: Tokens, changing: Transport
) -> None:
    tokens.next = "Bearer second"
    server.script("GET", ONE, UNAUTHORIZED)
    with pytest.raises(CredentialsRejectedError) as rejected:
        await changing.get(ONE)
    assert rejected.value.code == 401
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        pytest.param("", "there are no others", id="there is no other token"),
        pytest.param("the plug-in has failed", "the plug-in has failed", id="it cannot be renewed"),
    ],
)
async def test_without_another_token_a_rejection_is_passing_trouble_with_a_clear_text(
    server: FaultServer, tokens: Tokens, changing: Transport, broken: str, says: str
) -> None:
    """Passing, for who issues our credentials may yet recover: the object is not to blame."""
    tokens.broken = broken
    for verb, path in (("PATCH", ONE), ("WATCH", PATH)):
        server.script(verb, path, UNAUTHORIZED)
    for call in (_apply, _watch):
        with pytest.raises(CredentialsRejectedError, match=says):
            await call(changing)
    assert len(server.requests) == 2


async def test_proxies_of_the_environment_are_not_used(
    server: FaultServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server.script("GET", ONE, faults.ok(manifest()))
    assert await transport.get(ONE) == manifest()


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        pytest.param(faults.failure(404, "NotFound", "x"), NotFoundError, 404, id="404"),
        pytest.param(faults.failure(409, "Conflict", "x"), ConflictError, 409, id="409"),
        pytest.param(faults.failure(410, "Expired", "x"), ExpiredError, 410, id="410"),
        pytest.param(faults.failure(422, "Invalid", "x"), RejectedError, 422, id="422"),
        pytest.param(faults.html(503), ClusterUnavailableError, 503, id="503 of a proxy"),
        pytest.param(faults.raw(b"<html>hi</html>"), ClusterUnavailableError, 0, id="200 that is HTML"),
        pytest.param(faults.raw(b"[]"), ClusterUnavailableError, 0, id="200 that is no object"),
        pytest.param(faults.raw(b'{"a": '), ClusterUnavailableError, 0, id="200 that is half an object"),
        pytest.param(faults.raw(b"\xff\xff"), ClusterUnavailableError, 0, id="200 that is no text"),
        pytest.param(faults.raw(b""), ClusterUnavailableError, 0, id="200 without a body"),
        pytest.param(faults.cut_answer(), ClusterUnavailableError, 0, id="a connection cut in the body"),
    ],
)
async def test_an_answer_that_is_no_success_is_one_error_for_reads_and_writes(
    server: FaultServer,
    transport: Transport,
    answer: faults.Answer,
    expected: type[ClusterError],
    code: int,
) -> None:
    for verb in ("GET", "PATCH"):
        server.script(verb, ONE, answer)
    with pytest.raises(expected) as read:
        await transport.get(ONE)
    with pytest.raises(expected) as write:
        await transport.apply(ONE, manifest())
    assert (read.value.code, write.value.code) == (code, code)


async def test_retry_after_reaches_the_caller(server: FaultServer, transport: Transport) -> None:
    server.script("GET", ONE, faults.failure(429, "TooManyRequests", "slow", Retry_After="7"))
    with pytest.raises(ClusterUnavailableError) as raised:
        await transport.get(ONE)
    assert raised.value.retry_after == 7


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_a_redirect_is_an_error_and_not_followed(
    server: FaultServer, transport: Transport, code: int
) -> None:
    """Followed, a PATCH could become a GET whose answer looks like a success."""
    server.script("POST", PATH, faults.raw(b"", code=code, Location="/elsewhere"))
    for verb in ("GET", "POST"):
        server.script(verb, "/elsewhere", faults.ok(manifest()))
    with pytest.raises(ClusterError):
        await transport.create(PATH, manifest())
    assert [seen.path for seen in server.requests] == [PATH]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.failure(403, "Forbidden", "x"), id="a refusal"),
        pytest.param(faults.html(), id="HTML"),
        pytest.param(faults.cut_answer(), id="a cut"),
        pytest.param(faults.raw(b"no"), id="no JSON"),
    ],
)
async def test_secrets_are_in_no_error(
    server: FaultServer, transport: Transport, answer: faults.Answer
) -> None:
    server.script("PATCH", ONE, answer)
    with pytest.raises(ClusterError) as raised:
        await transport.apply(ONE, {**manifest(), "stringData": {"password": "hunter2"}})
    chain: BaseException | None = raised.value
    while chain is not None:
        assert TOKEN not in f"{chain} {chain!r}"
        assert "hunter2" not in f"{chain} {chain!r}"
        chain = chain.__cause__
    assert TOKEN not in repr(access(server.url))


async def test_a_server_that_is_not_there_is_passing_trouble() -> None:
    async with FaultServer() as stopped:
        url = stopped.url
    async with Transport(access(url)) as transport:
        with pytest.raises(ClusterUnavailableError, match="cannot be reached"):
            await transport.get(ONE)


async def test_a_call_that_gets_no_answer_is_given_up(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "CALL_SECONDS", 0.05)
    for verb in ("GET", "PATCH"):
        server.script(verb, ONE, faults.silence())
    async with Transport(access(server.url)) as transport:
        with pytest.raises(ClusterUnavailableError, match="cannot be reached"):
            await transport.get(ONE)
        with pytest.raises(ClusterUnavailableError, match="cannot be reached"):
            await transport.apply(ONE, manifest())


async def test_writes_in_flight_are_limited_and_a_given_up_one_makes_room(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "WRITES_AT_FIRST", 2)
    gate = asyncio.Event()
    server.script("PATCH", ONE, faults.gated(gate, faults.ok(manifest())))
    server.script("GET", ONE, faults.ok(manifest()))
    async with Transport(access(server.url)) as transport:
        writes = [asyncio.create_task(transport.apply(ONE, manifest())) for _ in range(3)]
        await until(lambda: len(server.seen("PATCH")) == 2, "two writes are on their way")
        await transport.get(ONE)  # reads do not wait for writes
        assert len(server.seen("PATCH")) == 2
        writes[0].cancel()
        await until(lambda: len(server.seen("PATCH")) == 3, "the third took its place")
        gate.set()
        assert await writes[2] == manifest()
        await asyncio.wait(writes)


async def test_lists_and_reads_at_once_are_limited_and_watches_are_not_counted(
    server: FaultServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "READS_AT_ONCE", 1)
    gate, live = asyncio.Event(), faults.Stream()
    server.script("WATCH", PATH, live)
    server.script("GET", ONE, faults.gated(gate, faults.ok(manifest())))
    server.script("GET", PATH, faults.page(version=1))
    watching = asyncio.create_task(_watch(transport))
    await live.opened.wait()
    reading = asyncio.create_task(transport.get(ONE))
    await until(lambda: server.seen("GET"), "the read is on its way")
    listing = asyncio.create_task(anext(transport.pages(PATH, {})))
    server.script("PATCH", ONE, faults.ok(manifest()))
    await _apply(transport)  # writes do not wait for reads
    assert len(server.seen("GET")) == 1
    gate.set()
    await asyncio.gather(reading, listing)
    assert len(server.seen("GET")) == 2
    live.finish()
    await watching


async def test_trouble_halves_the_writes_once_and_is_counted(server: FaultServer) -> None:
    told = Told()
    server.script("PATCH", ONE, faults.failure(503, "ServiceUnavailable", "x"))
    async with Transport(access(server.url), metrics=told.metrics) as transport:
        assert told.value("nsp_api_writes_limit") == 24
        writes = (transport.apply(ONE, manifest()) for _ in range(24))
        await asyncio.gather(*writes, return_exceptions=True)
        assert told.value("nsp_api_writes_limit") == 12
    assert told.value("nsp_api_throttled_total") == 24
    assert told.value("nsp_api_requests_total", verb="apply", code="503") == 24


async def test_a_write_without_an_answer_in_time_is_trouble_too(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "CALL_SECONDS", 0.05)
    told = Told()
    server.script("PATCH", ONE, faults.silence())
    async with Transport(access(server.url), metrics=told.metrics) as transport:
        with pytest.raises(ClusterUnavailableError):
            await transport.apply(ONE, manifest())
    assert told.value("nsp_api_writes_limit") == 12
    assert told.value("nsp_api_requests_total", verb="apply", code="0") == 1


async def test_answers_about_the_object_let_the_number_of_writes_grow(server: FaultServer) -> None:
    """The server was well enough to say so."""
    told = Told()
    server.script("PATCH", ONE, faults.failure(409, "Conflict", "x"), faults.ok(manifest()))
    async with Transport(access(server.url), metrics=told.metrics) as transport:
        for _ in range(25):
            with suppress(ConflictError):
                await transport.apply(ONE, manifest())
    assert told.value("nsp_api_writes_limit") == 25


@pytest.mark.parametrize("verb", ["PATCH", "GET", "WATCH"])
async def test_retry_after_of_any_answer_holds_all_writes_until_then(
    server: FaultServer, transport: Transport, verb: str
) -> None:
    calls: dict[str, Callable[[Transport], Awaitable[None]]] = {"PATCH": _apply, "GET": _get, "WATCH": _watch}
    server.script(
        verb, PATH if verb == "WATCH" else ONE, faults.failure(429, "TooMany", "x", Retry_After="1")
    )
    with pytest.raises(ClusterUnavailableError) as busy:
        await calls[verb](transport)
    assert busy.value.retry_after == 1
    heard = time.monotonic()
    arrived: list[float] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        arrived.append(time.monotonic())
        return await faults.ok(manifest())(request)

    other = f"{PATH}/other"
    server.script("PATCH", other, answer)
    await asyncio.gather(*(transport.apply(other, manifest()) for _ in range(3)))
    assert min(arrived) >= heard + 0.99


async def test_retry_after_of_a_read_holds_reads_and_a_write_s_does_not(
    server: FaultServer, transport: Transport
) -> None:
    server.script("PATCH", ONE, faults.failure(429, "TooManyRequests", "x", Retry_After="60"))
    with pytest.raises(ClusterUnavailableError):
        await transport.apply(ONE, manifest())
    server.script(
        "GET", ONE, faults.ok(manifest()), faults.failure(429, "TooManyRequests", "x", Retry_After="60")
    )
    async with asyncio.timeout(10):
        assert await transport.get(ONE) == manifest()
    with pytest.raises(ClusterUnavailableError):
        await transport.get(ONE)
    held = asyncio.create_task(transport.get(ONE))
    await asyncio.sleep(0)
    server.script("WATCH", PATH, faults.stream())
    await _watch(transport)
    assert len(server.seen("GET")) == 2
    held.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.failure(400, "BadRequest", "x", Retry_After="60"), id="is about the request"),
        pytest.param(faults.failure(500, "InternalError", "x", Retry_After="60"), id="is of no kind known"),
        pytest.param(
            faults.raw(json.dumps(TOO_LARGE).encode(), code=504, Retry_After="60"), id="is about a version"
        ),
    ],
)
async def test_no_call_is_held_by_retry_after_of_an_answer_that(
    server: FaultServer, transport: Transport, answer: faults.Answer
) -> None:
    for verb in ("PATCH", "GET"):
        server.script(verb, ONE, answer, faults.ok(manifest()))
    for call in (_apply, _get):
        with pytest.raises(ClusterError):
            await call(transport)
        async with asyncio.timeout(10):
            await call(transport)


async def test_calls_are_counted_by_verb_and_answer(server: FaultServer) -> None:
    told = Told()
    for verb, path in (("GET", ONE), ("POST", PATH), ("PATCH", ONE), ("PUT", ONE), ("DELETE", ONE)):
        server.script(verb, path, faults.ok(manifest(), code=201 if verb == "POST" else 200))
    server.script("GET", PATH, faults.page(version=1))
    server.script("WATCH", PATH, faults.stream())
    async with Transport(access(server.url), metrics=told.metrics) as transport:
        await transport.get(ONE)
        async for _ in transport.pages(PATH, {}):
            pass
        await transport.create(PATH, manifest())
        await transport.apply(ONE, manifest())
        await transport.merge(ONE, manifest())
        await transport.replace(ONE, manifest())
        await transport.delete(ONE, uid="1")
        await _watch(transport)
        with pytest.raises(NotFoundError):
            await transport.get("/nowhere")
    for verb in ("get", "list", "apply", "merge", "update", "delete", "watch"):
        assert told.value("nsp_api_requests_total", verb=verb, code="200") == 1, verb
    assert told.value("nsp_api_requests_total", verb="create", code="201") == 1
    assert told.value("nsp_api_requests_total", verb="get", code="404") == 1


WRITES = [
    pytest.param(lambda it: it.create(PATH, manifest()), id="create"),
    pytest.param(lambda it: it.apply(ONE, manifest()), id="apply"),
    pytest.param(lambda it: it.merge(ONE, manifest()), id="merge"),
    pytest.param(lambda it: it.replace(ONE, manifest()), id="replace"),
    pytest.param(lambda it: it.delete(ONE, uid="1"), id="delete"),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("left", [0.0, -5.0])
async def test_without_time_left_no_write_is_sent(
    server: FaultServer, transport: Transport, write: Callable[[Transport], Awaitable[object]], left: float
) -> None:
    with pytest.raises(LeadershipLostError):
        await write(transport.fenced(lambda: left))
    assert server.requests == []


async def test_reads_go_through_a_fence_and_the_transport_behind_it_has_none(
    server: FaultServer, transport: Transport
) -> None:
    fenced = transport.fenced(lambda: 0.0)
    server.script("GET", ONE, faults.ok(manifest()))
    server.script("GET", PATH, faults.page(version=1))
    server.script("WATCH", PATH, faults.stream())
    server.script("PATCH", ONE, faults.ok(manifest()))
    await _get(fenced)
    assert [page async for page in fenced.pages(PATH, {})]
    await _watch(fenced)
    await _apply(transport)
    assert fenced.server_time is transport.server_time


async def test_the_fence_is_asked_when_the_write_s_turn_has_come(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leadership may be lost while a write waits; the limit is one for both views."""
    monkeypatch.setattr(throttle, "WRITES_AT_FIRST", 1)
    gate = asyncio.Event()
    server.script("PATCH", ONE, faults.gated(gate, faults.ok(manifest())))
    left = 10.0
    async with Transport(access(server.url)) as transport:
        first = asyncio.create_task(transport.apply(ONE, manifest()))
        await until(lambda: server.seen("PATCH"), "the first write is on its way")
        second = asyncio.create_task(transport.fenced(lambda: left).apply(ONE, manifest()))
        await asyncio.sleep(0)
        left = 0.0
        gate.set()
        assert await first == manifest()
        with pytest.raises(LeadershipLostError):
            await second
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.silence(), id="never comes"),
        pytest.param(faults.stream(b'{"kind"', then="hold"), id="never ends"),
    ],
)
async def test_a_write_gets_no_more_time_than_the_fence_has_left_where_the_answer(
    server: FaultServer, transport: Transport, answer: faults.Answer
) -> None:
    server.script("PATCH", ONE, answer)
    began = time.monotonic()
    with pytest.raises(ClusterUnavailableError, match="cannot be reached"):
        await transport.fenced(lambda: 0.05).apply(ONE, manifest())
    assert time.monotonic() - began < transports.CALL_SECONDS / 2


async def test_a_write_through_a_fence_that_is_rejected_asks_again(
    server: FaultServer, tokens: Tokens, changing: Transport
) -> None:
    tokens.next = "Bearer second"
    server.script("PATCH", ONE, UNAUTHORIZED, faults.ok(manifest()))
    with pytest.raises(LeadershipLostError):
        await changing.fenced(lambda: 0.0 if server.requests else 5.0).apply(ONE, manifest())
    assert len(server.requests) == 1


async def test_the_time_of_a_call_is_not_rounded_up() -> None:
    """aiohttp would give a fence of 5.1 s up to a whole second more."""
    assert transports._bounded(5.1).ceil_threshold == float("inf")


async def test_every_answer_tells_the_server_s_time(server: FaultServer, transport: Transport) -> None:
    assert transport.server_time.now() is None
    noon = "Sun, 01 Mar 2026 12:00:00 GMT"
    server.script("PATCH", ONE, faults.raw(b"{}", code=503, Date=noon))
    with pytest.raises(ClusterUnavailableError):
        await transport.apply(ONE, manifest())
    told = transport.server_time.now()
    assert told is not None
    assert (told.year, told.hour) == (2026, 12)


async def test_a_date_in_retry_after_is_set_against_the_server_s_clock(
    server: FaultServer, transport: Transport
) -> None:
    dates = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT", "Retry_After": "Sun, 01 Mar 2026 12:00:07 GMT"}
    server.script("GET", ONE, faults.raw(b"", code=429, **dates))
    with pytest.raises(ClusterUnavailableError) as busy:
        await transport.get(ONE)
    assert busy.value.retry_after == pytest.approx(7, abs=0.5)


async def test_a_new_authority_is_trusted_without_a_restart_and_running_watches_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clienttls, "DISTRUST_SECONDS", 0.0)
    old, new = (pki.make_pair(tmp_path / name, ["localhost", "127.0.0.1"]) for name in ("old", "new"))
    authority = tmp_path / "ca.crt"
    authority.write_bytes(old[0].read_bytes())
    serving = tls.server_context(old[1], old[2])
    live = faults.Stream()
    async with FaultServer(serving) as server:
        server.script("GET", ONE, faults.raw(json.dumps(manifest()).encode(), Connection="close"))
        server.script("WATCH", PATH, live)
        trusting = dataclasses.replace(access(server.url), tls=ClientTls(str(authority)))
        async with Transport(trusting) as transport:
            watching = asyncio.create_task(events_of(transport))
            await live.opened.wait()
            await _get(transport)
            serving.load_cert_chain(new[1], new[2])
            for _ in range(2):  # the new authority has not come yet
                with pytest.raises(ClusterUnavailableError, match="certificate"):
                    await _get(transport)
            authority.write_bytes(new[0].read_bytes())
            await _get(transport)
            live.send(A)
            live.finish()
            assert await watching == (["a"], None)


async def test_a_list_is_read_page_by_page(server: FaultServer, transport: Transport) -> None:
    token = "a+b/c=%20&x"
    server.script(
        "GET",
        PATH,
        faults.page(manifest("a"), version=5, token=token),
        faults.page(manifest("b"), version=5, token="last"),
        faults.page(version=5),
    )
    pages = [page async for page in transport.pages(PATH, {"labelSelector": "a/b=c"})]
    assert [item["metadata"]["name"] for page in pages for item in page["items"]] == ["a", "b"]
    common = {"labelSelector": "a/b=c", "limit": str(transports.PAGE_SIZE)}
    assert [seen.query for seen in server.requests] == [
        common,
        {**common, "continue": token},
        {**common, "continue": "last"},
    ]


async def test_a_list_that_takes_too_long_to_read_has_expired(
    server: FaultServer, transport: Transport
) -> None:
    server.script(
        "GET", PATH, faults.page(version=5, token="t"), faults.failure(410, "Expired", "continue token")
    )
    with pytest.raises(ExpiredError):
        async for _ in transport.pages(PATH, {}):
            pass


async def events_of(transport: Transport) -> tuple[list[str], ClusterError | None]:
    """The names in the events of one watch, and what ended it."""
    names = []
    try:
        async with aclosing(transport.watch(PATH, {"labelSelector": "a=b"})) as events:
            async for event in events:
                names.append(event["object"]["metadata"]["name"])
    except ClusterError as error:
        return names, error
    return names, None


A, B = (faults.event("ADDED", manifest(name)) for name in "ab")


@pytest.mark.parametrize(
    ("pieces", "then", "names", "broken"),
    [
        pytest.param((A, B), "end", ["a", "b"], False, id="two events and the end"),
        pytest.param((), "end", [], False, id="an end at once"),
        pytest.param((A + B,), "end", ["a", "b"], False, id="two events in one piece"),
        pytest.param((A[:10], A[10:] + B[:5], B[5:]), "end", ["a", "b"], False, id="events in many pieces"),
        pytest.param((A, b"\n\n", B), "end", ["a", "b"], False, id="empty lines"),
        pytest.param((A, B[:-1]), "end", ["a"], False, id="an end before the newline of an event"),
        pytest.param((A, B[:20]), "cut", ["a"], True, id="a cut inside a line"),
        pytest.param((A,), "cut", ["a"], True, id="a cut between lines"),
        pytest.param((A, b"<html>\n", B), "end", ["a"], True, id="a line that is no JSON"),
        pytest.param((A, b"[]\n", B), "end", ["a"], True, id="a line that is no object"),
        pytest.param((A, b"{}\n", B), "end", ["a"], True, id="a line that is no event"),
        pytest.param((b'{"type": "ADDED", "object": 1}\n',), "end", [], True, id="an event about nothing"),
    ],
)
async def test_a_watch_gives_whole_events_only(
    server: FaultServer,
    transport: Transport,
    pieces: tuple[bytes, ...],
    then: str,
    names: list[str],
    broken: bool,
) -> None:
    server.script("WATCH", PATH, faults.stream(*pieces, then=then))
    found, error = await events_of(transport)
    assert found == names
    assert isinstance(error, ClusterUnavailableError) is broken
    assert server.requests[0].query == {"labelSelector": "a=b", "watch": "true"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(faults.failure(410, "Expired", "x"), ExpiredError, id="410"),
        pytest.param(faults.failure(429, "TooManyRequests", "x"), ClusterUnavailableError, id="429"),
        pytest.param(faults.html(503), ClusterUnavailableError, id="503 of a proxy"),
        pytest.param(faults.failure(403, "Forbidden", "x"), RejectedError, id="403"),
    ],
)
async def test_a_watch_that_is_refused_raises_what_a_call_would(
    server: FaultServer, transport: Transport, answer: faults.Answer, expected: type[ClusterError]
) -> None:
    server.script("WATCH", PATH, answer)
    names, error = await events_of(transport)
    assert names == []
    assert type(error) is expected


async def test_a_silent_watch_is_taken_for_dead(
    server: FaultServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "WATCH_SILENCE_SECONDS", 0.05)
    server.script("WATCH", PATH, faults.stream(A, then="hold"))
    names, error = await events_of(transport)
    assert names == ["a"]
    assert isinstance(error, ClusterUnavailableError)


async def test_a_watch_outlives_the_time_of_a_call(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second event comes only when a call begun after the watch has run into its time limit."""
    monkeypatch.setattr(transports, "CALL_SECONDS", 0.05)
    live = faults.Stream()
    server.script("WATCH", PATH, live)
    server.script("GET", ONE, faults.silence())
    async with Transport(access(server.url)) as transport:
        watching = asyncio.create_task(events_of(transport))
        await live.opened.wait()
        with pytest.raises(ClusterUnavailableError):
            await transport.get(ONE)
        live.send(A)
        live.finish()
        assert await watching == (["a"], None)


async def test_an_event_beyond_all_measure_is_refused(
    server: FaultServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transports, "LINE_LIMIT", 1000)
    server.script("WATCH", PATH, faults.stream(b"x" * 2000, then="hold"))
    names, error = await events_of(transport)
    assert names == []
    assert isinstance(error, ClusterUnavailableError)
    assert "longer than" in str(error)


async def test_a_watch_that_is_left_closes_its_connection(server: FaultServer, transport: Transport) -> None:
    live = faults.Stream()
    server.script("WATCH", PATH, live)
    live.send(A)
    async with aclosing(transport.watch(PATH, {})) as events:
        async for _ in events:
            break
    await asyncio.wait_for(live.closed.wait(), 10)
