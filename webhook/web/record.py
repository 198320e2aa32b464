"""What is counted and logged of each review. The decision knows nothing of it."""

from collections import Counter
from collections.abc import Sequence

import prometheus_client

from webhook import telemetry
from webhook.codec import review as codec
from webhook.core import wording
from webhook.core.model import Decision, Violation

TEXT_LIMIT = 256
"""Characters of a name that are logged: more than any that the API server lets pass."""


class Recorder:
    """Counts every review; logs each that broke a rule, each that failed, and a sample of the others."""

    def __init__(self, metrics: telemetry.Metrics, log: telemetry.Log, *, allowed_every: int) -> None:
        """Of `allowed_every` allowed reviews one is logged; 0 is none at all."""
        self._metrics = metrics
        self._log = log
        self._allowed_every = allowed_every
        self._allowed = 0
        self._counters: dict[tuple[str, ...], prometheus_client.Counter] = {}

    def malformed(self, endpoint: str) -> None:
        self._count(endpoint, "unknown", "malformed")

    def failed(self, endpoint: str, review: codec.Review, traceback: str) -> None:
        """We could not decide: a mistake of ours, which somebody has to look at."""
        self._count(endpoint, review.facts.operation.value, "error")
        self._log.error("decision failed", **_fields(review), endpoint=endpoint, traceback=traceback)

    def answered(
        self, endpoint: str, review: codec.Review, verdict: str, decision: Decision, seconds: float
    ) -> None:
        """`seconds` is the time from the complete body to the answer."""
        self._count(endpoint, review.facts.operation.value, verdict)
        self._metrics.review_seconds.observe(seconds)
        if decision.violations:
            self._broken("denied", "enforce", review, decision.violations)
        if decision.tolerated:
            self._broken("tolerated", "tolerated", review, decision.tolerated)
        if not (decision.violations or decision.tolerated):
            self._sample(endpoint, review, verdict)

    def _count(self, *labels: str) -> None:
        """Looking up a metric by its labels costs more than counting: it is done once."""
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self._metrics.reviews.labels(*labels)
        counter.inc()

    def _broken(self, message: str, mode: str, review: codec.Review, violations: Sequence[Violation]) -> None:
        rules = Counter(violation.rule for violation in violations)
        for rule, number in rules.items():
            self._metrics.violations.labels(rule, mode).inc(number)
        self._log.info(
            message, **_fields(review), rules=list(rules), detail=wording.denial(Decision(tuple(violations)))
        )

    def _sample(self, endpoint: str, review: codec.Review, verdict: str) -> None:
        self._allowed += 1
        if self._allowed_every and self._allowed % self._allowed_every == 0:
            self._log.info("allowed", **_fields(review), endpoint=endpoint, verdict=verdict)


def _fields(review: codec.Review) -> dict[str, str]:
    """What tells a review from others, within bounds: a hostile one is as long as it likes."""
    facts = review.facts
    return {
        "uid": review.uid[:TEXT_LIMIT],
        "operation": facts.operation.value,
        "namespace": facts.name[:TEXT_LIMIT],
        "user": facts.caller.username[:TEXT_LIMIT],
    }
