"""What is no review gets an HTTP error; what we cannot decide gets a bland one. Never "allowed"."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message

from tests.codec.builders import body, review, update
from tests.web.builders import Admission
from webhook.web.admission import BODY_LIMIT

GOOD = body(review())
TEXT = "text/plain; charset=utf-8"
BOTH = pytest.mark.parametrize("path", ["/mutate", "/validate"])


@BOTH
@pytest.mark.parametrize(
    ("sent", "text"),
    [
        pytest.param(
            b"", "not an admission.k8s.io/v1 AdmissionReview: Input data was truncated", id="nothing"
        ),
        pytest.param(b"{", "not an admission.k8s.io/v1 AdmissionReview: Input data was truncated", id="half"),
        pytest.param(body(review(object=None)), "request.object is null on CREATE", id="a null object"),
        pytest.param(
            body(update(oldObject=None)), "request.oldObject is null on UPDATE", id="a null old object"
        ),
        pytest.param(
            body(review(operation="CONNECT")),
            'operation "CONNECT" is not served here, only CREATE, UPDATE, DELETE',
            id="an operation unknown",
        ),
    ],
)
def test_a_malformed_review(path: str, sent: bytes, text: str) -> None:
    answer = Admission().post(path, sent)
    assert (answer.status_code, answer.text) == (400, text + "\n")
    assert answer.headers["content-type"] == TEXT
    assert answer.headers["connection"] == "close"


@BOTH
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"],
)
def test_json_by_any_of_its_names(path: str, content_type: str) -> None:
    assert Admission().post(path, GOOD, content_type).status_code == 200


@BOTH
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no type"),
        pytest.param({"Content-Type": ""}, id="an empty type"),
        pytest.param({"Content-Type": "text/plain"}, id="text"),
        pytest.param({"Content-Type": "application/yaml"}, id="YAML"),
        pytest.param({"Content-Type": "application/vnd.kubernetes.protobuf"}, id="protobuf"),
        pytest.param({"Content-Type": "application/jsonx"}, id="a type that only begins like it"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param({"Content-Type": "application/json", "Content-Encoding": "gzip"}, id="compressed"),
        pytest.param(
            {"Content-Type": "application/json", "Content-Encoding": "br"}, id="compressed otherwise"
        ),
    ],
)
def test_another_type_or_encoding(path: str, headers: dict[str, str]) -> None:
    answer = Admission().client.post(path, content=GOOD, headers=headers)
    assert answer.status_code == 415
    assert answer.text == "send the review as plain Content-Type: application/json\n"


def test_no_encoding_is_an_encoding_too() -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    assert Admission().client.post("/validate", content=GOOD, headers=headers).status_code == 200


@BOTH
def test_a_body_that_is_too_large(path: str) -> None:
    admission = Admission()
    answer = admission.post(path, GOOD + b" " * (BODY_LIMIT - len(GOOD) + 1))
    assert (answer.status_code, answer.text) == (413, "the review is larger than 7340032 bytes\n")


def test_a_body_that_is_just_small_enough() -> None:
    assert Admission().post("/validate", GOOD + b" " * (BODY_LIMIT - len(GOOD))).status_code == 200


def test_a_body_in_pieces() -> None:
    def pieces() -> Iterator[bytes]:
        yield from (GOOD[position : position + 100] for position in range(0, len(GOOD), 100))

    answer = Admission().client.post(
        "/validate", content=pieces(), headers={"Content-Type": "application/json"}
    )
    assert answer.json()["response"]["allowed"]


@BOTH
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method(path: str, method: str) -> None:
    answer = Admission().client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == TEXT
    assert answer.text == f'"{method} {path}": method not allowed\n'


@pytest.mark.parametrize(
    "path",
    ["/", "/Mutate", "/metrics", "/namespaces", "/validate/x", "//validate", "/%6dutate%00"],
)
def test_another_path(path: str) -> None:
    answer = Admission().client.post(path, content=GOOD, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, TEXT)
    assert answer.text.endswith(": not found\n")
    assert len(answer.text.splitlines()) == 1


@pytest.mark.parametrize("path", ["/mutate/", "/validate/"])
def test_never_a_redirect(path: str) -> None:
    answer = Admission().client.post(path, content=GOOD, follow_redirects=False)
    assert answer.status_code == 404


@BOTH
@pytest.mark.parametrize("length", [b"7340033", b"104857600", b"9" * 18])
def test_a_body_that_says_it_is_too_large_is_not_read(path: str, length: bytes) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("somebody reads it")

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    asyncio.run(Admission().app(scope, receive, send))
    assert sent[0]["status"] == 413
