"""Generated facts and policies: half of every text is one the rules know, the rest is anything at all."""

from typing import Any

from hypothesis import strategies as st

from tests.core.builders import API, COMPLETE, CONTROLLER, FLUX, POLICY, RECORD, policy, tier
from webhook.core import labels
from webhook.core.model import Caller, Facts, NamespaceState, Operation
from webhook.core.pattern import Pattern
from webhook.core.policy import Bounds, Policy, TeamGroups

_anything = st.text(st.characters(), max_size=20)
hostile = _anything | _anything.map(lambda text: text * 30)
"""Any text at all: control characters, lone surrogates and great length included."""

_TIERS = {
    "freemium": tier(name="freemium", replaced_by="small"),
    "small": tier(overrides={"pods": Bounds("1", "100"), "requests.cpu": Bounds(None, "8")}),
    "medium": tier(name="medium", ttl="2d", max_ttl="14d"),
    "large": tier(name="large", allowed_groups=frozenset({"vip"}), deletion_protection=True),
}


def opened(**changes: Any) -> Policy:
    """A policy that uses every setting there is, with changes: each of its rules can be broken."""
    required = {"cost-centre": Pattern("[0-9]{4}")}
    return policy(**{"tiers": _TIERS, "required_labels": required, **changes})


team_groups = st.sampled_from([None, TeamGroups("team-"), TeamGroups("", "-devs"), TeamGroups("a-", "-z")])
policies = st.builds(
    opened,
    team_groups=team_groups,
    team_separator=st.sampled_from(["", "-", "--"]),
    unlabelled=st.sampled_from(["default", "deny", "ignore"]),
    required_labels=st.sampled_from([{}, {"cost-centre": Pattern("[0-9]{4}")}]),
)

known_text = st.sampled_from(
    sorted({*COMPLETE.values(), *RECORD.values(), *POLICY.tiers, "privileged", "", "Helm", "kube-x", "shop"})
)
text = known_text | hostile

_VERSIONS = [f"{key}-version" for key in labels.POD_SECURITY.values()]
known_label = st.sampled_from(
    [*labels.IDENTITY_LABELS, *labels.POD_SECURITY.values(), *_VERSIONS, labels.EXPIRES_AT, "cost-centre"]
)
label_maps = st.dictionaries(known_label, text, max_size=6) | st.dictionaries(
    known_label | hostile, text, max_size=4
)
_COMPLETED = st.dictionaries(known_label, text, max_size=2).map(lambda changes: {**COMPLETE, **changes})

lifetimes = st.sampled_from(["7d", "15d", "1h", "1s", "0d", "junk", "", "٣d", "-1h", "1.5h", "3651d"])
overrides = st.sampled_from(
    ["pods=30", "pods=300", "secrets=1", "junk", "", "pods=1,requests.cpu=6", "=", ","]
)
switches = st.sampled_from(["true", "false", "yes", ""])
known_annotations = st.fixed_dictionaries(
    {},
    optional={
        labels.REQUESTED_BY: text,
        labels.TTL: lifetimes | hostile,
        labels.QUOTA: overrides | hostile,
        labels.DELETION_PROTECTION: switches | hostile,
    },
)
annotation_maps = known_annotations | st.dictionaries(hostile, text, max_size=2)
owners = st.lists(st.sampled_from(["ClusterRole/gone 1", "Pod/x 2"]) | hostile, max_size=2).map(tuple)
finalizers = st.lists(st.sampled_from(["kubernetes", "example.com/mine"]) | hostile, max_size=2).map(tuple)
states = st.builds(
    NamespaceState,
    label_maps | _COMPLETED,
    annotation_maps,
    owners=owners,
    finalizers=finalizers,
    terminating=st.booleans(),
)

known_groups = [*sorted(POLICY.admin_groups), "vip", "team-payments", "payments-devs", "team-", "team-shop"]
groups = st.lists(st.sampled_from(known_groups) | hostile, max_size=3).map(tuple)
usernames = st.sampled_from([API, FLUX, CONTROLLER, "jane"]) | text
callers = st.builds(Caller, usernames, groups)

kubernetes_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
"""What the API server lets a namespace be called: validation sees no other name."""


def _legal(name: str) -> bool:
    reserved = POLICY.reserved_names | POLICY.exempt_names
    return name not in reserved and not name.startswith(POLICY.reserved_prefixes)


legal_names = st.from_regex(r"[a-z][a-z0-9-]{0,29}[a-z0-9]", fullmatch=True).filter(_legal)
"""What the built-in policy lets a namespace be called."""

ages = st.none() | st.integers(0, 10**9)


def _deletion(name: str, caller: Caller, state: NamespaceState, age: int | None) -> Facts:
    return Facts(Operation.DELETE, name, caller, state, state, age)


def facts(names: st.SearchStrategy[str]) -> st.SearchStrategy[Facts]:
    create = st.builds(Facts, st.just(Operation.CREATE), names, callers, states)
    update = st.builds(Facts, st.just(Operation.UPDATE), names, callers, states, states, ages)
    return create | update | st.builds(_deletion, names, callers, states, ages)


any_facts = facts(text)

extra_labels = st.dictionaries(hostile.filter(lambda key: key not in COMPLETE), text, max_size=3)


@st.composite
def legal_requests(draw: st.DrawFn) -> Facts:
    """A CREATE by a member of the team that states nothing wrong, and leaves out whatever it likes."""
    name, team = draw(legal_names), draw(legal_names)
    choices = {
        labels.TIER: st.sampled_from(sorted(POLICY.tiers)),
        labels.TEAM: st.just(team),
        labels.MANAGED_BY: st.just(labels.MANAGER),
        labels.POD_SECURITY["enforce"]: st.sampled_from(["baseline", "restricted"]),
        labels.POD_SECURITY["warn"]: st.just("restricted"),
    }
    stated = {key: draw(value) for key, value in choices.items() if draw(st.booleans())}
    own = f"team-{stated.get(labels.TEAM, name)}"
    caller = Caller(draw(usernames), (*draw(groups), own))
    record = {labels.REQUESTED_BY: caller.username} if draw(st.booleans()) else {}
    settings = draw(
        st.fixed_dictionaries({}, optional={labels.TTL: st.just("7d"), labels.DELETION_PROTECTION: switches})
    )
    content = NamespaceState({**draw(extra_labels), **stated}, {**record, **settings})
    return Facts(Operation.CREATE, name, caller, content)
