"""The table of rules: what each is called, why it is there, what breaks it and what keeps it.

`decide` runs them in this order; `nsp explain` and docs/rules.md tell of them. The examples are more
than words: the tests put each of them through the decision.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from webhook.core import checks, defaults, labels
from webhook.core.model import Caller, Facts, NamespaceState, Operation, Violation
from webhook.core.policy import Policy

Check = Callable[[Facts, Policy], Iterator[Violation]]

TENANT = Caller("dev@example.com", ("tenants",))
"""The user of the examples: in no admin group."""


@dataclass(frozen=True, slots=True)
class Example:
    """A namespace that a tenant creates or, where `was` gives its labels before, changes."""

    name: str = "payments"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    was: Mapping[str, str] | None = None
    mutated: bool = True

    def facts(self, policy: Policy) -> Facts:
        """As validation sees it: after mutation, unless the example is about a mutation that was missed."""
        operation = Operation.CREATE if self.was is None else Operation.UPDATE
        old = None if self.was is None else NamespaceState(self.was)
        stated = Facts(
            operation, self.name, TENANT, NamespaceState(self.labels, self.annotations, self.owners), old
        )
        if not self.mutated:
            return stated
        complete = defaults.additions(stated, policy).applied_to(stated.new)
        return Facts(operation, self.name, TENANT, complete, old)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `text` is a paragraph for people."""

    id: str
    text: str
    check: Check
    wrong: Example
    right: Example


_OURS = {labels.MANAGED_BY: labels.MANAGER, labels.TIER: "small", labels.TEAM: "payments"}
_ENFORCE = labels.POD_SECURITY["enforce"]
_WARN = labels.POD_SECURITY["warn"]

RULES: tuple[Rule, ...] = (
    Rule(
        id="name-pattern",
        text=(
            "The name of a new namespace, and of a team, matches the catalogue's namePattern in full "
            "and does not end in a hyphen. Team names become RBAC groups and parts of other names, so "
            "they keep to the same letters."
        ),
        check=checks.name_pattern,
        wrong=Example(name="pay_ments"),
        right=Example(name="pay-ments"),
    ),
    Rule(
        id="reserved-name",
        text=(
            "Nobody creates a namespace with a reserved name or prefix: it would look like the "
            "system's own, or like a platform service. Exempt names are for RBAC alone to guard: the "
            "webhooks never see them, and the API refuses them."
        ),
        check=checks.reserved_name,
        wrong=Example(name="kube-payments"),
        right=Example(name="payments"),
    ),
    Rule(
        id="tier-exists",
        text=(
            "The label platform/tier names a tier of the catalogue. A new namespace without the label "
            "gets the default tier; an empty or unknown one is refused, because nobody could say what "
            "was meant."
        ),
        check=checks.tier_exists,
        wrong=Example(labels={labels.TIER: "xl"}),
        right=Example(labels={labels.TIER: "large"}),
    ),
    Rule(
        id="managed-labels-complete",
        text=(
            "A managed namespace says which team it belongs to and that ns-provisioner manages it. "
            "Admission fills both in; another manager's name is refused, not overwritten."
        ),
        check=checks.managed_labels_complete,
        wrong=Example(labels={labels.MANAGED_BY: "Helm"}),
        right=Example(labels={labels.TEAM: "payments"}),
    ),
    Rule(
        id="defaults-present",
        text=(
            "Everything that the mutating webhook adds is there when the validating one looks. The API "
            "server may skip mutation (it is best effort); then validation asks for what is missing."
        ),
        check=checks.defaults_present,
        wrong=Example(labels=_OURS, annotations={labels.REQUESTED_BY: TENANT.username}, mutated=False),
        right=Example(
            labels={**_OURS, _ENFORCE: "baseline", _WARN: "restricted"},
            annotations={labels.REQUESTED_BY: TENANT.username},
            mutated=False,
        ),
    ),
    Rule(
        id="pod-security-floor",
        text=(
            "The Pod Security levels of a managed namespace are never below those of its tier, and are "
            "not pinned to an older Kubernetes version. Stricter is always allowed; admin groups may go "
            "lower."
        ),
        check=checks.pod_security_floor,
        wrong=Example(labels={_ENFORCE: "privileged"}),
        right=Example(labels={_ENFORCE: "restricted"}),
    ),
    Rule(
        id="requested-by-true",
        text=(
            "The annotation platform/requested-by names the caller. Only admin groups, and the "
            "requesters of the catalogue (our own API), create namespaces in somebody else's name."
        ),
        check=checks.requested_by_true,
        wrong=Example(annotations={labels.REQUESTED_BY: "somebody-else"}),
        right=Example(annotations={labels.REQUESTED_BY: TENANT.username}),
    ),
    Rule(
        id="no-owner-references",
        text=(
            "A managed namespace has no ownerReferences. The garbage collector deletes what has an "
            "owner that is gone or never was, within milliseconds; a reference would be a way to "
            "delete a namespace without the right to."
        ),
        check=checks.no_owner_references,
        wrong=Example(labels=_OURS, owners=("ClusterRole/gone 705ab4f5",), was=_OURS),
        right=Example(labels=_OURS, was=_OURS),
    ),
    Rule(
        id="managed-labels-immutable",
        text=(
            "Tier, team, manager and requester of an existing namespace change only by the hand of an "
            "admin group, whichever subresource the change comes through. This also keeps namespaces "
            "that nobody manages from being adopted by labelling them."
        ),
        check=checks.managed_labels_immutable,
        wrong=Example(labels={**_OURS, labels.TIER: "large"}, was=_OURS),
        right=Example(labels={**_OURS, "cost-centre": "42"}, was=_OURS),
    ),
)
