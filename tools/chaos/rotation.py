"""The serving certificate is replaced again and again, by good pairs and bad ones; no handshake fails.

Meanwhile 100 new connections a second each do a full handshake and send one review. A good pair is
replaced next when it is served, a bad one when the product has said that it keeps the old one.
"""

import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.chaos.authority import Authority, Pair
from tools.chaos.background import Background
from tools.chaos.fleet import Fleet, Replica
from tools.chaos.report import Report, spread
from tools.chaos.reviews import Reviews, Target
from tools.chaos.secretvolume import SecretVolume
from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError

SEEN_SECONDS = 15.0
"""A pair that is neither served nor complained of after this long is counted as missed."""


@dataclass(frozen=True, slots=True)
class Size:
    rotations: int
    rate: float  # handshakes a second
    command: tuple[str, ...] = ()  # what runs `serve`; nsp as installed when empty


FULL = Size(rotations=500, rate=100)
SHORT = Size(rotations=24, rate=100, command=(sys.executable, "-m", "tools.chaos.impatient", "0.05"))


def main(size: Size) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), size)


def run(folder: Path, size: Size) -> Report:
    """Needs no cluster."""
    authority = Authority()
    volume = SecretVolume(folder / "secret")
    first = authority.pair("ECDSA")
    volume.swap(_files(first))
    (folder / "ca.crt").write_bytes(authority.pem)
    fleet = Fleet(folder, certificates=volume.folder, command=size.command)
    with Background() as background, fleet:
        fleet.add()
        [replica] = fleet.serving
        target = Target.at(replica.address, folder / "ca.crt")
        load = Reviews(target, rate=size.rate, fresh=True)
        rotations = Rotations(authority, volume, replica, target, in_force=first)
        with background.under(load):
            for number in range(size.rotations):
                rotations.next(number)
    report = Report(f"rotation: {size.rotations} replacements at {size.rate:.0f} new connections/s")
    rotations.tell(report)
    load.tell(report)
    return report


class Rotations:
    """Good and bad replacements in turn, each seen through before the next."""

    def __init__(
        self, authority: Authority, volume: SecretVolume, replica: Replica, target: Target, *, in_force: Pair
    ) -> None:
        self._authority = authority
        self._volume = volume
        self._replica = replica
        self._target = target
        self._in_force = in_force
        self._seconds: list[float] = []
        self._good: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._missed: list[str] = []
        self._wrong: list[str] = []

    def next(self, number: int) -> None:
        """There is one bad way more than good ones, so that in time each bad one follows each good one."""
        turn, bad = divmod(number, 2)
        if bad:
            self._replace_badly(list(BAD)[turn % len(BAD)])
        else:
            self._replace(list(GOOD)[turn % len(GOOD)])

    def _replace(self, way: str) -> None:
        algorithm, write = GOOD[way]
        pair = self._authority.pair(algorithm)
        began = time.monotonic()
        write(self._volume, pair)
        if not self._eventually(lambda: self._served() == pair.der):
            self._missed.append(way)
            return
        self._seconds.append(time.monotonic() - began)
        self._in_force = pair
        self._good[way] += 1

    def _replace_badly(self, way: str) -> None:
        complaints = self._complaints()
        BAD[way](self._volume, self._authority)
        if not self._eventually(lambda: self._complaints() > complaints):
            self._missed.append(way)
        if self._served() != self._in_force.der:
            self._wrong.append(way)
        self._bad[way] += 1

    def _complaints(self) -> float:
        return self._replica.metric('nsp_certificate_reloads_total{result="failure"}')

    def _served(self) -> bytes | None:
        """The certificate that a new connection is shown."""
        with (
            socket.create_connection(self._target.host_and_port, timeout=5) as plain,
            self._target.tls.wrap_socket(plain, server_hostname=self._target.host_and_port[0]) as connection,
        ):
            return connection.getpeercert(binary_form=True)

    def _eventually(self, condition: Callable[[], bool]) -> bool:
        try:
            waiting.until(condition, "a change", [self._replica.process], limit=SEEN_SECONDS)
        except ControlPlaneError:
            if self._replica.process.alive():
                return False
            raise
        return True

    def tell(self, report: Report) -> None:
        """What was replaced, and what came of it."""
        for what, done in (("good pairs", self._good), ("bad pairs", self._bad)):
            report.tell(what, f"{done.total()} ({', '.join(f'{n} {way}' for way, n in done.items())})")
        report.tell("time until a good pair is served", spread(self._seconds))
        for what, ways in (("replacements not noticed", self._missed), ("bad pairs served", self._wrong)):
            report.check(what, str(len(ways)), "0", kept=not ways)
            report.notes += [f"{what}: {way}" for way in ways[:10]]


def _files(pair: Pair) -> dict[str, bytes]:
    return {"tls.crt": pair.certificate, "tls.key": pair.key}


def _swap(volume: SecretVolume, pair: Pair) -> None:
    volume.swap(_files(pair))


def _overwrite(volume: SecretVolume, pair: Pair) -> None:
    for name, content in _files(pair).items():
        volume.overwrite(name, content)


GOOD: dict[str, tuple[str, Callable[[SecretVolume, Pair], None]]] = {
    "ECDSA swapped": ("ECDSA", _swap),
    "RSA swapped": ("RSA", _swap),
    "ECDSA overwritten": ("ECDSA", _overwrite),
    "RSA overwritten": ("RSA", _overwrite),
}


def _mismatched(volume: SecretVolume, authority: Authority) -> None:
    volume.swap({"tls.crt": authority.pair("ECDSA").certificate, "tls.key": authority.pair("ECDSA").key})


def _mixed(volume: SecretVolume, authority: Authority) -> None:
    volume.swap({"tls.crt": authority.pair("RSA").certificate, "tls.key": authority.pair("ECDSA").key})


def _half_a_certificate(volume: SecretVolume, authority: Authority) -> None:
    certificate = authority.pair("RSA").certificate
    volume.overwrite("tls.crt", certificate[: len(certificate) // 2])


def _empty_key(volume: SecretVolume, authority: Authority) -> None:
    volume.overwrite("tls.key", b"")


def _expired(volume: SecretVolume, authority: Authority) -> None:
    volume.swap(_files(authority.pair("ECDSA", expired=True)))


BAD: dict[str, Callable[[SecretVolume, Authority], None]] = {
    "mismatched": _mismatched,
    "RSA with ECDSA key": _mixed,
    "half a certificate": _half_a_certificate,
    "empty key": _empty_key,
    "expired": _expired,
}
