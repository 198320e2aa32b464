"""The admission pair: bytes -> codec -> decision -> codec -> bytes.

Both endpoints fail closed: whatever cannot be read or decided is an HTTP error, which the API
server turns into what the failurePolicy of the hook says, never into a silent "allowed".
They are raw ASGI callables: Request and Response objects would cost a third of the whole call.
"""

import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from webhook import ports
from webhook.codec import review as codec
from webhook.core import decide
from webhook.core.errors import MalformedReviewError
from webhook.core.model import Decision
from webhook.core.policy import Policy
from webhook.web import errors, wire
from webhook.web.record import Recorder

BODY_LIMIT = 7 * 1024 * 1024
"""Bytes. A review holds two objects, and the API server takes bodies of up to 3 MB; the rest is
room for JSON that grew while being encoded again (controller-runtime reckons the same)."""

_TOO_LARGE = f"the review is larger than {BODY_LIMIT} bytes"


class Verdict(NamedTuple):
    """What an endpoint answers, in one word for the metrics, and why."""

    body: bytes
    label: str
    decision: Decision


Decide = Callable[[codec.Review, Policy], Verdict]


def routes(policy: ports.PolicySource, clock: ports.Clock, recorder: Recorder) -> list[Route]:
    """`/mutate` and `/validate`."""
    intake = wire.Intake(wire.INTAKE_LIMIT)
    return [
        Route(path, AdmissionEndpoint(path[1:], decision, policy, clock, recorder, intake), methods=["POST"])
        for path, decision in (("/mutate", _mutate), ("/validate", _validate))
    ]


def _mutate(review: codec.Review, policy: Policy) -> Verdict:
    additions = decide.mutate(review.facts, policy)
    changed = bool(additions.labels or additions.annotations)
    return Verdict(
        codec.encode_additions(review, additions), "patched" if changed else "unchanged", Decision()
    )


def _validate(review: codec.Review, policy: Policy) -> Verdict:
    decision = decide.validate(review.facts, policy)
    return Verdict(
        codec.encode_decision(review, decision), "allowed" if decision.allowed else "denied", decision
    )


class AdmissionEndpoint:
    """One webhook as an ASGI application."""

    def __init__(
        self,
        name: str,
        decision: Decide,
        policy: ports.PolicySource,
        clock: ports.Clock,
        recorder: Recorder,
        intake: wire.Intake,
    ) -> None:
        self._name = name
        self._decide = decision
        self._policy = policy
        self._clock = clock
        self._recorder = recorder
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not wire.is_json(scope):
            await errors.send_text(send, 415, "send the review as plain Content-Type: application/json")
            return
        if wire.declared_length(scope) > BODY_LIMIT:
            await errors.send_text(send, 413, _TOO_LARGE)
            return
        body = await wire.read_body(receive, limit=BODY_LIMIT, intake=self._intake)
        if body is None:
            await errors.send_text(send, 413, _TOO_LARGE)
            return
        began = time.perf_counter()
        try:
            review = codec.decode(body, self._clock.now())
        except MalformedReviewError as error:
            self._recorder.malformed(self._name)
            await errors.send_text(send, 400, str(error))
            return
        try:
            verdict = self._decide(review, self._policy())
        except Exception:  # whatever it is, it is the matter of this request alone
            self._recorder.failed(self._name, review, traceback.format_exc())
            await errors.send_text(send, 500, errors.INTERNAL_ERROR)
            return
        await wire.send_answer(send, 200, verdict.body)
        self._recorder.answered(
            self._name, review, verdict.label, verdict.decision, time.perf_counter() - began
        )
