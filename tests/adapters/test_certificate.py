"""The certificate follows its files, and no handshake fails meanwhile."""

import asyncio
import os
import re
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.authority import Issued
from tests.adapters.handshake import handshake
from tests.controller.support import Told, until
from webhook.adapters import pki, polling
from webhook.adapters.certificate import CertificateWatcher, ServingCertificate
from webhook.adapters.clock import SystemClock
from webhook.adapters.tls import CertificateError

NOW = datetime.now(UTC)


@pytest.fixture
def pairs(tmp_path: Path) -> list[Path]:
    """Two folders, each with a pair and the CA that signed it."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        pki.make_pair(folder, ["localhost"])
    return folders


@pytest.fixture
def live(tmp_path: Path, pairs: list[Path]) -> Path:
    """The folder that is served; the first pair is in it."""
    folder = tmp_path / "live"
    folder.mkdir()
    put(folder, pairs[0])
    return folder


@pytest.fixture
def told() -> Told:
    return Told()


def put(live: Path, folder: Path, *, names: tuple[str, ...] = ("tls.crt", "tls.key")) -> None:
    for name in names:
        shutil.copy(folder / name, live / f"{name}.new")
        (live / f"{name}.new").replace(live / name)


def serving(live: Path) -> ServingCertificate:
    return ServingCertificate(live / "tls.crt", live / "tls.key")


def trusts(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "ca.crt"))


def test_the_new_pair_is_handed_out_after_a_reload_and_not_before(live: Path, pairs: list[Path]) -> None:
    served = serving(live)
    put(live, pairs[1])
    assert handshake(served.context(), trusts(pairs[0]), "localhost")
    assert served.reload(NOW)
    assert handshake(served.context(), trusts(pairs[1]), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(served.context(), trusts(pairs[0]), "localhost")


def test_a_client_that_names_no_server_gets_the_new_pair_too(live: Path, pairs: list[Path]) -> None:
    served = serving(live)
    put(live, pairs[1])
    served.reload(NOW)
    client = trusts(pairs[1])
    client.check_hostname = False
    assert handshake(served.context(), client, "127.0.0.1")  # an address is never sent as a name


def test_an_unchanged_pair_is_no_reload(live: Path, pairs: list[Path]) -> None:
    served = serving(live)
    put(live, pairs[0])
    assert not served.reload(NOW)


BAD: dict[str, Callable[[Path, list[Path]], object]] = {
    "a new certificate with the old key": lambda live, pairs: put(live, pairs[1], names=("tls.crt",)),
    "a new key with the old certificate": lambda live, pairs: put(live, pairs[1], names=("tls.key",)),
    "half a certificate": lambda live, pairs: os.truncate(live / "tls.crt", 100),
    "an empty key": lambda live, pairs: os.truncate(live / "tls.key", 0),
    "no certificate": lambda live, pairs: (live / "tls.crt").unlink(),
    "something else": lambda live, pairs: (live / "tls.crt").write_text("hello"),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_the_old_pair_stays_when_the_new_one_is(
    live: Path, pairs: list[Path], spoil: Callable[[Path, list[Path]], object]
) -> None:
    served = serving(live)
    spoil(live, pairs)
    with pytest.raises(CertificateError):
        served.reload(NOW)
    assert handshake(served.context(), trusts(pairs[0]), "localhost")
    put(live, pairs[1])
    assert served.reload(NOW)
    assert handshake(served.context(), trusts(pairs[1]), "localhost")


@pytest.mark.parametrize("days", [-1, 91], ids=["not valid yet", "expired"])
def test_the_old_pair_stays_when_the_new_one_is_not_valid_now(
    live: Path, pairs: list[Path], days: int
) -> None:
    served = serving(live)
    put(live, pairs[1])
    with pytest.raises(CertificateError, match="is valid from"):
        served.reload(NOW + timedelta(days=days))
    assert handshake(served.context(), trusts(pairs[0]), "localhost")


def test_when_it_ends_is_known(live: Path) -> None:
    assert abs(serving(live).expires - NOW - timedelta(days=pki.LEAF_DAYS)) < timedelta(hours=1)


def test_how_long_it_is_valid_is_there_for_people(live: Path, told: Told) -> None:
    watcher = CertificateWatcher(serving(live), clock=SystemClock(), metrics=told.metrics, log=told.log)
    assert re.fullmatch(r"valid for 89 more days, until \d{4}-\S+", watcher.days_left())
    assert watcher.expired() is None


def test_an_expired_pair_still_serves_and_says_so(live: Path, tmp_path: Path, told: Told) -> None:
    """At the start there is no older one that could stay."""
    certificate, key = Issued.root().issue("localhost", days=(-20, -10)).write(tmp_path)
    served = ServingCertificate(certificate, key)
    watcher = CertificateWatcher(served, clock=SystemClock(), metrics=told.metrics, log=told.log)
    assert str(watcher.expired()).startswith("expired at ")
    assert watcher.days_left().startswith("valid for 0 more days")


class Ticks:
    """Handshakes without end, each with a client that trusts both authorities."""

    def __init__(self, context: Callable[[], ssl.SSLContext], pairs: list[Path]) -> None:
        self.done = 0
        self._context = context
        self._client = ssl.create_default_context()
        for folder in pairs:
            self._client.load_verify_locations(folder / "ca.crt")

    async def run(self) -> None:
        while True:
            assert handshake(self._context(), self._client, "localhost")
            self.done += 1
            await asyncio.sleep(0)


@pytest.mark.anyio
async def test_rotations_under_load_fail_no_handshake(
    live: Path, pairs: list[Path], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of a long campaign: good, mismatched and broken pairs in turn."""
    monkeypatch.setattr(polling, "POLL_SECONDS", 0.001)
    served = serving(live)
    watcher = CertificateWatcher(served, clock=SystemClock(), metrics=told.metrics, log=told.log)
    ticks, poller = Ticks(served.context, pairs), polling.Poller(watcher.look)
    watching, ticking = asyncio.create_task(poller.run()), asyncio.create_task(ticks.run())

    async def counted(result: str, least: int) -> None:
        def seen() -> bool:
            return ticking.done() or told.value("nsp_certificate_reloads_total", result=result) >= least

        await until(seen, f"{least} reloads with {result}")

    for turn in range(30):
        good = pairs[(turn + 1) % 2]
        put(live, good, names=("tls.crt",))
        await counted("failure", turn + 1)
        put(live, good, names=("tls.key",))
        await counted("success", turn + 1)
    assert not ticking.done(), ticking
    assert ticks.done >= 30
    ticking.cancel()
    poller.stop()
    await asyncio.gather(watching, ticking, return_exceptions=True)
    assert told.value("nsp_certificate_expiry_timestamp_seconds") == served.expires.timestamp()
    assert watcher.expired() is None
