"""The admission pair: bytes -> codec -> decision -> codec -> bytes.

Both endpoints fail closed: whatever cannot be read or decided is an HTTP error, which the API
server turns into what the failurePolicy of the hook says, never into a silent "allowed".
They are raw ASGI callables: Request and Response objects would cost a third of the whole call.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from webhook import ports, telemetry
from webhook.codec import review as codec
from webhook.core import decide, wording
from webhook.core.errors import MalformedReviewError
from webhook.core.policy import Policy
from webhook.web import errors, wire

BODY_LIMIT = 7 * 1024 * 1024
"""Bytes. A review holds two objects, and the API server takes bodies of up to 3 MB; the rest is
room for JSON that grew while being encoded again (controller-runtime reckons the same)."""


class Verdict(NamedTuple):
    """What an endpoint answered, and how it is counted and logged."""

    body: bytes
    allowed: bool
    label: str
    rules: tuple[str, ...] = ()
    message: str = ""


Decide = Callable[[codec.Review, Policy], Verdict]


def routes(policy: ports.PolicySource, metrics: telemetry.Metrics, log: telemetry.Log) -> list[Route]:
    """`/mutate` and `/validate`."""
    return [
        Route(path, AdmissionEndpoint(name, decision, policy, metrics, log), methods=["POST"])
        for path, name, decision in (("/mutate", "mutate", _mutate), ("/validate", "validate", _validate))
    ]


def _mutate(review: codec.Review, policy: Policy) -> Verdict:
    additions = decide.mutate(review.facts, policy)
    changed = bool(additions.labels or additions.annotations)
    return Verdict(codec.encode_additions(review, additions), True, "patched" if changed else "unchanged")


def _validate(review: codec.Review, policy: Policy) -> Verdict:
    decision = decide.validate(review.facts, policy)
    return Verdict(
        codec.encode_decision(review, decision),
        decision.allowed,
        "allowed" if decision.allowed else "denied",
        tuple(violation.rule for violation in decision.violations),
        "" if decision.allowed else wording.denial(decision),
    )


class AdmissionEndpoint:
    """One webhook as an ASGI application."""

    def __init__(
        self,
        name: str,
        decision: Decide,
        policy: ports.PolicySource,
        metrics: telemetry.Metrics,
        log: telemetry.Log,
    ) -> None:
        self._name = name
        self._decide = decision
        self._policy = policy
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not wire.is_json(scope):
            await errors.send_text(send, 415, "send the review as plain Content-Type: application/json")
            return
        body = await wire.read_body(receive, limit=BODY_LIMIT)
        if body is None:
            await errors.send_text(send, 413, f"the review is larger than {BODY_LIMIT} bytes")
            return
        began = time.perf_counter()
        try:
            review = codec.decode(body)
        except MalformedReviewError as error:
            self._metrics.reviews.labels(self._name, "unknown", "malformed").inc()
            await errors.send_text(send, 400, str(error))
            return
        verdict = self._decide(review, self._policy())
        await wire.send_json(send, 200, verdict.body)
        self._record(review, verdict, time.perf_counter() - began)

    def _record(self, review: codec.Review, verdict: Verdict, seconds: float) -> None:
        facts = review.facts
        self._metrics.reviews.labels(self._name, facts.operation.value, verdict.label).inc()
        self._metrics.review_seconds.observe(seconds)
        for rule in verdict.rules:
            self._metrics.violations.labels(rule).inc()
        if not verdict.allowed:
            self._log.info(
                "denied",
                uid=review.uid,
                namespace=facts.name,
                user=facts.caller.username,
                rules=verdict.rules,
                detail=verdict.message,
            )
