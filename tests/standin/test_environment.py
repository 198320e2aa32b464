"""Variables and arguments come out as a kubelet makes them."""

import base64
from typing import Any

import pytest

from tools.standin import environment, listening
from tools.standin.errors import NotYetError

POD = {
    "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "web", "a/b": "c"}},
    "spec": {"nodeName": "standin", "serviceAccountName": "web"},
}
OBJECTS = {("configmaps", "settings"): {"a": b"1", "b": b"2"}, ("secrets", "keys"): {"k": b"hush"}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        pytest.param("--to=$(HOST):$(PORT)", "--to=here:80", id="references are replaced"),
        pytest.param("$$(HOST)", "$(HOST)", id="a doubled dollar keeps a reference from it"),
        pytest.param("$$$(HOST)", "$here", id="a dollar before a reference"),
        pytest.param("$(NOBODY)", "$(NOBODY)", id="what is unknown stays"),
        pytest.param("$HOST ${HOST} $", "$HOST ${HOST} $", id="a shell's words are not ours"),
        pytest.param("$(HOST", "$(HOST", id="half a reference"),
        pytest.param("$(A)", "$(HOST)", id="a value is not expanded again"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert environment.expand(text, {"HOST": "here", "PORT": "80", "A": "$(HOST)"}) == expanded


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-1"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['a/b']", "c"),
        ("metadata.annotations['none']", ""),
        ("metadata.labels", 'a/b="c"\napp="web"'),
        ("spec.nodeName", "standin"),
        ("spec.serviceAccountName", "web"),
        ("status.podIP", "127.9.9.9"),
    ],
)
def test_fields(path: str, value: str) -> None:
    assert environment.field(POD, "127.9.9.9", path) == value


def _resolve(*variables: dict[str, Any], sources: list[dict[str, Any]] | None = None) -> dict[str, str]:
    container = {"env": list(variables), "envFrom": sources or []}
    found = environment.resolve(container, POD, "127.9.9.9", lambda *key: OBJECTS.get(key), {"HOME": "/"})
    return {key: value for key, value in found.items() if key != "HOME"}


def _key(word: str, name: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    return {"name": "V", "valueFrom": {word: {"name": name, "key": key, "optional": optional}}}


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        pytest.param([{"name": "A"}], {"A": ""}, id="no value is an empty one"),
        pytest.param(
            [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2$(C)"}, {"name": "C", "value": "3"}],
            {"A": "1", "B": "12$(C)", "C": "3"},
            id="only what stands before is known",
        ),
        pytest.param([_key("configMapKeyRef", "settings", "b")], {"V": "2"}, id="an entry of a ConfigMap"),
        pytest.param([_key("secretKeyRef", "keys", "k")], {"V": "hush"}, id="an entry of a Secret"),
        pytest.param([_key("secretKeyRef", "keys", "z", optional=True)], {}, id="an optional entry"),
        pytest.param([_key("secretKeyRef", "none", "z", optional=True)], {}, id="an optional Secret"),
    ],
)
def test_variables(variables: list[dict[str, Any]], found: dict[str, str]) -> None:
    assert _resolve(*variables) == found


def test_whole_objects_come_before_single_variables() -> None:
    sources: list[dict[str, Any]] = [
        {"prefix": "S_", "configMapRef": {"name": "settings"}},
        {"secretRef": {"name": "none", "optional": True}},
    ]
    assert _resolve({"name": "S_a", "value": "9"}, sources=sources) == {"S_a": "9", "S_b": "2"}


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (_key("configMapKeyRef", "none", "b"), 'configmaps "none" not found'),
        (_key("secretKeyRef", "keys", "z"), "couldn't find key z in secrets keys"),
        ({"name": "V", "valueFrom": {"resourceFieldRef": {}}}, "V: the stand-in has no resourceFieldRef"),
    ],
)
def test_what_is_not_there_is_named(variable: dict[str, Any], said: str) -> None:
    with pytest.raises(NotYetError) as caught:
        _resolve(variable)
    assert (caught.value.reason, str(caught.value)) == ("CreateContainerConfigError", said)


def test_entries_are_bytes_whatever_holds_them() -> None:
    data = {"a": base64.b64encode(b"\xff").decode()}
    assert environment.entries({"kind": "Secret", "data": data}) == {"a": b"\xff"}
    found = environment.entries({"kind": "ConfigMap", "data": {"b": "ä"}, "binaryData": data})
    assert found == {"a": b"\xff", "b": "ä".encode()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (":8443", "127.9.9.9:8443"),
        ("0.0.0.0:8080", "127.9.9.9:8080"),
        ("[::]:8443", "127.9.9.9:8443"),
        ("--admission-listen=:8443", "--admission-listen=127.9.9.9:8443"),
        ("--health-listen=0.0.0.0:8081", "--health-listen=127.9.9.9:8081"),
        ("127.0.0.1:8443", "127.0.0.1:8443"),
        ("--to=http://:8443", "--to=http://:8443"),
        ("--cidr=0.0.0.0/0", "--cidr=0.0.0.0/0"),
        ("at :8443 sharp", "at :8443 sharp"),
        (":https", ":https"),
    ],
)
def test_only_listening_everywhere_is_translated(text: str, told: str) -> None:
    assert listening.at("127.9.9.9", text) == told
