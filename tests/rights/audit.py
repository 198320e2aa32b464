"""What an audit log tells of our accounts."""

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from webhook.core.model import Manifest


class Use(NamedTuple):
    """A right, as a request uses it or a role grants it; without `name` it is on all objects.

    `user` is the account's; `namespace` is empty for the whole cluster.
    """

    user: str
    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""


class Request(NamedTuple):
    """One request in the log; a watch is there twice, when it begins and when it ends."""

    use: Use
    code: int
    decision: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} {self.decision} {self.use}: {self.message}"

    @property
    def was_forbidden(self) -> bool:
        """By RBAC or by an admission rule, our own ones included; not because the namespace is going away."""
        return self.code == 403 and "being terminated" not in self.message


def requests(log: Path) -> list[Request]:
    """All in the log; a line that is still being written is left out."""
    lines = log.read_bytes().split(b"\n")[:-1]
    return [_request(json.loads(line)) for line in lines if line]


def _request(event: dict[str, Any]) -> Request:
    about, status = event.get("objectRef", {}), event.get("responseStatus", {})
    resource = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
    use = Use(
        user=event["user"]["username"],
        namespace=about.get("namespace", ""),
        group=about.get("apiGroup", ""),
        resource=resource or event["requestURI"],
        verb=event["verb"],
        name=about.get("name", ""),
    )
    decision = event.get("annotations", {}).get("authorization.k8s.io/decision", "")
    return Request(use, status.get("code", 0), decision, status.get("message", ""))


def granted(manifests: Iterable[Manifest]) -> set[Use]:
    """What the roles among the manifests of `nsp rbac` grant to the accounts of the same names."""
    return {use for manifest in manifests if manifest["kind"] in _ROLES for use in _uses(manifest)}


_ROLES = ("ClusterRole", "Role")


def _uses(role: Manifest) -> Iterator[Use]:
    user, namespace = role["metadata"]["name"], role["metadata"].get("namespace", "")
    for rule in role["rules"]:
        each = itertools.product(
            rule["apiGroups"], rule["resources"], rule["verbs"], rule.get("resourceNames", [""])
        )
        for group, resource, verb, name in each:
            yield Use(user, namespace, group, resource, verb, name)


def covers(right: Use, use: Use) -> bool:
    """Whether a request is one that the right is for."""
    return (
        use.user.endswith(f":{right.user}")
        and (right.group, right.resource, right.verb) == (use.group, use.resource, use.verb)
        and right.namespace in ("", use.namespace)
        and right.name in ("", use.name)
    )
