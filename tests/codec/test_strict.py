"""JSON in one reading only, whole, and within bounds; everything else is malformed and nothing worse."""

import copy
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.builders import body, decode, delete, namespace, review, update
from webhook.codec import strict
from webhook.core.errors import MalformedReviewError

GOOD = body(review())
NOT_ONE = "not an admission.k8s.io/v1 AdmissionReview: "
FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "reviews").glob("*.json"))


def _refusal(sent: bytes) -> str:
    with pytest.raises(MalformedReviewError) as refused:
        decode(sent)
    return str(refused.value)


def _with(extra: bytes) -> bytes:
    return GOOD.rstrip()[:-1] + b',"extra":' + extra + b"}"


def _unread(value: bytes) -> bytes:
    """A review as an API server would send it, with another value in what we do not look at."""
    return GOOD.replace(b'"dryRun":false', b'"dryRun":' + value)


def _with_label(text: str) -> bytes:
    return GOOD.replace(b'"payments"', f'"{text}"'.encode("latin-1"), 1)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \n", id="white space"),
        pytest.param(b"hello", id="not JSON"),
        pytest.param(b"<xml/>", id="XML"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="a boolean"),
        pytest.param(b"1", id="a number"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(GOOD[:-2], id="cut off at the end"),
        pytest.param(GOOD[: len(GOOD) // 2], id="cut off in the middle"),
        pytest.param(GOOD + b"x", id="something behind"),
        pytest.param(GOOD + GOOD, id="two reviews"),
        pytest.param(b"[" + GOOD + b"]", id="a list of reviews"),
        pytest.param(_with(b"NaN"), id="not a number"),
        pytest.param(_with(b"-NaN"), id="minus not a number"),
        pytest.param(_with(b"Infinity"), id="infinity"),
        pytest.param(_with(b"-Infinity"), id="minus infinity"),
        pytest.param(_with(b"1e999"), id="a number beyond all"),
        pytest.param(_with(b"[-1e999]"), id="a number below all"),
        pytest.param(_with(b"9" * 5000), id="a number of 5,000 digits"),
        pytest.param(_with(b"-" + b"9" * 20), id="a number of 20 digits"),
        pytest.param(_with(b"-"), id="half a number"),
        pytest.param(_with(b"01"), id="a number with a nought before it"),
        pytest.param(_unread(b"NaN"), id="not a number where nobody looks"),
        pytest.param(
            GOOD.replace(b'"uid":"705', b'"uid":' + b"9" * 100_000 + b',"x":"'), id="a huge number for a uid"
        ),
        pytest.param(b"[" * 100_000, id="100,000 open lists"),
        pytest.param(b'{"a":' * 100_000, id="100,000 open objects"),
        pytest.param(_with(b"[" * 100_000 + b"]" * 100_000), id="100,000 nested lists"),
        pytest.param(_with(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), id="100,000 nested objects"),
        pytest.param(_unread(b"[" * 100_000 + b"]" * 100_000), id="100,000 nested lists where nobody looks"),
        pytest.param(_with_label("\xff\xfe"), id="invalid UTF-8"),
        pytest.param(_with_label("\xc0\xaf"), id="overlong UTF-8"),
        pytest.param(_with_label("\xed\xa0\x80"), id="a surrogate in UTF-8"),
        pytest.param(_unread(b'"\xff"'), id="invalid UTF-8 where nobody looks"),
        pytest.param(_with_label("\\ud800"), id="half a surrogate pair, escaped"),
        pytest.param(_with_label("\\udc00\\ud800"), id="a surrogate pair the wrong way round"),
        pytest.param(_with_label("\\u12"), id="half an escape"),
        pytest.param(_with_label("\\x41"), id="an escape of another language"),
        pytest.param(_with_label("\x01"), id="a raw control character"),
        pytest.param(_unread(b'"\x01"'), id="a raw control character where nobody looks"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.decode().encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(GOOD.decode().encode("utf-32"), id="UTF-32"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte order mark"),
        pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
        pytest.param(bytes(1000), id="null bytes"),
        pytest.param(b"[" + b"[]," * 2_300_000 + b"[]]", id="6.9 MB of empty lists"),
        pytest.param(_with(b"[" + b"[]," * 2_300_000 + b"[]]"), id="6.9 MB of empty lists in a review"),
        pytest.param(_with(b"[" + b"{}," * 2_300_000 + b"{}]"), id="6.9 MB of empty objects in a review"),
        pytest.param(b"{}" * 2_300_000, id="2.3 million objects"),
        pytest.param(_with(b"[" + b"1," * 3_000_000 + b"1]"), id="3 million numbers"),
    ],
)
def test_bytes_that_are_no_review(sent: bytes) -> None:
    said = _refusal(sent)
    assert said.startswith(NOT_ONE)
    assert len(said) < 250
    assert said.isprintable()


def test_the_message_is_short_whatever_was_sent() -> None:
    assert len(_refusal(GOOD.replace(b"admission.k8s.io/v1", b"x" * 100_000))) < 250


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(sent: bytes) -> None:
    _refusal(sent)


@settings(deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_byte_may_be_another(position: int, value: int) -> None:
    changed = GOOD[:position] + bytes([value]) + GOOD[position + 1 :]
    try:
        assert decode(changed).uid
    except MalformedReviewError:
        return


# A name given twice


def _members(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member of every object in `value`."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        if isinstance(value, dict):
            yield (*path, key)
        yield from _members(inner, (*path, key))


class Twice(dict[str, Any]):
    """Writes one member twice: json.dumps asks for nothing but items()."""

    def __init__(self, content: dict[str, Any], name: str, other: object, *, first: bool) -> None:
        super().__init__(content)
        self._extra = (name, other)
        self._first = first

    def items(self) -> Any:
        plain = list(super().items())
        return [self._extra, *plain] if self._first else [*plain, self._extra]


def _repeated(content: dict[str, Any], path: tuple[Any, ...], other: object, *, first: bool) -> Any:
    root = copy.deepcopy(content)
    holder: dict[Any, Any] = {"root": root}
    steps = ["root", *path]
    for step in steps[:-2]:
        holder = holder[step]
    name = steps[-1]
    holder[steps[-2]] = Twice(holder[steps[-2]], name, other, first=first)
    return root if len(path) > 1 else holder["root"]


OWNED = namespace()
OWNED["metadata"]["ownerReferences"] = [{"kind": "Namespace", "name": "a", "uid": "1"}]
FULL = update(object=OWNED, subResource="status")
UNREAD = {"kind", "requestKind", "requestResource", "options", "extra", "managedFields", "spec", "status"}
READ = [
    path
    for path in _members(FULL)
    if not UNREAD.intersection(path[:-1])  # what is in there, nobody looks at
]


@pytest.mark.parametrize("path", READ, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("compact", [True, False], ids=["as an API server writes", "with spaces"])
def test_a_name_given_twice(path: tuple[Any, ...], first: bool, compact: bool) -> None:
    inner: Any = FULL
    for step in path:
        inner = inner[step]
    separators = (",", ":") if compact else (", ", ": ")
    others: list[Any] = [inner, None, "x", {}]
    for other in others:
        sent = json.dumps(_repeated(FULL, path, other, first=first), separators=separators)
        assert sent.count(f'"{path[-1]}"') > json.dumps(FULL).count(f'"{path[-1]}"')
        _refusal(sent.encode())


def test_a_name_given_twice_where_nobody_looks_is_refused_in_every_other_form() -> None:
    twice = GOOD.replace(b'"manager":"kubectl"', b'"manager":"kubectl","manager":"kubectl"')
    assert decode(twice).uid, "the API server's form is read once, for what the rules look at"
    assert "a name is given twice" in _refusal(twice.replace(b":", b": "))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            GOOD.replace(b'"uid":"705', b'"u\\u0069d":"x","uid":"705'), id="once with an escape, before"
        ),
        pytest.param(
            GOOD.replace(b'"labels":{', b'"labels":{"platform\\/tier":"x",'), id="a label with an escape"
        ),
        pytest.param(GOOD.replace(b'"labels":{', b'"labels":{},"labels":{'), id="an empty map before"),
        pytest.param(GOOD.replace(b'"labels":{', b'"labels":{"":"","":"",'), id="a name that is empty"),
        pytest.param(
            GOOD.replace(b'"labels":{', b'"labels":{"a\\\\":"\\"","a\\\\":"\\"",'), id="names full of escapes"
        ),
    ],
)
def test_a_name_given_twice_in_disguise(sent: bytes) -> None:
    assert sent != GOOD
    assert "a name is given twice" in _refusal(sent)


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\,:{}/<\x00é'), max_size=8)
separators = st.sampled_from([(",", ":"), (", ", ": "), (",", " :\n")])


def _with_annotations(content: dict[str, Any], ascii_only: bool, separators: tuple[str, str]) -> bytes:
    written = json.dumps(content, ensure_ascii=ascii_only, separators=separators)
    return GOOD.replace(
        b'"annotations":{"platform/requested-by":"jane"}', b'"annotations":' + written.encode()
    )


@settings(deadline=None)
@given(st.dictionaries(texts, texts, max_size=5), st.booleans(), separators)
def test_a_map_of_texts_is_read_whole(
    content: dict[str, str], ascii_only: bool, separators: tuple[str, str]
) -> None:
    sent = _with_annotations(content, ascii_only, separators)
    assert decode(sent).facts.new.annotations == content


@settings(deadline=None)
@given(st.dictionaries(texts, texts, min_size=1, max_size=5), texts, st.booleans(), separators, st.data())
def test_a_map_with_an_entry_twice_never_is(
    content: dict[str, str],
    other: str,
    ascii_only: bool,
    separators: tuple[str, str],
    data: st.DataObject,
) -> None:
    name = data.draw(st.sampled_from(sorted(content)))
    twice = Twice(content, name, other, first=data.draw(st.booleans()))
    assert "a name is given twice" in _refusal(_with_annotations(twice, ascii_only, separators))


# What an API server sends


def _refuse_to_check(text: bytes) -> None:
    raise AssertionError(f"read twice: {text[:300]!r}")


AWKWARD = {"note": 'a<b>&\u2028\u0001\b\f\n\r\t"\\/é😀\x7f', "json": json.dumps({"a": {"b": '"'}})}


def _as_go_writes(content: object) -> bytes:
    """Go's encoder escapes what could end a script in a web page, and writes the rest as it is."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode() + b"\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(review(), id="a create"),
        pytest.param(update(), id="an update"),
        pytest.param(delete(), id="a delete"),
        pytest.param(review(object=namespace(annotations=AWKWARD)), id="awkward annotations"),
        pytest.param(review(userInfo={"username": "https://a?b&c#d"}), id="an awkward user"),
        *(pytest.param(json.loads(file.read_text()), id=file.stem) for file in FIXTURES),
    ],
)
def test_what_an_api_server_sends_is_read_once(sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "check", _refuse_to_check)
    decoded = decode(_as_go_writes(sent))
    asked = sent["request"]
    metadata = (asked["object"] or asked["oldObject"])["metadata"]
    assert decoded.facts.new.annotations == metadata.get("annotations", {})
    assert decoded.facts.caller.username == asked["userInfo"]["username"]


def test_every_other_form_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "check", _refuse_to_check)
    with pytest.raises(AssertionError, match="read twice"):
        decode(json.dumps(review()).encode())


def _large(size: int) -> dict[str, Any]:
    """As large as a namespace can be: 256 KiB of annotations, and the rest in managedFields."""
    manifest = namespace(annotations={"a": "<" * 262_000})
    fields: dict[str, Any] = {f"f:example.com/{number}": {} for number in range(size // 25)}
    manifest["metadata"]["managedFields"] = [{"manager": "x", "fieldsV1": {"f:metadata": fields}}]
    return manifest


def test_two_objects_of_3_mb_are_read() -> None:
    largest = _large(1_000_000)
    sent = _as_go_writes(update(object=largest, oldObject=largest))
    assert 5_000_000 < len(sent) < 7 * 1024 * 1024
    assert len(decode(sent).facts.new.annotations["a"]) == 262_000


def test_256_kib_of_annotations_may_be_many_and_twice() -> None:
    manifest = namespace(annotations={f"{number:x}": "" for number in range(52_000)})
    fields: dict[str, Any] = {f"f:{name}": {} for name in manifest["metadata"]["annotations"]}
    manifest["metadata"]["managedFields"] = [{"fieldsV1": {"f:metadata": {"f:annotations": fields}}}]
    decoded = decode(_as_go_writes(update(object=manifest, oldObject=manifest)))
    assert len(decoded.facts.new.annotations) == 52_001


# Bounds


def _label_map(entries: bytes) -> bytes:
    return GOOD.replace(b'"labels":{', b'"labels":{' + entries + b",")


def _numbered(form: bytes, count: int) -> bytes:
    return b",".join(form % number for number in range(count))


HOSTILE = {
    "700,000 labels": _label_map(_numbered(b'"%d":""', 600_000)),
    "3 million groups": GOOD.replace(b'"groups":[', b'"groups":[' + b'"",' * 2_300_000),
    "2 million owners": GOOD.replace(
        b'"labels":{', b'"ownerReferences":[' + b"{}," * 2_000_000 + b'{}],"labels":{'
    ),
    "500,000 members of the request": GOOD.replace(
        b'"dryRun"', _numbered(b'"z%d":1', 500_000) + b',"dryRun"'
    ),
    "500,000 members of metadata": GOOD.replace(b'"labels"', _numbered(b'"z%d":1', 500_000) + b',"labels"'),
    "6.9 MB of one number": _with(b"9" * 6_900_000),
    "a million empty objects": _with(b"[" + b"{}," * 1_000_000 + b"{}]"),
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_what_is_refused_takes_little_memory(sent: bytes) -> None:
    tracemalloc.start()
    _refusal(sent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(sent) + 1_000_000


def test_the_bounds_are_where_they_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "QUOTES_LIMIT", GOOD.count(b'"') + 400)
    spaces = b" " * strict.QUOTES_LIMIT
    assert len(decode(_label_map(_numbered(b'"%d":""', 100)) + spaces).facts.new.labels) == 106
    assert "quotation marks" in _refusal(_label_map(_numbered(b'"%d":""', 101)) + spaces)
    values = b"[" + b"1," * (strict.VALUES_LIMIT - 200) + b"1]"
    assert decode(_with(values)).uid
    assert "values" in _refusal(_with(b"[" + b"1," * strict.VALUES_LIMIT + b"1]"))
