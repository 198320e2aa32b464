"""Credentials that last: re-read, run again, kept while nothing better comes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from webhook.adapters.kube import credentials
from webhook.adapters.kube.credentials import (
    REREAD_SECONDS,
    RERUN_SECONDS,
    CredentialsError,
    Fixed,
    Issued,
    PluginCredentials,
    TokenFile,
    bearer,
)

pytestmark = pytest.mark.anyio


class Elapsed:
    """A monotonic clock that a test sets."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


async def test_what_a_kubeconfig_says_once_is_not_renewed() -> None:
    fixed = Fixed("Bearer s3cret")
    assert await fixed.authorization() == "Bearer s3cret"
    assert not await fixed.renew("Bearer s3cret")
    assert "s3cret" not in repr(fixed)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n", id="white space"),
        pytest.param("two words", id="two words"),
        pytest.param("a\r\nX-Remote-User: admin", id="a header more"),
        pytest.param("t\u00f6ken", id="other letters"),
    ],
)
def test_what_is_no_token_never_gets_into_a_header(token: str) -> None:
    with pytest.raises(ValueError, match="not a token"):
        bearer(token)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path


def put(path: Path, text: str | None) -> None:
    """None takes the file away."""
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


async def test_a_token_file_is_read_again_each_minute(file: Path, elapsed: Elapsed) -> None:
    tokens = TokenFile(file, monotonic=elapsed)
    put(file, "second\n")
    elapsed.seconds += REREAD_SECONDS - 1
    assert await tokens.authorization() == "Bearer first"
    elapsed.seconds += 1
    assert await tokens.authorization() == "Bearer second"


async def test_a_token_file_is_read_at_once_when_its_token_is_rejected(file: Path, elapsed: Elapsed) -> None:
    tokens = TokenFile(file, monotonic=elapsed)
    assert not await tokens.renew("Bearer first")
    put(file, "second")
    assert await tokens.renew("Bearer first")
    assert await tokens.authorization() == "Bearer second"


async def test_a_token_file_that_cannot_be_read_just_now_leaves_the_old_token(
    file: Path, elapsed: Elapsed
) -> None:
    tokens = TokenFile(file, monotonic=elapsed)
    put(file, None)
    elapsed.seconds += REREAD_SECONDS
    assert await tokens.authorization() == "Bearer first"
    with pytest.raises(CredentialsError, match="No such file"):
        await tokens.renew("Bearer first")
    put(file, "second")
    assert await tokens.authorization() == "Bearer second", "it is tried again without waiting a minute"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "holds no token", id="is empty"),
        pytest.param(b"s3cret s3cret", "holds no token", id="holds words"),
        pytest.param(b"\xff\xfe", "holds no token", id="holds no text"),
        pytest.param(None, "No such file", id="is not there"),
    ],
)
def test_a_token_file_is_refused_at_the_start_when_it(file: Path, content: bytes | None, says: str) -> None:
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CredentialsError, match=says) as refused:
        TokenFile(file)
    assert "s3cret" not in str(refused.value)


class Plugin:
    """Gives out token-1, token-2 and so on, good for `lifetime`; `trouble` makes it fail."""

    def __init__(self, lifetime: timedelta | None = None) -> None:
        self.runs = 0
        self.lifetime = lifetime
        self.trouble = ""
        self.pair: tuple[str, str] | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self) -> Issued:
        self.runs += 1
        await self.gate.wait()
        if self.trouble:
            raise CredentialsError(self.trouble)
        expires = datetime.now(UTC) + self.lifetime if self.lifetime is not None else None
        return Issued(None if self.pair else f"token-{self.runs}", self.pair, expires)


def refreshed(plugin: Plugin, elapsed: Elapsed, *, jitter: float = 0.0) -> PluginCredentials:
    return PluginCredentials(plugin.run, lambda *_: None, monotonic=elapsed, jitter=lambda: jitter)


async def test_a_plug_in_whose_token_does_not_expire_is_run_once(elapsed: Elapsed) -> None:
    plugin = Plugin()
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    elapsed.seconds += 10**9
    assert await tokens.authorization() == "Bearer token-1"
    assert plugin.runs == 1


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 75.0), (1.0, 90.0)])
async def test_a_plug_in_is_run_again_well_before_its_token_expires(
    elapsed: Elapsed, jitter: float, seconds: float
) -> None:
    plugin = Plugin(timedelta(seconds=100))
    tokens = refreshed(plugin, elapsed, jitter=jitter)
    await tokens.start()
    elapsed.seconds += seconds - 1
    assert await tokens.authorization() == "Bearer token-1"
    elapsed.seconds += 1.1
    assert await tokens.authorization() == "Bearer token-2"


@pytest.mark.parametrize("lifetime", [timedelta(seconds=1), timedelta(0), timedelta(days=-1)])
async def test_a_token_that_expires_soon_or_has_expired_does_not_make_us_run_it_for_every_request(
    elapsed: Elapsed, lifetime: timedelta
) -> None:
    plugin = Plugin(lifetime)
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    for _ in range(10):
        await tokens.authorization()
    assert plugin.runs == 1
    elapsed.seconds += RERUN_SECONDS
    assert await tokens.authorization() == "Bearer token-2"


async def test_a_first_run_that_fails_is_an_error(elapsed: Elapsed) -> None:
    plugin = Plugin()
    plugin.trouble = "no"
    with pytest.raises(CredentialsError, match="no"):
        await refreshed(plugin, elapsed).start()


async def test_when_a_later_run_fails_the_old_token_stays_until_it_is_rejected(elapsed: Elapsed) -> None:
    plugin = Plugin(timedelta(seconds=100))
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    plugin.trouble = "the plug-in has failed"
    elapsed.seconds += 80
    for _ in range(10):
        assert await tokens.authorization() == "Bearer token-1"
    assert plugin.runs == 2, "and it is not run again for every request"
    with pytest.raises(CredentialsError, match="the plug-in has failed"):
        await tokens.renew("Bearer token-1")
    plugin.trouble = ""
    elapsed.seconds += RERUN_SECONDS
    assert await tokens.authorization() == "Bearer token-3"


async def test_a_rejected_token_has_the_plug_in_run_but_not_each_time(elapsed: Elapsed) -> None:
    plugin = Plugin()
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    assert not await tokens.renew("Bearer token-1"), "it has only just been run"
    elapsed.seconds += RERUN_SECONDS
    assert await tokens.renew("Bearer token-1")
    assert await tokens.renew("Bearer token-1"), "another request has had it run by now"
    assert await tokens.authorization() == "Bearer token-2"
    assert not await tokens.renew("Bearer token-2")
    assert plugin.runs == 2


async def test_many_rejections_at_once_have_it_run_once(elapsed: Elapsed) -> None:
    plugin = Plugin()
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    elapsed.seconds += RERUN_SECONDS
    assert await asyncio.gather(*(tokens.renew("Bearer token-1") for _ in range(20))) == [True] * 20
    assert plugin.runs == 2


async def test_while_a_plug_in_runs_before_expiry_others_go_on_with_the_old_token(elapsed: Elapsed) -> None:
    plugin = Plugin(timedelta(seconds=100))
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    elapsed.seconds += 80
    plugin.gate.clear()
    first = asyncio.create_task(tokens.authorization())
    await asyncio.sleep(0)
    elapsed.seconds += RERUN_SECONDS
    async with asyncio.timeout(10):
        assert await tokens.authorization() == "Bearer token-1"
    plugin.gate.set()
    assert await first == "Bearer token-2"


async def test_a_request_that_is_given_up_while_the_plug_in_runs_harms_no_other(elapsed: Elapsed) -> None:
    plugin = Plugin(timedelta(seconds=100))
    tokens = refreshed(plugin, elapsed)
    await tokens.start()
    elapsed.seconds += 80
    plugin.gate.clear()
    given_up = asyncio.create_task(tokens.authorization())
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    plugin.gate.set()
    assert await tokens.authorization() == "Bearer token-1"
    elapsed.seconds += RERUN_SECONDS
    assert await tokens.authorization() == "Bearer token-3"


async def test_a_certificate_is_shown_and_no_header_sent(elapsed: Elapsed) -> None:
    plugin = Plugin()
    plugin.pair = "certificate", "key"
    shown: list[tuple[str, str]] = []
    tokens = PluginCredentials(plugin.run, lambda *pair: shown.append(pair), monotonic=elapsed)
    await tokens.start()
    assert shown == [("certificate", "key")]
    assert await tokens.authorization() is None
    elapsed.seconds += RERUN_SECONDS
    assert await tokens.renew(None)
    assert len(shown) == 2


async def test_a_certificate_that_cannot_be_shown_is_a_run_that_failed(elapsed: Elapsed) -> None:
    plugin = Plugin()
    plugin.pair = "certificate", "key"

    def refuse(*_: str) -> None:
        raise CredentialsError("no certificate")

    with pytest.raises(CredentialsError, match="no certificate"):
        await PluginCredentials(plugin.run, refuse, monotonic=elapsed).start()


def test_secrets_are_in_no_repr() -> None:
    assert "s3cret" not in repr(Issued("s3cret", ("s3cret", "s3cret")))


def test_plug_ins_of_many_clients_do_not_run_in_step() -> None:
    least, most = credentials.LIFETIME_SHARE
    assert 0 < least < most < 1
