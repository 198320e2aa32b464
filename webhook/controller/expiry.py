"""Ends managed namespaces whose time is over: look -> due -> brake -> pace -> look afresh -> delete.

Nothing is remembered that an object does not say, but for what has been told already and when the last
deletion was. When anything is in doubt, nothing is deleted.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from webhook import ports, telemetry
from webhook.controller.idleness import STEP, IdleWatch
from webhook.controller.notices import Candidate, Notices
from webhook.core import expiry
from webhook.core.errors import ClusterUnavailableError, ConflictError, NotFoundError, RejectedError
from webhook.core.expiry import End, Moment
from webhook.core.model import Manifest
from webhook.core.policy import ExpiryRules, Policy

LOOK_SECONDS = 5.0
"""The longest between two looks; one costs about 50 ms for 10,000 namespaces."""

SHORTEST_SECONDS = 0.1
"""The shortest between two looks, when the next namespace is due."""


class Expirer:
    """To be run by the leader only. `server_now` is the API server's clock, None while it is unknown."""

    def __init__(
        self,
        *,
        reader: ports.ManagedNamespaces,
        reaper: ports.Reaper,
        idle: IdleWatch,
        policy: ports.PolicySource,
        server_now: Callable[[], datetime | None],
        clock: ports.Clock,
        events: ports.EventRecorder,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._reader = reader
        self._reaper = reaper
        self._idle = idle
        self._policy = policy
        self._server_now = server_now
        self._clock = clock
        self._notices = Notices(events)
        self._metrics = metrics
        self._log = log
        self._stopping = asyncio.Event()
        self._last = 0.0
        self._halted = False
        self._agreed = True
        self._tried: dict[str, float] = {}
        """By uid, when a deletion was last tried."""

    async def run(self) -> None:
        """Work until `stop`; can be run again after a cancellation."""
        self._last = _steady()  # as if there had just been a deletion: a crash loop keeps the pace, too
        try:
            while not self._stopping.is_set():
                await self._wait(await self._look())
        finally:
            self._metrics.expiry_due.set(0)
            self._set_halted(False)

    def stop(self) -> None:
        self._stopping.set()

    async def _look(self) -> float:
        """Seconds until the next look."""
        try:
            return await self._work()
        except ClusterUnavailableError as error:
            self._log.error("expiry has to wait", detail=str(error), code=error.code)
            return LOOK_SECONDS

    async def _work(self) -> float:
        moment, policy = self._moment(), self._policy()
        if moment is None:
            return LOOK_SECONDS
        self._note_clocks(moment)
        if moment.is_agreed():
            await self._idle.look(moment.latest())
        managed, ends = await self._survey(policy)
        due = sorted((each for each in ends if moment.is_past(each.end.at)), key=self._turn)
        self._metrics.expiry_due.set(len(due))
        self._tried = {each.uid: self._tried[each.uid] for each in due if each.uid in self._tried}
        self._notices.forget_all_but(managed)
        self._notices.ahead(ends, moment, policy.expiry)
        self._set_halted(expiry.is_too_many(len(due), len(managed), policy.expiry), due, len(managed))
        seconds = LOOK_SECONDS
        if policy.expiry.dry_run:
            self._would_end(due, policy.expiry)
        elif not self._halted:
            seconds = await self._end_in_turn(due)
        ahead = [each.end.at - moment.server for each in ends if each.end.at > moment.server]
        return max(SHORTEST_SECONDS, min([seconds, *ahead]))

    async def _survey(self, policy: Policy) -> tuple[set[str], list[Candidate]]:
        """The uids of all managed namespaces, and those of them that have an end."""
        managed, ends = set(), []
        for number, manifest in enumerate(tuple(self._reader.namespaces())):
            if number % STEP == 0:
                await asyncio.sleep(0)
            if expiry.is_ours(manifest, policy):
                managed.add(manifest["metadata"]["uid"])
                end = expiry.end(manifest, policy)
                ends += [] if end is None else [Candidate(manifest, end)]
        return managed, ends

    def _moment(self) -> Moment | None:
        server = self._server_now()
        return None if server is None else Moment(server.timestamp(), self._clock.now().timestamp())

    def _note_clocks(self, moment: Moment) -> None:
        self._metrics.clock_offset.set(moment.own - moment.server)
        if self._agreed and not moment.is_agreed():
            detail = "our clock and the API server's differ by more than 15 minutes"
            self._log.error("the clocks do not agree", detail=detail, offset=moment.own - moment.server)
        self._agreed = moment.is_agreed()

    def _turn(self, candidate: Candidate) -> tuple[float, int, str]:
        """Oldest first; those tried already come after the others, or else a few could hold up all."""
        return self._tried.get(candidate.uid, 0.0), candidate.end.at, candidate.name

    async def _end_in_turn(self, due: list[Candidate]) -> float:
        """Those whose turn comes soon, for then the brake is to be asked again. Seconds until that."""
        until = _steady() + LOOK_SECONDS
        for candidate in due:
            pause = expiry.pause(self._last, _steady(), self._policy().expiry)
            if _steady() + pause > until:
                return min(pause, LOOK_SECONDS)
            await self._wait(pause)
            if self._stopping.is_set():
                break
            await self._end(candidate)
        return LOOK_SECONDS

    def _would_end(self, due: list[Candidate], rules: ExpiryRules) -> None:
        """All of them, whatever the brake says: people want to see what would go."""
        for each in due:
            if self._notices.over(each, rules):
                self._finish(each, "dry_run")

    async def _end(self, candidate: Candidate) -> None:
        """One deletion, decided on the namespace as it is now. What comes to nothing costs a turn, too."""
        self._last = self._tried[candidate.uid] = _steady()
        try:
            fresh = await self._reaper.fetch(candidate.name)
            end = await self._confirmed(fresh)
            if end is None:
                return self._log.info("namespace is not due any more", namespace=candidate.name)
            candidate = Candidate(fresh, end)
            self._notices.over(candidate, self._policy().expiry)
            self._last = _steady()
            await self._reaper.delete(fresh)
        except NotFoundError:
            self._finish(candidate, "gone")
        except (ConflictError, RejectedError) as error:
            outcome = "conflict" if isinstance(error, ConflictError) else "refused"
            self._metrics.expired.labels(outcome).inc()
            self._log.info(
                "namespace not deleted", outcome=outcome, namespace=candidate.name, detail=str(error)
            )
        else:
            self._finish(candidate, "deleted")

    async def _confirmed(self, fresh: Manifest) -> End | None:
        """The end of a namespace that is over by everything that is known now; None otherwise."""
        policy, moment = self._policy(), self._moment()
        end = expiry.end(fresh, policy)
        if end is None or moment is None or policy.expiry.dry_run or not moment.is_past(end.at):
            return None
        if end.idle:
            quota = await self._reaper.fetch_quota(fresh["metadata"]["name"])
            return end if self._idle.is_still_idle(fresh, quota) else None
        return end

    def _finish(self, candidate: Candidate, outcome: str) -> None:
        self._metrics.expired.labels(outcome).inc()
        self._log.info(
            "namespace expired",
            outcome=outcome,
            namespace=candidate.name,
            uid=candidate.uid,
            end=expiry.shown(candidate.end.at),
            idle=candidate.end.idle,
        )

    def _set_halted(self, halted: bool, due: list[Candidate] | None = None, managed: int = 0) -> None:
        self._metrics.expiry_halted.set(halted)
        if halted and not self._halted and due:
            oldest, most = due[0], self._policy().expiry.max_percent
            detail = f"{len(due)} of {managed} namespaces are due, more than {most} %: none is deleted"
            self._log.error("expiry is halted", detail=detail, oldest=oldest.name)
            self._notices.halted(oldest, detail)
        self._halted = halted

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _steady() -> float:
    return asyncio.get_running_loop().time()
