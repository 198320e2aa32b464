"""Never an allow by accident: what no tenant may do, said once more and without the code that decides.

The oracle knows nothing of rules, checks or identity; it looks at what would be stored afterwards.
"""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.strategies import opened, states
from webhook.core import decide
from webhook.core.model import Caller, Facts, NamespaceState, Operation
from webhook.core.policy import TeamGroups

MANAGER, MANAGED_BY = "ns-provisioner", "app.kubernetes.io/managed-by"
TIER, TEAM, EXPIRES_AT = "platform/tier", "platform/team", "platform/expires-at"
REQUESTED_BY, IDLE_SINCE = RECORDS = ("platform/requested-by", "platform/idle-since")
SETTINGS = ("platform/ttl", "platform/quota", "platform/deletion-protection")
LEVELS = {"privileged": 0, "baseline": 1, "restricted": 2}
FLOORS = {"enforce": 1, "warn": 2}
"""Of every tier of `opened()`, those of the built-in one."""

HOW = st.fixed_dictionaries(
    {
        "team_separator": st.sampled_from(["", "-", "--"]),
        "unlabelled": st.sampled_from(["default", "deny", "ignore"]),
    }
)
NAMES = st.sampled_from([("team-", ""), ("", "-devs"), ("a-", "-z")])

values = st.none() | st.sampled_from(
    [
        "small",
        "large",
        "retired",
        "payments",
        "shop",
        MANAGER,
        "Helm",
        "privileged",
        "baseline",
        "restricted",
        "",
    ]
)
LABELS = [TIER, TEAM, MANAGED_BY, EXPIRES_AT, "note"]
LABELS += [f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "warn", "audit", "enforce-version")]

complete = {
    TIER: "small",
    TEAM: "payments",
    MANAGED_BY: MANAGER,
    "pod-security.kubernetes.io/enforce": "baseline",
    "pod-security.kubernetes.io/warn": "restricted",
}


def _with(labels: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in {**labels, **changes}.items() if value is not None}


label_changes = st.dictionaries(st.sampled_from(LABELS), values, max_size=2)
annotation_changes = st.dictionaries(
    st.sampled_from([*SETTINGS, *RECORDS, "note"]),
    st.sampled_from(["7d", "true", "false", "jane", None]),
)
owners = st.lists(st.sampled_from(["Pod/a 1", "Pod/b 2"]), unique=True, max_size=2).map(tuple)


finalizers = st.just(("kubernetes",)) | st.sampled_from([(), ("kubernetes", "example.com/mine")])


@st.composite
def updates(draw: st.DrawFn) -> tuple[NamespaceState, NamespaceState]:
    """A namespace that is nearly in order, and what becomes of it."""
    before = _with(complete, draw(label_changes))
    notes = _with({REQUESTED_BY: "jane"}, draw(annotation_changes))
    had = draw(owners)
    old = NamespaceState(before, notes, had, finalizers=draw(finalizers))
    after, remarks = _with(before, draw(label_changes)), _with(notes, draw(annotation_changes))
    kept = draw(finalizers | st.just(old.finalizers))
    return old, NamespaceState(after, remarks, draw(owners | st.just(had)), finalizers=kept)


@st.composite
def tenants(draw: st.DrawFn, prefix: str, suffix: str) -> Caller:
    """Somebody whom the policy does not name, in some teams or in none."""
    known = [f"{prefix}{team}{suffix}" for team in ("payments", "shop", "")]
    groups = draw(st.lists(st.sampled_from([*known, "system:authenticated", "admins", "payments"])))
    return Caller(draw(st.sampled_from(["jane", "", "system:anonymous", "root", MANAGER])), tuple(groups))


def _is_member(caller: Caller, team: str, prefix: str, suffix: str) -> bool:
    return team != "" and (prefix + team + suffix) in caller.groups


def taken(old: NamespaceState, new: NamespaceState, *, member: bool) -> list[str]:
    """What a tenant would get by this update that is not his to take."""
    before, after = old.labels.get, new.labels.get
    found = [key for key in (TIER, TEAM, EXPIRES_AT) if before(key) != after(key)]
    if before(MANAGED_BY) != after(MANAGED_BY) and MANAGER in (before(MANAGED_BY), after(MANAGED_BY)):
        found.append(MANAGED_BY)
    found += [
        key for key in (REQUESTED_BY, IDLE_SINCE) if old.annotations.get(key) != new.annotations.get(key)
    ]
    ours = after(MANAGED_BY) == MANAGER
    if ours:
        found += [f"owner {owner}" for owner in new.owners if owner not in old.owners]
        found += [f"finalizer {each}" for each in old.finalizers if each not in new.finalizers]
        for mode, floor in FLOORS.items():
            level = after(f"pod-security.kubernetes.io/{mode}")
            rank = LEVELS.get(level or "", -1)
            if rank < floor and level != before(f"pod-security.kubernetes.io/{mode}"):
                found.append(mode)
        pinned = after("pod-security.kubernetes.io/enforce-version", "latest")
        if pinned not in ("latest", before("pod-security.kubernetes.io/enforce-version")):
            found.append("version")
    if before(MANAGED_BY) == MANAGER and not member:
        found += [key for key in SETTINGS if old.annotations.get(key) != new.annotations.get(key)]
    return found


@settings(deadline=None, max_examples=250)
@given(st.data(), updates(), NAMES)
def test_an_update_by_a_tenant_takes_nothing(
    data: st.DataObject, change: tuple[NamespaceState, NamespaceState], parts: tuple[str, str]
) -> None:
    (old, new), caller = change, data.draw(tenants(*parts))
    policy = opened(team_groups=TeamGroups(*parts), **data.draw(HOW))
    allowed = decide.validate(Facts(Operation.UPDATE, "payments", caller, new, old), policy).allowed
    member = _is_member(caller, old.labels.get(TEAM, ""), *parts)
    wrong = taken(old, new, member=member)
    assert not (allowed and wrong)
    untouched = all(old.annotations.get(key) == new.annotations.get(key) for key in SETTINGS)
    if untouched and not wrong:
        assert allowed, "and what takes nothing is let pass"


@settings(deadline=None, max_examples=100)
@given(st.data(), states, states, NAMES)
def test_an_update_of_anything_at_all_takes_nothing(
    data: st.DataObject, old: NamespaceState, new: NamespaceState, parts: tuple[str, str]
) -> None:
    caller = data.draw(tenants(*parts))
    policy = opened(team_groups=TeamGroups(*parts), **data.draw(HOW))
    if decide.validate(Facts(Operation.UPDATE, "payments", caller, new, old), policy).allowed:
        assert not taken(old, new, member=_is_member(caller, old.labels.get(TEAM, ""), *parts))


@settings(deadline=None, max_examples=100)
@given(st.data(), updates() | st.tuples(states, states), NAMES, st.booleans())
def test_a_deletion_by_a_tenant_of_another_team_is_never_allowed(
    data: st.DataObject,
    pair: tuple[NamespaceState, NamespaceState],
    parts: tuple[str, str],
    terminating: bool,
) -> None:
    state = dataclasses.replace(pair[0], terminating=terminating)
    caller = data.draw(tenants(*parts))
    policy = opened(team_groups=TeamGroups(*parts), **data.draw(HOW))
    allowed = decide.validate(Facts(Operation.DELETE, "payments", caller, state, state), policy).allowed
    ours = state.labels.get(MANAGED_BY) == MANAGER and not terminating
    member = _is_member(caller, state.labels.get(TEAM, ""), *parts)
    switch = state.annotations.get("platform/deletion-protection")
    guarded = switch == "true" or (state.labels.get(TIER) == "large" and switch != "false")
    assert allowed is not (ours and (guarded or not member))


@st.composite
def creations(draw: st.DrawFn, prefix: str, suffix: str) -> Facts:
    """A new namespace of a tenant that is nearly in order."""
    caller = draw(tenants(prefix, suffix))
    groups = draw(st.just((prefix + "payments" + suffix,)) | st.just(caller.groups))
    notes = _with({REQUESTED_BY: caller.username}, draw(st.just({}) | annotation_changes))
    labels = _with(complete, draw(st.just({}) | label_changes))
    state = NamespaceState(labels, notes, draw(st.just(()) | owners))
    return Facts(Operation.CREATE, "payments", Caller(caller.username, groups), state)


@settings(deadline=None, max_examples=200)
@given(st.data(), NAMES)
def test_a_tenant_creates_for_no_team_but_his_own(data: st.DataObject, parts: tuple[str, str]) -> None:
    asked = data.draw(creations(*parts))
    policy = opened(team_groups=TeamGroups(*parts), required_labels={})
    if decide.validate(asked, policy).allowed:
        state = asked.new
        assert _is_member(asked.caller, state.labels.get(TEAM, ""), *parts)
        assert state.labels[MANAGED_BY] == MANAGER
        assert state.labels[TIER] in ("freemium", "small", "medium"), "large is for vip alone"
        assert state.annotations[REQUESTED_BY] == asked.caller.username
        assert not state.owners
        assert EXPIRES_AT not in state.labels
        assert IDLE_SINCE not in state.annotations
        for mode, floor in FLOORS.items():
            assert LEVELS[state.labels[f"pod-security.kubernetes.io/{mode}"]] >= floor
