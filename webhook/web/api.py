"""The self-service API: the second way in to the same decision.

A request becomes the Namespace that `kubectl create` would send; it is decided here by the same
rules, written through the API server (where the webhooks decide once more), and answered when the
controller has completed the bundle.
"""

from dataclasses import dataclass, replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webhook import ports, telemetry
from webhook.codec import apimodel, namespace
from webhook.core import bundle, decide, labels, wording
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Caller, ConditionStatus, Decision, Facts, NamespaceState, Operation, key_of
from webhook.web import auth, errors, wire

BODY_LIMIT = 64 * 1024
"""Bytes; a request is two short names."""

WAIT_SECONDS = 8.0
"""How long a request waits for its bundle before it is answered with 202; less than a listener's
grace on shutdown, so that every request in hand is answered."""

RETRY_AFTER = {"Retry-After": "5"}

_POINTERS = {
    "metadata.name": "/team",
    f"metadata.labels[{labels.TEAM}]": "/team",
    f"metadata.labels[{labels.TIER}]": "/tier",
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The namespace as it was decided on."""

    name: str
    state: NamespaceState
    objects: list[str]
    """The objects of its bundle, as Kind/name."""


class Api:
    """The endpoints of the role `api`."""

    def __init__(
        self,
        *,
        policy: ports.PolicySource,
        tokens: ports.TokenVerifier,
        gateway: ports.NamespaceGateway,
        log: telemetry.Log,
    ) -> None:
        self._policy = policy
        self._tokens = tokens
        self._gateway = gateway
        self._log = log

    def routes(self) -> list[Route]:
        return [Route("/namespaces", self.post_namespace, methods=["POST"])]

    async def post_namespace(self, request: Request) -> Response:
        """201 new, 200 the same is there, 202 not complete in time, 409 another is there, 422 refused."""
        caller = auth.caller(request, self._tokens)
        if caller is None:
            return errors.problem(
                401,
                "send a known token as Authorization: Bearer <token>",
                headers={"WWW-Authenticate": 'Bearer realm="ns-provisioner"'},
            )
        if not wire.is_json(request.scope):
            return errors.problem(415, "send the request as Content-Type: application/json")
        body = await wire.read_body(request.receive, limit=BODY_LIMIT)
        if body is None:
            return errors.problem(413, f"the request is larger than {BODY_LIMIT} bytes")
        try:
            asked = apimodel.decode_request(body)
        except apimodel.MalformedRequestError as error:
            return errors.problem(400, str(error))
        try:
            return await self._create(asked, caller)
        except ClusterError as error:
            return self._cluster_problem(error, asked)

    async def _create(self, asked: apimodel.NamespaceRequest, caller: Caller) -> Response:
        policy = self._policy()  # the same for the whole request
        facts = Facts(Operation.CREATE, asked.team, caller, asked.state(caller.username))
        complete = replace(facts, new=decide.mutate(facts, policy).applied_to(facts.new))
        decision = decide.validate(complete, policy)
        if not decision.allowed:
            return _refused(decision)
        objects = [str(key_of(item)) for item in bundle.of(asked.team, complete.new, policy).objects]
        wanted = _Wanted(asked.team, complete.new, objects)
        try:
            await self._gateway.create(namespace.manifest(wanted.name, wanted.state))
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            return await self._existing(wanted)
        self._log.info("namespace requested", namespace=wanted.name, user=caller.username)
        return await self._answer(wanted, created=True)

    async def _existing(self, wanted: _Wanted) -> Response:
        existing = await self._gateway.get(wanted.name)
        if "deletionTimestamp" in existing["metadata"]:
            return errors.problem(
                409, f"namespace {wording.quote(wanted.name)} is being deleted; ask again later"
            )
        found = namespace.state(existing).labels
        differing = [
            f"{key} is {wording.quote(found[key])}" if key in found else f"{key} is not set"
            for key in labels.IDENTITY_LABELS
            if found.get(key) != wanted.state.labels[key]
        ]
        if differing:
            return errors.problem(
                409,
                f"namespace {wording.quote(wanted.name)} exists and differs: {wording.listing(differing)}; "
                "choose another name, or ask a platform admin to change it",
            )
        return await self._answer(wanted, created=False)

    async def _answer(self, wanted: _Wanted, *, created: bool) -> Response:
        condition = await self._gateway.wait_provisioned(wanted.name, seconds=WAIT_SECONDS)
        ready = condition is not None and condition.status is ConditionStatus.TRUE
        answer = apimodel.NamespaceAnswer(
            namespace=wanted.name,
            team=wanted.state.labels[labels.TEAM],
            tier=wanted.state.labels[labels.TIER],
            phase="Ready" if ready else "Pending",
            resources_created=wanted.objects if created and ready else [],
            message=condition.message if condition else "not provisioned yet",
        )
        status = (201 if created else 200) if ready else 202
        return Response(
            msgspec.json.encode(answer) + b"\n",
            status,
            None if ready else RETRY_AFTER,
            media_type="application/json",
        )

    def _cluster_problem(self, error: ClusterError, asked: apimodel.NamespaceRequest) -> Response:
        self._log.error(
            "namespace request failed",
            namespace=wording.quote(asked.team),
            code=error.code,
            detail=str(error),
        )
        if isinstance(error, ClusterUnavailableError):
            return errors.problem(503, f"the cluster did not answer: {error}", headers=RETRY_AFTER)
        if isinstance(error, NotFoundError):
            return errors.problem(503, "the namespace was deleted meanwhile", headers=RETRY_AFTER)
        if isinstance(error, RejectedError | ConflictError) and error.code in (403, 409, 422):
            return errors.problem(error.code, str(error))
        return errors.problem(502, "the cluster gave an unexpected answer, see the server's log")


def _refused(decision: Decision) -> Response:
    found = [
        errors.field_error(violation, _POINTERS.get(violation.path, "")) for violation in decision.violations
    ]
    return errors.problem(decision.code, wording.denial(decision), errors=found)
