"""Tells people of the ends of their namespaces, each thing once in the life of this process."""

from collections.abc import Collection
from dataclasses import dataclass

from webhook import ports
from webhook.core import expiry
from webhook.core.expiry import End, Moment
from webhook.core.model import Manifest
from webhook.core.policy import ExpiryRules


@dataclass(frozen=True, slots=True)
class Candidate:
    """A namespace with an end, as memory has it."""

    manifest: Manifest
    end: End

    @property
    def name(self) -> str:
        name: str = self.manifest["metadata"]["name"]
        return name

    @property
    def uid(self) -> str:
        uid: str = self.manifest["metadata"]["uid"]
        return uid


class Notices:
    """Remembers by uid what was told: a namesake and another end are told of anew."""

    def __init__(self, events: ports.EventRecorder) -> None:
        self._events = events
        self._told: dict[str, set[tuple[str, int]]] = {}

    def ahead(self, ends: Collection[Candidate], moment: Moment, rules: ExpiryRules) -> None:
        """Tell of the ends that have come near, by the latest notice only."""
        for each in ends:
            nearest = expiry.latest_notice(each.end.at, moment.server, rules)
            if nearest is None or moment.server >= each.end.at:
                continue
            if self._is_news(each.uid, nearest, each.end.at):
                message = expiry.ahead(each.end, nearest)
                self._events.record(each.manifest, warning=True, reason="ExpiresSoon", message=message)

    def over(self, namespace: Candidate, rules: ExpiryRules) -> bool:
        """Tell of an end that has come; whether that was news."""
        what = "would be over" if rules.dry_run else "over"
        news = self._is_news(namespace.uid, what, namespace.end.at)
        if news:
            message = expiry.over(namespace.end, rules)
            self._events.record(namespace.manifest, warning=True, reason="Expired", message=message)
        return news

    def halted(self, oldest: Candidate, detail: str) -> None:
        self._events.record(oldest.manifest, warning=True, reason="ExpiryHalted", message=detail)

    def forget_all_but(self, uids: Collection[str]) -> None:
        self._told = {uid: told for uid, told in self._told.items() if uid in uids}

    def _is_news(self, uid: str, what: str, at: int) -> bool:
        told = self._told.setdefault(uid, set())
        if (what, at) in told:
            return False
        told.add((what, at))
        return True
