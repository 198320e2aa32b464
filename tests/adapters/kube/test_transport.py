"""What the transport puts on the wire, and what it makes of answers, good and bad."""

import asyncio
import dataclasses
import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.config import ConfigException

from tests.adapters.kube import faults
from tests.adapters.kube.faults import TOKEN, FaultServer, access, manifest
from tests.controller.support import until
from webhook import __version__
from webhook.adapters import pki, tls
from webhook.adapters.kube import transport as transports
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces"
ONE = f"{PATH}/payments"

HOOK = "refresh_api_key_hook"
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
        trusting = ssl.create_default_context(cafile=authority)
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


async def test_the_token_is_asked_for_anew_for_each_request(server: FaultServer) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    tokens = iter(("first", "second"))
    credentials = access(server.url)

    async def refresh(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = f"Bearer {next(tokens)}"

    setattr(credentials.configuration, HOOK, refresh)
    async with Transport(credentials) as transport:
        await transport.get(ONE)
        await transport.get(ONE)
    assert [seen.headers["Authorization"] for seen in server.requests] == ["Bearer first", "Bearer second"]


async def test_without_a_token_no_authorization_is_sent(server: FaultServer) -> None:
    server.script("GET", ONE, faults.ok(manifest()))
    credentials = access(server.url)
    credentials.configuration.api_key.clear()
    async with Transport(credentials) as transport:
        await transport.get(ONE)
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(FileNotFoundError("/var/run/secrets/token"), id="the file is not there"),
        pytest.param(ConfigException("Token file exists but empty."), id="the file is empty"),
    ],
)
async def test_a_token_that_cannot_be_read_just_now_is_passing_trouble(
    server: FaultServer, error: Exception
) -> None:
    """The kubelet replaces the file; whoever reads in between must not take the controller down."""

    def refresh(_: Any) -> None:
        raise error

    credentials = access(server.url)
    setattr(credentials.configuration, HOOK, refresh)
    async with Transport(credentials) as transport:
        with pytest.raises(ClusterUnavailableError):
            await transport.get(ONE)


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
    monkeypatch.setattr(transports, "WRITES_IN_FLIGHT", 2)
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
