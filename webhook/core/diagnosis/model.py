"""What is known about an installation, and what is found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from webhook.core.model import Manifest
from webhook.core.policy import Policy

Level: TypeAlias = Literal["ok", "warn", "fail"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do, and is empty where nothing is to be done.

    `warn` is for what works and should be known, and for what could not be looked at; `fail` for what
    does not work.
    """

    check: str
    level: Level
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server said to one question: an object, or else why there is none."""

    content: Manifest | None = None
    code: int = 200
    """The HTTP status; 0 for no answer."""
    text: str = ""

    @property
    def missing(self) -> bool:
        return self.code == 404

    def items(self) -> list[Manifest]:
        """The objects of a list; none where it could not be read."""
        return list((self.content or {}).get("items") or ())


@dataclass(frozen=True, slots=True)
class Access:
    """One verb on one resource, as RBAC knows them. An empty namespace is for the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        group = f".{self.group}" if self.group else ""
        name = f" {self.name}" if self.name else ""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{group}{name}{where}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether `user` may do something; None for an answer that we did not get, with `text`."""

    user: str
    access: Access
    allowed: bool | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """A creation that was asked for as a dry run, and the rule that should refuse it."""

    manifest: Manifest
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the judgements are made from.

    Where the catalogue cannot be read, `policy` is None, and what is made from it is empty.
    """

    namespace: str
    own_version: str
    version: Reply
    server_now: datetime | None
    local_now: datetime
    source: str
    policy: Policy | None
    catalogue: Reply = Reply()
    """The ConfigMap; `source` says in words where `policy` is from."""
    problems: tuple[str, ...] = ()
    deployments: Mapping[str, Reply] = field(default_factory=dict)
    mutating: Reply = Reply()
    validating: Reply = Reply()
    registered: tuple[Manifest, ...] = ()
    """Our webhooks as they should be."""
    policies: Reply = Reply()
    bindings: Reply = Reply()
    guards: tuple[Manifest, ...] = ()
    """Our ValidatingAdmissionPolicies and bindings as they should be."""
    refused: tuple[Probe, Reply] | None = None
    accepted: tuple[Probe, Reply] | None = None
    secret: Reply = Reply()
    """Of its content nothing is here but what `certificate` tells."""
    certificate: tuple[Finding, ...] = ()
    lease: Reply = Reply()
    rights: tuple[Asked, ...] = ()
    own_rights: tuple[Asked, ...] = ()

    def hooks(self) -> dict[str, Manifest]:
        """The webhooks of our two configurations, by name."""
        ours = (each for reply in (self.mutating, self.validating) for each in reply.items() if is_ours(each))
        return {hook["name"]: hook for each in ours for hook in each.get("webhooks") or ()}

    def serving_secret(self) -> str:
        """Name of the Secret with the certificate: the one that the admission pods mount."""
        found: Any = self.deployments.get("admission", Reply()).content or {}
        for step in ("spec", "template", "spec"):
            found = found.get(step) or {}
        volumes = (each for each in found.get("volumes") or () if each["name"] == "tls" and "secret" in each)
        named = (each["secret"]["secretName"] for each in volumes)
        return next(named, SERVING_SECRET)

    def is_remote(self) -> bool:
        """Whether the admission pair is registered by URL: then it runs outside of the cluster, or may."""
        return any("url" in hook["clientConfig"] for hook in self.hooks().values())


def is_ours(manifest: Manifest) -> bool:
    return bool(manifest["metadata"]["name"] == OURS)


OURS = "ns-provisioner"
SERVING_SECRET = "ns-provisioner-tls"  # noqa: S105 - a name, no secret


def unseen(check: str, what: str, reply: Reply) -> Iterator[Finding]:
    """The finding on something that could not be looked at; none for an object, or where there is none."""
    if reply.content is not None or reply.missing:
        return
    forbidden = reply.code in (401, 403)
    yield Finding(
        check,
        "warn",
        f"{what} could not be looked at: {reply.text}",
        "ask as somebody who may, for instance a cluster admin" if forbidden else "try again",
    )


def could_be_seen(*replies: Reply) -> bool:
    return all(reply.content is not None or reply.missing for reply in replies)
