"""What anybody may send to the open port: a clean 4xx or a closed connection, and then business as usual."""

import contextlib
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.codec.builders import body, review
from tests.web.builders import Admission
from tests.web.listening import GOOD, LOOPS, Listening, post

HEAD = b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module", params=sorted(LOOPS))
def admission(request: pytest.FixtureRequest, pair: Path) -> Iterator[Listening]:
    made = Admission()
    with Listening(made.app, pair, loop=request.param) as listening:
        yield listening
    assert made.lines() == [], "strangers do not get to write into our log"


REQUESTS = {
    "another method": (post(b"", method="GET"), 405),
    "a method without an answer's body": (b"TRACE /validate HTTP/1.1\r\n\r\n", 405),
    "a method that is none": (post(GOOD, method="HELLO"), 400),
    "another path": (post(GOOD, "/"), 404),
    "a path with an escape": (post(GOOD, "/%6dutate%00"), 404),
    "a path that is not ASCII": (post(GOOD, "/val\u00efdate"), 400),
    "a slash too many": (post(GOOD, "/validate/"), 404),
    "a proxy's request": (b"CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a request for everything": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/3.7": (b"GET / HTTP/3.7\r\n\r\n", 400),
    "no HTTP at all": (b"\x00\x01\x02 hello\r\n\r\n", 400),
    "another type": (HEAD.replace(b"json", b"yaml") + b"Content-Length: 2\r\n\r\n{}", 415),
    "a compressed body": (post(b"\x1f\x8b", "/validate", "Content-Encoding: gzip"), 415),
    "a body that says it is too large": (HEAD + b"Content-Length: 104857600\r\n\r\n", 413),
    "one that asks before it sends that": (
        HEAD + b"Content-Length: 104857600\r\nExpect: 100-continue\r\n\r\n",
        413,
    ),
    "one that asks before it sends elsewhere": (
        b"POST /x HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        404,
    ),
    "a length that is no number": (HEAD + b"Content-Length: abc\r\n\r\n", 400),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "a length with a sign": (HEAD + b"Content-Length: +2\r\n\r\n{}", 400),
    "a length beyond all": (HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a length and chunks": (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown transfer encoding": (HEAD + b"Transfer-Encoding: gzip\r\n\r\nx", 400),
    "a chunk that is none": (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400),
    "an empty chunked body": (CHUNKED + b"0\r\n\r\n", 400),
    "an understated length": (HEAD + b"Content-Length: 10\r\n\r\n" + GOOD, 400),
    "an empty body": (post(b""), 400),
    "101 headers": (post(GOOD, "/validate", *(f"X-{number}: 1" for number in range(101))), 400),
    "500 trailers": (
        CHUNKED + b"2\r\n{}\r\n0\r\n" + b"".join(b"T%d: 1\r\n" % number for number in range(500)) + b"\r\n",
        400,
    ),
    "a null byte in a header": (HEAD + b"X: a\x00b\r\n\r\n", 400),
    "a folded header": (HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400),
    "a space before a colon": (HEAD + b"X : a\r\n\r\n", 400),
    "lines without a carriage return": (post(GOOD).replace(b"\r\n", b"\n"), 400),
}

FLOODS = {
    "a header of 100 KB without end": (HEAD + b"X: " + b"x" * 100_000, b"431 "),
    "an address of 100 KB without end": (b"GET /" + b"x" * 100_000, b"431 "),
    "empty lines without end": (b"\r\n" * 50_000, b"431 "),
    "30 requests at once": (post(GOOD) * 30, b""),
    "5,000 small requests at once": (b"GET / HTTP/1.1\r\n\r\n" * 5000, b""),
}

BODIES = {
    "not a number": GOOD.replace(b'"dryRun":false', b'"dryRun":NaN'),
    "a number beyond all": b'{"x":1e999,' + GOOD[1:],
    "a name given twice": GOOD.replace(b'"labels":{', b'"labels":{},"labels":{'),
    "5,000 digits": b'{"x":' + b"9" * 5000 + b"," + GOOD[1:],
    "100,000 nested lists": b"[" * 100_000,
    "half a surrogate pair": GOOD.replace(b'"payments"', b'"\\ud800"'),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "invalid UTF-8": GOOD.replace(b'"payments"', b'"\xff"'),
    "a control character": GOOD.replace(b'"payments"', b'"\x01"'),
    "6.9 MB of empty lists": b"[" + b"[]," * 2_300_000 + b"[]]",
    "6.9 MB of empty lists in a review": GOOD[:-2] + b',"x":[' + b"[]," * 2_250_000 + b"[]]}",
    "2.3 million objects": b"{}" * 2_300_000,
    "a scalar": b"1",
    "v1beta1": GOOD.replace(b"admission.k8s.io/v1", b"admission.k8s.io/v1beta1"),
    "no request": b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
    "an empty uid": body(review(uid="")),
    "labels with numbers": body(review(object={"metadata": {"labels": {"a": 1}}})),
    "an unknown operation": body(review(operation="CONNECT")),
    "another kind": body(review(resource={"group": "", "version": "v1", "resource": "pods"})),
}


def _is_business_as_usual(admission: Listening) -> None:
    answer = admission.ask()
    assert (answer.status, json.loads(answer.body)["response"]["allowed"]) == (200, True)


@pytest.mark.parametrize(("sent", "status"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_is_none(admission: Listening, sent: bytes, status: int) -> None:
    with admission.connect() as client:
        client.send(sent)
        answer = client.answer()
        assert answer.status == status
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["connection"] == "close"
        assert answer.headers.get("allow") == ("POST" if status == 405 else None)
        assert len(answer.body.splitlines()) == 1
        assert client.ended() == b""
    _is_business_as_usual(admission)


@pytest.mark.parametrize(("sent", "status"), FLOODS.values(), ids=FLOODS)
def test_a_flood(admission: Listening, sent: bytes, status: bytes) -> None:
    """Whoever does not stop sending may find the connection closed before the answer is read."""
    with admission.connect() as client:
        with contextlib.suppress(OSError):
            client.send(sent)
        answer = client.ended()
        assert answer == b"" or (status and answer.startswith(b"HTTP/1.1 " + status))
    _is_business_as_usual(admission)


@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_review(admission: Listening, sent: bytes) -> None:
    answer = admission.ask(post(sent))
    assert answer.status == 400
    assert len(answer.body.splitlines()) == 1
    assert b"Traceback" not in answer.body
    _is_business_as_usual(admission)


def test_no_tls_at_all(admission: Listening) -> None:
    with admission.plain() as plain:
        plain.sendall(post(GOOD))
        assert plain.recv(1000)[:5] != b"HTTP/"
    _is_business_as_usual(admission)


HONEST = {
    "one after another": post(GOOD) * 2,
    "after empty lines": b"\r\n\r\n" + post(GOOD) * 2,
    "in chunks": (CHUNKED + b"%x\r\n" % len(GOOD) + GOOD + b"\r\n0\r\n\r\n") * 2,
    "with an absolute address": post(GOOD, "http://ns-provisioner/validate") * 2,
    "with the time-out that an API server adds": post(GOOD, "/validate?timeout=3s") * 2,
}


@pytest.mark.parametrize("sent", HONEST.values(), ids=HONEST)
def test_what_is_unusual_and_right_is_answered(admission: Listening, sent: bytes) -> None:
    with admission.connect() as client:
        client.send(sent)
        for _ in range(2):
            answer = client.answer()
            assert (answer.status, answer.headers.get("connection")) == (200, None)
            assert json.loads(answer.body)["response"]["allowed"]


def test_whoever_asks_before_sending_may_send(admission: Listening) -> None:
    with admission.connect() as client:
        client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(GOOD))
        assert client.answer().status == 100
        client.send(GOOD)
        assert client.answer().status == 200


PIECE = b" " * 1024 * 1024


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        pytest.param(HEAD + b"Content-Length: 104857600\r\n\r\n", PIECE, id="declared"),
        pytest.param(CHUNKED, b"100000\r\n" + PIECE + b"\r\n", id="in chunks"),
        pytest.param(CHUNKED, b"1\r\n \r\n" * 20_000, id="in chunks of a byte"),
        pytest.param(HEAD + b"Content-Length: 2\r\n\r\n", PIECE, id="understated"),
        pytest.param(CHUNKED + b"0\r\n", b"Trailer: x\r\n" * 80_000, id="in trailers"),
    ],
)
def test_100_mb_are_never_kept(admission: Listening, head: bytes, piece: bytes) -> None:
    tracemalloc.start()
    with admission.connect() as client:
        client.send(head)
        with contextlib.suppress(OSError):  # it may have been refused and closed long ago
            for _ in range(100):
                client.send(piece)
        answer = client.ended()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert peak < 20 * 1024 * 1024
    _is_business_as_usual(admission)


def test_whoever_goes_away_in_the_middle_leaves_nothing_behind(admission: Listening) -> None:
    for sent in (post(GOOD)[:20], post(GOOD)[:-20], HEAD):
        with admission.connect() as client:
            client.send(sent)
    _is_business_as_usual(admission)
