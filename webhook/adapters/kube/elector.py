"""Leader election on a Lease: of all replicas, one writes.

The Lease names its holder, and its version (resourceVersion) is the lock: of two who write on the same
version one succeeds. The holder renews it; who sees it unchanged for its duration may take it. Times are
measured on each side's own steady clock; what the other side wrote as a time is never compared with one.

A leader counts its time from before its last renewal was sent, the others theirs from after they saw it:
so its time is over first, by `Timing.margin` at least, however long calls take or processes are frozen.
"""

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from webhook import ports, telemetry
from webhook.adapters.kube import lease
from webhook.adapters.kube.credentials import CredentialsError
from webhook.adapters.kube.lease import Lease
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ConflictError, NotFoundError
from webhook.core.model import Manifest

JITTER = 0.2
"""By how much a pause may be shorter, so that replicas do not ask in step."""

CANDIDATE = 0.75
"""Candidates look a little more often than a leader renews: a released Lease is taken within 2 s."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. retry < renew_deadline < lease - margin."""

    lease: int = 15
    """How long a Lease lasts that is not renewed."""

    renew_deadline: float = 10.0
    """After so long without a renewal a leader stops its work."""

    retry: float = 2.0
    """Between two renewals, successful or not; about that between two looks of a candidate."""

    margin: float = 2.0
    """Between the last write that a leader may send and the end of its Lease: for a write that is under
    way in the API server, and for clocks that do not run equally fast."""

    @property
    def grace(self) -> float:
        """What is left to the work of a leader that could not renew to end by itself."""
        return self.lease - self.renew_deadline - self.margin


TIMING = Timing()

_GONE = "gone"
"""Instead of a version: the Lease was there and is not any more."""


def identity() -> str:
    """The host's name, which is the pod's, with something random: a restarted process is another one."""
    return f"{socket.gethostname()}_{secrets.token_hex(4)}"


POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def home(*, in_pod: bool, file: Path = POD_NAMESPACE) -> str:
    """The namespace of the Lease: the pod's own, or else kube-system, which every cluster has.

    Tenants must not be able to write Leases there: whoever can decides who leads. Raises CredentialsError
    for a pod that does not know its namespace.
    """
    if not in_pod:
        return "kube-system"
    try:
        return file.read_text().strip()
    except OSError as error:
        detail = f"the pod's namespace cannot be read: {error}; name one with --lease-namespace"
        raise CredentialsError(detail) from error


def steady() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine is suspended.

    Linux's CLOCK_MONOTONIC, which the event loop uses, stands still then; a laptop or a virtual machine
    that wakes up would believe that it still leads. Elsewhere the monotonic clock has to do.
    """
    return time.clock_gettime(_STEADY)


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Elector:
    """Candidate for as long as it runs. `transport` must not be fenced, nor be kept busy by others."""

    def __init__(
        self,
        transport: Transport,
        *,
        namespace: str,
        identity: str,
        clock: ports.Clock,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
        timing: Timing = TIMING,
        steady: Callable[[], float] = steady,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._namespace = namespace
        self._identity = identity
        self._clock = clock
        self._changes = metrics.leadership_changes
        self._log = log
        self._timing = timing
        self._steady = steady
        self._jitter = jitter
        self._stopping = asyncio.Event()
        self._renewed = -inf  # when the last renewal was sent that succeeded; never for who does not lead
        self._found: Lease | None = None
        self._version = ""
        self._free_at = -inf  # when the Lease may be taken, if it stays as it is
        self._term: Manifest | None = None  # what we wrote last, while nobody else has held it
        self._trouble = ""
        metrics.leader.set_function(lambda: float(self.is_leader()))

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Run `lead` whenever we lead, until it ends by itself or fails, or until `stop`.

        When leadership is lost, `lead` is cancelled, and run again in a later term. However it ends
        otherwise, and when this is cancelled, the Lease is given back after its end.
        """
        while await self._campaign():
            if not await self._reign(lead):
                return

    def stop(self) -> None:
        """Be a candidate no more. Who leads goes on until `lead` has ended, which is the caller's part."""
        self._stopping.set()

    def seconds_left(self) -> float:
        """For how long a write may still go on; 0 for who does not lead. A number from our own clock:
        a process that was frozen finds it gone at once."""
        return max(0.0, self._renewed + self._timing.lease - self._timing.margin - self._steady())

    def is_leader(self) -> bool:
        return self.seconds_left() > 0

    def leader(self) -> str:
        """Who leads, as far as we know, for people to read."""
        if self.is_leader():
            return f"{self._identity} (this process)"
        return (self._found.holder if self._found else "") or "nobody"

    async def _campaign(self) -> bool:
        """Wait for the Lease; False when stopped."""
        while not self._stopping.is_set():
            if await self._try(self._claim):
                return True
            with suppress(TimeoutError):
                async with asyncio.timeout(CANDIDATE * self._pause()):
                    await self._stopping.wait()
        return False

    async def _reign(self, lead: Callable[[], Awaitable[None]]) -> bool:
        """Lead until `lead` ends or leadership is lost; whether it was lost."""
        self._tell("gained", "leading")
        working = asyncio.ensure_future(lead())
        keeping = asyncio.create_task(self._keep())
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            await self._ended(working, late=keeping.done)
            keeping.cancel()
            await asyncio.wait([keeping])
            lost = not keeping.cancelled()
            await self._resign(lost=lost)
        if not working.cancelled():
            working.result()
        return lost

    async def _ended(self, working: asyncio.Future[None], *, late: Callable[[], bool]) -> None:
        """Wait for the work to end. After our time the fence holds its writes back, so there is no hurry."""
        await asyncio.wait([working], timeout=self._timing.grace)
        if late() and not working.done():
            self._log.error("the work of a lost term has not ended yet", identity=self._identity)
        await asyncio.wait([working])

    async def _resign(self, *, lost: bool) -> None:
        self._renewed = -inf
        if lost:
            self._tell("lost", "leading no more", leader=self.leader())
            return
        await self._try(self._release, within=2 * self._timing.retry)
        self._tell("released", "leading no more, by intention")

    async def _keep(self) -> None:
        """Renew until somebody else holds the Lease, or until the renew deadline."""
        while self._seconds_to_renew() > (pause := self._pause()):
            await asyncio.sleep(pause)
            await self._try(self._renew, within=self._seconds_to_renew())
        await asyncio.sleep(max(0.0, self._seconds_to_renew()))
        self._renewed = -inf

    def _seconds_to_renew(self) -> float:
        return self._renewed + self._timing.renew_deadline - self._steady()

    async def _claim(self) -> bool:
        """Take the Lease if that may be done now; whether we have it."""
        found = await self._look()
        if self._steady() < self._free_at and not self._is_ours(found):
            return False
        with suppress(ConflictError):  # another candidate was first
            await self._hold(found)
        return self.is_leader()

    async def _renew(self) -> bool:
        """Write on what we know; when that is not the state any more, look and write again.

        What we find, or do not find, is ours only while our time is not over: somebody else may have led
        since, and a hand may have been in the Lease.
        """
        with suppress(ConflictError, NotFoundError):
            await self._hold(self._found)
            return True
        found = await self._look()
        if not self.is_leader() or (found is not None and not self._is_ours(found)):
            self._renewed = -inf
            return False
        await self._hold(found)
        return True

    async def _release(self) -> bool:
        found = self._found
        for _ in range(2):  # a renewal that was broken off may have been written nevertheless
            if found is None or not self._is_ours(found):
                break
            with suppress(ConflictError):
                await self._put(found, lease.released(found, now=self._clock.now()))
                break
            found = await self._look()
        return True

    def _is_ours(self, found: Lease | None) -> bool:
        """Whether we wrote it in our last term. That it names us is not enough: anybody could have done that
        while another leads."""
        return found is not None and self._term is not None and found.is_of_term(self._term)

    async def _look(self) -> Lease | None:
        try:
            await self._call(self._transport.get(lease.path(self._namespace)))
        except NotFoundError:
            self._found = None
            if self._version:
                self._seen(_GONE, self._timing.lease)
        return self._found

    async def _hold(self, found: Lease | None) -> None:
        """Write that we hold the Lease: it succeeds only on what was found, and counts from now."""
        spec = lease.held(found, self._identity, seconds=self._timing.lease, now=self._clock.now())
        self._term = spec
        sent = self._steady()
        await self._put(found, spec)
        self._renewed = sent

    async def _put(self, found: Lease | None, spec: Manifest) -> None:
        if found is None:
            manifest = lease.created(self._namespace, spec)
            await self._call(self._transport.create(lease.collection(self._namespace), manifest))
        else:
            path = lease.path(self._namespace)
            await self._call(self._transport.replace(path, found.with_spec(spec)))

    async def _call(self, call: Coroutine[Any, Any, Manifest]) -> None:
        """Remember the answer. A call that hangs must leave time for another."""
        async with asyncio.timeout(2 * self._timing.retry):
            answer = await call
        self._note(answer)

    def _note(self, manifest: Manifest) -> None:
        """Remember a Lease as the server has it. A new version has its whole time before it."""
        found = Lease(manifest)
        self._seen(found.version, found.seconds_to_wait(self._timing.lease))
        if found.holder != self._identity:
            self._term = None
        self._found = found

    def _seen(self, version: str, wait: float) -> None:
        """Remember since when the Lease is as it is. One that is gone may have a holder for its time, too;
        only one that we have never seen is free at once."""
        if version != self._version:
            self._version = version
            self._free_at = self._steady() + wait

    async def _try(self, step: Callable[[], Awaitable[bool]], *, within: float | None = None) -> bool:
        """What `step` says. Whatever goes wrong in it, or takes longer, is a failed try."""
        try:
            async with asyncio.timeout(within):
                done = await step()
        except Exception as error:
            self._failed(str(error) or type(error).__name__)
            return False
        self._trouble = ""
        return done

    def _failed(self, trouble: str) -> None:
        """Log trouble once, not with every try."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.error("trouble with the Lease, trying again", detail=trouble, identity=self._identity)

    def _tell(self, change: str, message: str, **fields: str) -> None:
        self._changes.labels(change).inc()
        self._log.info(message, identity=self._identity, **fields)

    def _pause(self) -> float:
        return self._timing.retry * (1 - JITTER * self._jitter())
