"""Credential plug-ins: what they are asked, what is taken from them, and all the ways they fail."""

import base64
import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from webhook.adapters.kube import execplugin
from webhook.adapters.kube.credentials import CredentialsError
from webhook.adapters.kube.execplugin import ExecPlugin

pytestmark = pytest.mark.anyio

V1 = "client.authentication.k8s.io/v1"
V1BETA1 = "client.authentication.k8s.io/v1beta1"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


Writing = Callable[[str], ExecPlugin]


@pytest.fixture
def script(tmp_path: Path) -> Writing:
    """A plug-in that is this shell script."""

    def write(text: str) -> ExecPlugin:
        path = tmp_path / "plugin"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return read({"command": str(path)})

    return write


def read(more: Mapping[str, Any], cluster: Mapping[str, Any] | None = None, folder: str = "") -> ExecPlugin:
    return execplugin.read({"apiVersion": V1, **more}, folder=folder, cluster=cluster or {})


def printing(status: object, *, version: str = V1, kind: str = "ExecCredential") -> str:
    answer = {"apiVersion": version, "kind": kind, "status": status}
    return f"cat <<'THE_END'\n{json.dumps(answer)}\nTHE_END"


async def test_a_token_and_when_it_expires(script: Writing) -> None:
    issued = await script(printing({"token": "s3cret", "expirationTimestamp": "2026-03-01T12:00:00Z"})).run()
    assert issued.token == "s3cret"
    assert issued.pair is None
    assert issued.expires == datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_certificate_with_its_key(script: Writing) -> None:
    issued = await script(printing({"clientCertificateData": "c", "clientKeyData": "k"})).run()
    assert (issued.token, issued.pair, issued.expires) == (None, ("c", "k"), None)


async def test_both(script: Writing) -> None:
    status = {"token": "t", "clientCertificateData": "c", "clientKeyData": "k"}
    issued = await script(printing(status)).run()
    assert (issued.token, issued.pair) == ("t", ("c", "k"))


ALWAYS = f"echo s3cret >&2; {printing({'token': 's3cret'})}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("echo s3cret; echo s3cret >&2; exit 3", "exit code 3", id="fails"),
        pytest.param(f"{ALWAYS}\nexit 1", "exit code 1", id="fails after it has printed"),
        pytest.param("echo s3cret", "has not printed credentials", id="prints something"),
        pytest.param("printf '\\377\\376'", "has not printed credentials", id="prints no text"),
        pytest.param("true", "has not printed credentials", id="prints nothing"),
        pytest.param("echo '[\"s3cret\"]'", "has not printed credentials", id="prints a list"),
        pytest.param("echo null", "has not printed credentials", id="prints null"),
        pytest.param(printing(None), "has not printed", id="prints no status"),
        pytest.param(printing(["s3cret"]), "has not printed", id="prints a status of another shape"),
        pytest.param(printing({}), "has not printed", id="prints an empty status"),
        pytest.param(printing({"token": ""}), "has not printed", id="prints an empty token"),
        pytest.param(printing({"token": 5}), "has not printed", id="prints a number for a token"),
        pytest.param(printing({"token": "s3cret s3cret"}), "has not printed", id="prints a token of words"),
        pytest.param(
            printing({"clientCertificateData": "s3cret"}),
            "has not printed",
            id="prints a lonely certificate",
        ),
        pytest.param(
            printing({"clientKeyData": "s3cret", "token": "t"}), "has not printed", id="prints a lonely key"
        ),
        pytest.param(
            printing({"token": "s3cret", "expirationTimestamp": "soon"}), "has not printed", id="expires soon"
        ),
        pytest.param(
            printing({"token": "s3cret", "expirationTimestamp": "2026-03-01T12:00:00"}),
            "has not printed",
            id="expires in no time zone",
        ),
        pytest.param(printing({"token": "s3cret"}, version=V1BETA1), "has not printed", id="another version"),
        pytest.param(printing({"token": "s3cret"}, kind="Secret"), "has not printed", id="another kind"),
    ],
)
async def test_of_a_plug_in_that_goes_wrong_nothing_is_taken_and_nothing_told(
    script: Writing, text: str, says: str
) -> None:
    plugin = script(text)
    with pytest.raises(CredentialsError, match=says) as failed:
        await plugin.run()
    chain: BaseException | None = failed.value
    while chain is not None:
        assert "s3cret" not in f"{chain} {chain!r}"
        chain = chain.__cause__
    assert "plugin" in str(failed.value)


async def test_a_plug_in_that_is_not_there_is_named_with_the_hint_where_to_get_it() -> None:
    plugin = read({"command": "/nowhere/plugin", "installHint": "get it from example.org"})
    with pytest.raises(CredentialsError) as failed:
        await plugin.run()
    text = "the credential plug-in /nowhere/plugin cannot be run: No such file or directory"
    assert str(failed.value) == f"{text} (get it from example.org)"


async def test_a_plug_in_that_hangs_is_killed_with_all_that_it_has_started(
    script: Writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execplugin, "PLUGIN_SECONDS", 1.0)
    plugin = script(f"sleep 1000 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/pid; wait")
    with pytest.raises(CredentialsError, match="has not ended after 1 s"):
        await plugin.run()
    for name in ("pid", "child"):
        _wait_for_the_end_of(int((tmp_path / name).read_text()))


def _wait_for_the_end_of(pid: int) -> None:
    deadline = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < deadline, "it was not killed"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def test_a_plug_in_that_prints_without_end_is_stopped(
    script: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execplugin, "OUTPUT_LIMIT", 1000)
    with pytest.raises(CredentialsError, match="more than 1000 bytes"):
        await script("yes").run()


async def test_a_plug_in_that_wants_to_read_finds_the_end_at_once(script: Writing) -> None:
    issued = await script(f"read answer && exit 7; {printing({'token': 't'})}").run()
    assert issued.token == "t"


async def test_a_plug_in_is_told_who_asks_and_gets_its_arguments_and_environment(
    tmp_path: Path, script: Writing
) -> None:
    script('printf "%s\\n" "$KUBERNETES_EXEC_INFO" "$MORE" "$HOME" "$@" > "$(dirname "$0")/seen"')
    plugin = read(
        {"command": "./plugin", "args": ["--cluster", "it"], "env": [{"name": "MORE", "value": "x"}]},
        folder=str(tmp_path),
    )
    with pytest.raises(CredentialsError):
        await plugin.run()
    info, *rest = (tmp_path / "seen").read_text().splitlines()
    assert json.loads(info) == {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    assert rest == ["x", os.environ.get("HOME", ""), "--cluster", "it"]


async def test_a_plug_in_without_a_path_is_looked_for_in_the_path(
    tmp_path: Path, script: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(printing({"token": "found"}))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert (await read({"command": "plugin"}).run()).token == "found"


def test_a_plug_in_that_asks_for_it_is_told_about_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(b"authority")
    cluster = {
        "server": "https://cluster.example",
        "certificate-authority": "ca.crt",
        "tls-server-name": "api.internal",
        "extensions": [
            {"name": "other", "extension": {"a": 1}},
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "it"}},
        ],
    }
    plugin = read({"command": "x", "provideClusterInfo": True}, cluster, str(tmp_path))
    assert json.loads(plugin.environment["KUBERNETES_EXEC_INFO"])["spec"]["cluster"] == {
        "server": "https://cluster.example",
        "tls-server-name": "api.internal",
        "certificate-authority-data": base64.b64encode(b"authority").decode(),
        "config": {"audience": "it"},
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"apiVersion": f"{V1}alpha1"}, "apiVersion", id="an old version"),
        pytest.param({"apiVersion": None}, "apiVersion", id="no version"),
        pytest.param({"interactiveMode": "Always"}, "wants a terminal", id="questions to ask"),
        pytest.param({"command": None}, "needs a command", id="no command"),
        pytest.param({"command": 5}, "needs a command", id="a number for a command"),
        pytest.param({"args": 5}, "needs a command", id="a number for arguments"),
        pytest.param({"env": [{"name": "x"}]}, "needs a command", id="a variable without a value"),
        pytest.param({"env": ["x"]}, "needs a command", id="a variable that is none"),
    ],
)
def test_a_plug_in_is_refused_with(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(CredentialsError, match=says):
        read({"command": "x", **settings})


@pytest.mark.parametrize("mode", ["Never", "IfAvailable", None])
def test_a_plug_in_that_may_do_without_a_terminal_is_taken(mode: str | None) -> None:
    assert read({"command": "x", "interactiveMode": mode}).command == ("x",)


def test_the_environment_and_the_arguments_are_in_no_repr() -> None:
    plugin = read({"command": "x", "args": ["s3cret"], "env": [{"name": "a", "value": "s3cret"}]})
    assert "s3cret" not in repr(plugin)
