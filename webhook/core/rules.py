"""The table of rules: what each is called, why it is there, what breaks it and what keeps it.

`decide` runs them in this order; `nsp explain` and docs/rules.md tell of them. The examples are more
than words: the tests put each of them through the decision.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.core import defaults, labels
from webhook.core.checks import deletion, naming, ownership, tier
from webhook.core.model import Caller, Facts, NamespaceState, Operation, Violation
from webhook.core.pattern import Pattern
from webhook.core.policy import Bounds, Policy

Check = Callable[[Facts, Policy], Iterator[Violation]]

TENANT = Caller("dev@example.com", ("team-payments",))
"""The user of the examples: in no admin group, and in one team."""


@dataclass(frozen=True, slots=True)
class Example:
    """A namespace that a tenant creates or, where `was` gives its labels before, changes or deletes."""

    name: str = "payments"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    was: Mapping[str, str] | None = None
    finalizers: tuple[str, ...] = ()
    had_finalizers: tuple[str, ...] = ()
    deleted: bool = False
    mutated: bool = True
    groups: tuple[str, ...] = TENANT.groups

    def facts(self, policy: Policy) -> Facts:
        """As validation sees it: after mutation, unless the example is about a mutation that was missed."""
        caller = replace(TENANT, groups=self.groups)
        new = NamespaceState(self.labels, self.annotations, self.owners, self.finalizers)
        if self.deleted:
            return Facts(Operation.DELETE, self.name, caller, new, new)
        old = None if self.was is None else NamespaceState(self.was, finalizers=self.had_finalizers)
        operation = Operation.CREATE if old is None else Operation.UPDATE
        stated = Facts(operation, self.name, caller, new, old)
        return (
            replace(stated, new=defaults.additions(stated, policy).applied_to(new))
            if self.mutated
            else stated
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `text` is a paragraph for people.

    `settings` are catalogue settings that the examples presume where the built-in ones turn the rule off:
    for people as `shown`, for the tests as what they change in a policy.
    """

    id: str
    text: str
    check: Check
    wrong: Example
    right: Example
    shown: str = ""
    settings: Callable[[Policy], Policy] = lambda policy: policy


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """A rule on other objects than namespaces: the API server keeps it by itself (`nsp policy vap`)."""

    id: str
    text: str


MANAGED_OBJECTS = ObjectRule(
    id="managed-objects",
    text=(
        "The objects of a bundle, which carry the managed-by label, are written by ns-provisioner's "
        "controller, GitOps appliers and admin groups. Everybody may have more objects of the same kinds, "
        "under other names and without that label. The API server itself keeps this rule, with a "
        "ValidatingAdmissionPolicy: no other object ever reaches us."
    ),
)


def _with_tier(**changes: Any) -> Callable[[Policy], Policy]:
    """The tier small with changes."""

    def changed(policy: Policy) -> Policy:
        return replace(policy, tiers={**policy.tiers, "small": replace(policy.tiers["small"], **changes)})

    return changed


_ENFORCE = labels.POD_SECURITY["enforce"]
_WARN = labels.POD_SECURITY["warn"]
_STATED = {labels.MANAGED_BY: labels.MANAGER, labels.TIER: "small", labels.TEAM: "payments"}
_OURS = {**_STATED, _ENFORCE: "baseline", _WARN: "restricted"}

RULES: tuple[Rule, ...] = (
    Rule(
        id="name-pattern",
        text=(
            "The name of a new namespace, and of a team, matches the catalogue's namePattern in full "
            "and does not end in a hyphen. Team names become RBAC groups and parts of other names, so "
            "they keep to the same letters."
        ),
        check=naming.name_pattern,
        wrong=Example(name="pay_ments", labels={labels.TEAM: "payments"}),
        right=Example(name="pay-ments", labels={labels.TEAM: "payments"}),
    ),
    Rule(
        id="reserved-name",
        text=(
            "Nobody creates a namespace with a reserved name or prefix: it would look like the "
            "system's own, or like a platform service. Exempt names are for RBAC alone to guard: the "
            "webhooks never see them, and the API refuses them."
        ),
        check=naming.reserved_name,
        wrong=Example(name="kube-payments", labels={labels.TEAM: "payments"}),
        right=Example(name="payments"),
    ),
    Rule(
        id="name-agrees-with-team",
        text=(
            "With policy.teamSeparator set, a namespace is called like its team, or like its team, the "
            "separator and a rest; and no team has the separator in its name, so that one name can only "
            "ever mean one team. Without it names are free, and the label alone says whose a namespace is."
        ),
        check=naming.name_agrees_with_team,
        wrong=Example(name="checkout", labels={labels.TEAM: "payments"}),
        right=Example(name="payments-checkout", labels={labels.TEAM: "payments"}),
        shown='policy: {teamSeparator: "-"}',
        settings=lambda policy: replace(policy, team_separator="-"),
    ),
    Rule(
        id="tier-exists",
        text=(
            "The label platform/tier names a tier of the catalogue. A new namespace without the label "
            "gets the default tier; an empty or unknown one is refused, because nobody could say what "
            "was meant."
        ),
        check=tier.tier_exists,
        wrong=Example(labels={labels.TIER: "xl"}),
        right=Example(labels={labels.TIER: "large"}),
    ),
    Rule(
        id="tier-allowed",
        text=(
            "A tier may be for some groups only (allowed.groups in the catalogue). Admin groups, requesters "
            "and GitOps appliers take any tier: they act for others, whose right was checked before."
        ),
        check=tier.tier_allowed,
        wrong=Example(labels={labels.TIER: "small"}),
        right=Example(labels={labels.TIER: "medium"}),
        shown="tiers: {small: {allowed: {groups: [team-shop]}}}",
        settings=_with_tier(allowed_groups=frozenset({"team-shop"})),
    ),
    Rule(
        id="team-is-callers",
        text=(
            "A tenant creates namespaces for its own teams: those whose group (policy.teamGroups, "
            "team-{team}) it is in. Without the label, the team is the longest of the caller's teams that "
            "the name begins with, or else the name itself. Requesters, GitOps appliers and admin groups "
            "create for any team."
        ),
        check=ownership.team_is_callers,
        wrong=Example(labels={labels.TEAM: "shop"}),
        right=Example(name="payments-dev"),
    ),
    Rule(
        id="managed-labels-complete",
        text=(
            "A managed namespace says which team it belongs to and that ns-provisioner manages it. "
            "Admission fills both in; another manager's name is refused, not overwritten."
        ),
        check=ownership.managed_labels_complete,
        wrong=Example(labels={labels.MANAGED_BY: "Helm"}),
        right=Example(labels={labels.TEAM: "payments"}),
    ),
    Rule(
        id="required-metadata",
        text=(
            "Labels and annotations that the platform asks for (policy.requiredLabels and "
            "requiredAnnotations) are there, and their values match the pattern given for them."
        ),
        check=ownership.required_metadata,
        wrong=Example(labels={"cost-centre": "none"}),
        right=Example(labels={"cost-centre": "4711"}),
        shown='policy: {requiredLabels: {cost-centre: "[0-9]{4}"}}',
        settings=lambda policy: replace(policy, required_labels={"cost-centre": Pattern("[0-9]{4}")}),
    ),
    Rule(
        id="defaults-present",
        text=(
            "Everything that the mutating webhook adds is there when the validating one looks. The API "
            "server may skip mutation (it is best effort); then validation asks for what is missing."
        ),
        check=ownership.defaults_present,
        wrong=Example(labels=_STATED, annotations={labels.REQUESTED_BY: TENANT.username}, mutated=False),
        right=Example(
            labels=_OURS,
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
        check=tier.pod_security_floor,
        wrong=Example(labels={_ENFORCE: "privileged"}),
        right=Example(labels={_ENFORCE: "restricted"}),
    ),
    Rule(
        id="ttl-valid",
        text=(
            "The annotation platform/ttl is a lifetime from creation such as 30m, 8h or 7d, within the "
            "tier's maxTtl. It can be changed later, but not so that the namespace would have ended "
            "already: who wants that, deletes it. A tier with a maximum has no namespaces without end."
        ),
        check=tier.ttl_valid,
        wrong=Example(annotations={labels.TTL: "30d"}),
        right=Example(annotations={labels.TTL: "7d"}),
        shown="tiers: {small: {maxTtl: 14d}}",
        settings=_with_tier(max_ttl="14d"),
    ),
    Rule(
        id="quota-in-bounds",
        text=(
            "The annotation platform/quota sets some limits of a namespace apart from its tier, as a list "
            "such as `requests.cpu=6, pods=30`. The tier says which, and within which bounds "
            "(overrides.quota in the catalogue)."
        ),
        check=tier.quota_in_bounds,
        wrong=Example(annotations={labels.QUOTA: "requests.cpu=12"}),
        right=Example(annotations={labels.QUOTA: "requests.cpu=6"}),
        shown='tiers: {small: {overrides: {quota: {requests.cpu: {max: "8"}}}}}',
        settings=_with_tier(overrides={"requests.cpu": Bounds(maximum="8")}),
    ),
    Rule(
        id="requested-by-true",
        text=(
            "The annotation platform/requested-by names the caller. Only admin groups, GitOps appliers and "
            "the requesters of the catalogue (our own API) create namespaces in somebody else's name."
        ),
        check=ownership.requested_by_true,
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
        check=ownership.no_owner_references,
        wrong=Example(labels=_OURS, owners=("ClusterRole/gone 705ab4f5",), was=_OURS),
        right=Example(labels=_OURS, was=_OURS),
    ),
    Rule(
        id="managed-labels-immutable",
        text=(
            "Tier, team and manager of an existing namespace, and platform/force, change only by the hand of "
            "an admin group or a GitOps applier, the record of who asked by that of an admin group, and "
            "platform/expires-at and platform/idle-since by our controller's, whichever subresource the "
            "change comes through. This also keeps namespaces that nobody manages from being adopted by "
            "labelling them."
        ),
        check=ownership.managed_labels_immutable,
        wrong=Example(labels={**_OURS, labels.TIER: "large"}, was=_OURS),
        right=Example(labels={**_OURS, "cost-centre": "42"}, was=_OURS),
    ),
    Rule(
        id="finalizers-kept",
        text=(
            "spec.finalizers of a managed namespace are taken away by Kubernetes itself, once all in it is "
            "gone, and by admin groups. Whoever did it earlier, through the subresource finalize, would "
            "leave its content (access, too) to the next namespace of that name."
        ),
        check=deletion.finalizers_kept,
        wrong=Example(labels=_OURS, was=_OURS, had_finalizers=("kubernetes",)),
        right=Example(labels=_OURS, was=_OURS, had_finalizers=("kubernetes",), finalizers=("kubernetes",)),
    ),
    Rule(
        id="settings-by-owner",
        text=(
            "Lifetime, quota and deletion protection of an existing namespace (platform/ttl, "
            "platform/quota, platform/deletion-protection) are changed by members of its team, and by "
            "those who act for teams."
        ),
        check=ownership.settings_by_owner,
        wrong=Example(
            labels={**_OURS, labels.TEAM: "shop"},
            annotations={labels.TTL: "7d"},
            was={**_OURS, labels.TEAM: "shop"},
        ),
        right=Example(labels=_OURS, annotations={labels.TTL: "7d"}, was=_OURS),
    ),
    Rule(
        id="deletion-allowed",
        text=(
            "A managed namespace is deleted by members of its team, by requesters, GitOps appliers and "
            "admin groups, whatever RBAC gives to others. A deletion that has begun always finishes."
        ),
        check=deletion.deletion_allowed,
        wrong=Example(labels={**_OURS, labels.TEAM: "shop"}, deleted=True),
        right=Example(labels=_OURS, deleted=True),
    ),
    Rule(
        id="deletion-protected",
        text=(
            'The annotation platform/deletion-protection: "true" keeps everybody, admins included, from '
            "deleting a namespace by mistake: it has to be taken off first. A tier with deletionProtection "
            'protects all its namespaces; only admins and GitOps appliers set it to "false" there.'
        ),
        check=deletion.deletion_protected,
        wrong=Example(labels=_OURS, annotations={labels.DELETION_PROTECTION: "true"}, deleted=True),
        right=Example(labels=_OURS, deleted=True),
    ),
)
