"""Generated facts: half of every text is one the rules know, the other half is anything at all."""

from hypothesis import strategies as st

from tests.core.builders import COMPLETE, POLICY, RECORD
from webhook.core import labels
from webhook.core.model import Caller, Facts, NamespaceState, Operation

_anything = st.text(st.characters(), max_size=20)
hostile = _anything | _anything.map(lambda text: text * 30)
"""Any text at all: control characters, lone surrogates and great length included."""

known_text = st.sampled_from(
    sorted({*COMPLETE.values(), *RECORD.values(), *POLICY.tiers, "privileged", "", "Helm", "kube-x"})
)
text = known_text | hostile

known_label = st.sampled_from([*labels.IDENTITY_LABELS, *labels.POD_SECURITY.values()])
label_maps = st.dictionaries(known_label, text, max_size=6) | st.dictionaries(
    known_label | hostile, text, max_size=4
)
annotation_maps = st.dictionaries(st.just(labels.REQUESTED_BY) | hostile, text, max_size=3)
states = st.builds(NamespaceState, label_maps, annotation_maps)

groups = st.lists(st.sampled_from([*sorted(POLICY.admin_groups), "developers"]) | hostile, max_size=3).map(
    tuple
)
callers = st.builds(Caller, text, groups)

kubernetes_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
"""What the API server lets a namespace be called: validation sees no other name."""


def _legal(name: str) -> bool:
    reserved = POLICY.reserved_names | POLICY.exempt_names
    return name not in reserved and not name.startswith(POLICY.reserved_prefixes)


legal_names = st.from_regex(r"[a-z][a-z0-9-]{0,29}[a-z0-9]", fullmatch=True).filter(_legal)
"""What the built-in policy lets a namespace be called."""


def facts(names: st.SearchStrategy[str]) -> st.SearchStrategy[Facts]:
    create = st.builds(Facts, st.just(Operation.CREATE), names, callers, states)
    update = st.builds(Facts, st.just(Operation.UPDATE), names, callers, states, states)
    return create | update


any_facts = facts(text)

extra_labels = st.dictionaries(hostile.filter(lambda key: key not in COMPLETE), text, max_size=3)


@st.composite
def legal_requests(draw: st.DrawFn) -> Facts:
    """A CREATE that states nothing wrong, and leaves out whatever it likes."""
    choices = {
        labels.TIER: st.sampled_from(sorted(POLICY.tiers)),
        labels.TEAM: legal_names,
        labels.MANAGED_BY: st.just(labels.MANAGER),
        labels.POD_SECURITY["enforce"]: st.sampled_from(["baseline", "restricted"]),
        labels.POD_SECURITY["warn"]: st.just("restricted"),
    }
    stated = {key: draw(value) for key, value in choices.items() if draw(st.booleans())}
    caller = draw(callers)
    record = {labels.REQUESTED_BY: caller.username} if draw(st.booleans()) else {}
    content = NamespaceState({**draw(extra_labels), **stated}, record)
    return Facts(Operation.CREATE, draw(legal_names), caller, content)
