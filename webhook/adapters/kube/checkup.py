"""Gathers what there is to know about an installation. It judges nothing and changes nothing.

That one question is refused does not keep the others from being asked.
"""

import secrets
from dataclasses import dataclass, replace

from webhook import __version__
from webhook.adapters.kube import certificatefacts, lease, livecatalogue, questions
from webhook.adapters.kube.livecatalogue import Live
from webhook.adapters.kube.transport import Transport
from webhook.codec import admissionpolicy, rbac, registration
from webhook.core.diagnosis import accounts, calls
from webhook.core.diagnosis.model import Asked, Facts, Reply
from webhook.core.errors import InvalidPolicyError
from webhook.core.model import Manifest
from webhook.core.policy import Policy
from webhook.ports import Clock

_REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
_ROLES = ("admission", "controller", "api")


async def gather(transport: Transport, namespace: str, *, otherwise: Live, clock: Clock) -> Facts:
    """All facts on the installation in `namespace`; `otherwise` is the catalogue where it shows none.

    Raises nothing of the API server's: an answer that we did not get is a fact, too.
    """
    version = await questions.get(transport, "/version")
    facts = Facts(
        namespace=namespace,
        own_version=__version__,
        version=version,
        server_now=transport.server_time.now(),
        local_now=clock.now(),
        source=otherwise.source,
        policy=otherwise.policy,
    )
    if version.content is None:
        return facts
    facts = with_catalogue(facts, await questions.get(transport, livecatalogue.path(namespace)))
    return await _Checkup(transport, namespace, clock).complete(facts)


def with_catalogue(facts: Facts, config_map: Reply) -> Facts:
    """With the catalogue of the ConfigMap, if there is one, and what is made from it."""
    facts = replace(facts, catalogue=config_map)
    if config_map.content is not None:
        facts = replace(facts, source=livecatalogue.source(facts.namespace))
        try:
            facts = replace(facts, policy=livecatalogue.parse(config_map.content, facts.namespace))
        except InvalidPolicyError as error:
            return replace(facts, policy=None, problems=tuple(map(str, error.problems)))
    assert facts.policy is not None
    return replace(
        facts,
        registered=tuple(_registered(facts.policy)),
        guards=tuple(admissionpolicy.manifests(facts.policy)),
    )


def _registered(policy: Policy) -> list[Manifest]:
    """Where they are called is not compared as a whole: a Service and a URL are both right."""
    anywhere = registration.url_client_config("https://localhost", b"")
    return [hook for each in registration.configurations(policy, anywhere) for hook in each["webhooks"]]


@dataclass(frozen=True, slots=True)
class _Checkup:
    """The questions, each answered by its own part of Facts."""

    transport: Transport
    namespace: str
    clock: Clock

    async def complete(self, facts: Facts) -> Facts:
        facts = await self._objects(facts)
        facts = await self._registrations(facts)
        facts = await self._probes(facts)
        secret, findings = await certificatefacts.gather(
            self.transport,
            f"/api/v1/namespaces/{self.namespace}/secrets/{facts.serving_secret()}",
            facts.hooks().values(),
            now=self.clock.now(),
        )
        return replace(await self._rights(facts), secret=secret, certificate=tuple(findings))

    async def _objects(self, facts: Facts) -> Facts:
        collection = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        paths = [f"{collection}/{rbac.account(role)}" for role in _ROLES]
        *deployments, leader = await questions.every(self.transport, [*paths, lease.path(self.namespace)])
        return replace(
            facts,
            deployments=dict(zip(_ROLES, deployments, strict=True)),
            lease=leader,
            server_now=self.transport.server_time.now(),
            local_now=self.clock.now(),
        )

    async def _registrations(self, facts: Facts) -> Facts:
        async def listed(plural: str) -> Reply:
            return await questions.listed(self.transport, f"{_REGISTRATION}/{plural}")

        return replace(
            facts,
            mutating=await listed("mutatingwebhookconfigurations"),
            validating=await listed("validatingwebhookconfigurations"),
            policies=await listed("validatingadmissionpolicies"),
            bindings=await listed("validatingadmissionpolicybindings"),
        )

    async def _probes(self, facts: Facts) -> Facts:
        if facts.policy is None:
            return facts
        accepted = calls.acceptance(facts.policy, secrets.token_hex(3))
        return replace(
            facts,
            refused=await questions.tried(self.transport, calls.refusal(facts.policy)),
            accepted=await questions.tried(self.transport, accepted),
        )

    async def _rights(self, facts: Facts) -> Facts:
        own = await questions.may(self.transport, accounts.needs(self.namespace, facts.serving_secret()))
        asked: list[Asked] = []
        if facts.policy is not None:
            asked += await self._rights_of("controller", facts.policy)
            if facts.deployments["api"].content is not None:  # else it need not have its rights
                asked += await self._rights_of("api", facts.policy)
        return replace(facts, own_rights=tuple(own), rights=tuple(asked))

    async def _rights_of(self, role: str, policy: Policy) -> list[Asked]:
        accesses = accounts.of(role, policy, self.namespace)
        return await questions.may(self.transport, accesses, rbac.user(role, self.namespace))
