"""The ValidatingAdmissionPolicies, held against the ones that the catalogue makes."""

from collections.abc import Iterator

from webhook.core import labels, wording
from webhook.core.diagnosis.model import Facts, Finding, could_be_seen, unseen
from webhook.core.model import Manifest

_AGAIN = "apply them anew: helm upgrade, or nsp policy vap | kubectl apply -f -"


def judge(facts: Facts) -> Iterator[Finding]:
    yield from unseen("policies", "the ValidatingAdmissionPolicies", facts.policies)
    yield from unseen("policies", "their bindings", facts.bindings)
    if facts.policy is None:
        yield Finding(
            "policies", "warn", "not compared: they are made from the catalogue", "mend the catalogue first"
        )
    elif could_be_seen(facts.policies, facts.bindings):
        found = {
            **_by_name("ValidatingAdmissionPolicy", facts.policies.items()),
            **_by_name("ValidatingAdmissionPolicyBinding", facts.bindings.items()),
        }
        for wanted in facts.guards:
            yield from _one(wanted, found)
        yield from _left_over(facts, found)


def _by_name(kind: str, items: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    """The items of a list do not say their kind."""
    return {(kind, each["metadata"]["name"]): each for each in items}


def _one(wanted: Manifest, every: dict[tuple[str, str], Manifest]) -> Iterator[Finding]:
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    found = every.get((kind, name))
    if found is None:
        what = f"{kind} {name} is not there: while no admission pod runs, nothing guards namespaces"
        yield Finding("policies", "fail", what, _AGAIN)
        return
    different = [part for part, value in wanted["spec"].items() if not has(found["spec"].get(part), value)]
    if different:
        what = f"{kind} {name} differs from the catalogue's in {wording.listing(different)}"
        yield Finding("policies", "fail", what, _AGAIN)
    warnings = list(_type_warnings(found))
    yield from (Finding("policies", "warn", f"{kind} {name}: {text}", _AGAIN) for text in warnings)
    if not different and not warnings:
        yield Finding("policies", "ok", f"{kind} {name} is as the catalogue makes it")


def has(found: object, wanted: object) -> bool:
    """Whether `found` says all that `wanted` does. The API server adds defaults to what was sent."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(has(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(found, list) and len(found) == len(wanted)
        return same and all(has(*pair) for pair in zip(found, wanted, strict=True))  # type: ignore[call-overload]
    return found == wanted


def _type_warnings(found: Manifest) -> Iterator[str]:
    checked = (found.get("status") or {}).get("typeChecking") or {}
    for warning in checked.get("expressionWarnings") or ():
        text = " ".join(str(warning.get("warning", "")).split())
        yield f"the API server finds fault with {warning.get('fieldRef')}: {text}"


def _left_over(facts: Facts, found: dict[tuple[str, str], Manifest]) -> Iterator[Finding]:
    wanted = {(each["kind"], each["metadata"]["name"]) for each in facts.guards}
    for kind, name in sorted(found.keys() - wanted):
        given = found[kind, name]["metadata"].get("labels") or {}
        if given.get(labels.MANAGED_BY) == labels.MANAGER:
            what = f"{kind} {name} is left over from another catalogue, and still in force"
            yield Finding("policies", "warn", what, f"kubectl delete {kind.lower()} {name}")
