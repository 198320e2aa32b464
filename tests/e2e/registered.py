"""What is registered with the API server, rule by rule, and whether each rule matches anything at all."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.attack.client import Client, Request
from tests.e2e.cluster import Manifest

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
_VERBS = {"CREATE": {"create"}, "UPDATE": {"update"}, "DELETE": {"delete"}}


@dataclass(frozen=True, slots=True)
class Rule:
    """One resource and operation of a rule; `of` is the webhook's or policy's name."""

    of: str
    group: str
    version: str
    resource: str
    operation: str
    scope: str

    @property
    def whole(self) -> str:
        """The resource without its subresource."""
        return self.resource.partition("/")[0]

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def webhooks(client: Client) -> list[Manifest]:
    """Of both configurations."""
    found: list[Manifest] = []
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        found += client.must(Request("GET", f"{REGISTRATION}/{kind}/ns-provisioner"))["webhooks"]
    return found


def policies(client: Client) -> list[Manifest]:
    items: list[Manifest] = client.must(Request("GET", f"{REGISTRATION}/validatingadmissionpolicies"))[
        "items"
    ]
    return items


def rules(client: Client) -> list[Rule]:
    """Of all webhooks and policies."""
    found = [rule for hook in webhooks(client) for rule in _rules(hook["name"], hook["rules"])]
    for policy in policies(client):
        stated = policy["spec"]["matchConstraints"]["resourceRules"]
        found += _rules(policy["metadata"]["name"], stated)
    return found


def _rules(of: str, stated: list[Manifest]) -> Iterator[Rule]:
    for rule in stated:
        for group in rule["apiGroups"]:
            for version in rule["apiVersions"]:
                for resource in rule["resources"]:
                    for operation in rule["operations"]:
                        if operation == "UPDATE" or "/" not in resource:
                            yield Rule(of, group, version, resource, operation, rule["scope"])


def unknown(client: Client, every: list[Rule]) -> list[Rule]:
    """The rules that no request can ever match: for the API server there is no such thing."""
    return [rule for rule in every if not _is_known(rule, _discovered(client, rule.root))]


def _is_known(rule: Rule, resources: dict[str, Manifest]) -> bool:
    found = resources.get(rule.resource)
    if found is None or not _VERBS[rule.operation] <= set(found["verbs"]):
        return False
    return bool(found["namespaced"] == (rule.scope == "Namespaced"))


def _discovered(client: Client, root: str) -> dict[str, Manifest]:
    """What discovery lists under an API version, by name; subresources as `namespaces/status`."""
    answer = client.get(root) or {"resources": []}
    return {resource["name"]: resource for resource in answer["resources"]}


def uncovered(client: Client, every: list[Rule]) -> list[str]:
    """Doors to what we guard that no rule of ours names: writable, and of a resource that we name."""
    named = {(rule.root, rule.resource) for rule in every}
    doors = []
    for root, whole in sorted({(rule.root, rule.whole) for rule in every}):
        for name, resource in _discovered(client, root).items():
            writable = {"create", "update", "patch"} & set(resource["verbs"])
            if name.partition("/")[0] == whole and writable and (root, name) not in named:
                doors.append(f"{root}/{name}")
    return doors
