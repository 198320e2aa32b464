"""What Helm reads out of a catalogue as it is written is what the code reads, or one of the two refuses it.

Two readers of YAML differ in more than one would think. Where they did, policies would guard other names
than the processes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart import rendering
from tools.chart.generated import CHART
from webhook.codec import admissionpolicy, catalogue, rbac, registration
from webhook.core.errors import InvalidPolicyError
from webhook.core.model import Manifest

BUILT_IN = (
    (CHART / "files" / "catalogue.yaml").read_text().replace("{{ .Release.Namespace }}", "ns-provisioner")
)

WORDS = [
    *(
        "y",
        "N",
        "yes",
        "Off",
        "true",
        "null",
        "~",
        "8",
        "08",
        "0o7",
        "010",
        "+08",
        "0XF",
        "0b1",
        "1e3",
        "1.5",
    ),
    *("1_000", "1:30", "2020-01-01", ".5", "._", ".inf", "'08'", '"y"', "!!str 8", "=", "a b", '"a\\u0062"'),
]
PLACES = {
    "a tier": ("  medium:\n", "  {}:\n"),
    "a group of admins": ("[platform-admins,", "[{},"),
    "an exempt name": ("[cert-manager,", "[{},"),
    "an applier": ("appliers: []", "appliers: [{}]"),
    "a mode": ("modes: {}", "modes: {{managed-objects: {}}}"),
    "a level": ("enforce: baseline", "enforce: {}"),
    "protection": ("deletionProtection: false", "deletionProtection: {}"),
    "an abstract tier": ("abstract: true", "abstract: {}"),
    "a dry run": ("dryRun: true", "dryRun: {}"),
    "groups of teams": ("teamGroups: team-{team}", "teamGroups: {}"),
}
WHOLE = {
    "a merge key that comes last": BUILT_IN.replace(
        "abstract: true", "<<: &x {abstract: false}\n    abstract: true"
    ),
    "a merge key in braces": BUILT_IN.replace("tiers:", "more: &x {a: b}\nother: {<<: *x}\ntiers:"),
    "a key that stands twice": BUILT_IN + "defaults: {deletionProtection: true}\n",
    "a second document": BUILT_IN + "---\n" + BUILT_IN.replace("platform-admins", "others"),
    "a first document that is empty": "---\n---\n" + BUILT_IN,
    "an alias": BUILT_IN.replace("appliers: []", "appliers: &none []").replace(
        "requiredLabels: {}", "modes: {}"
    ),
    "another end of lines": BUILT_IN.replace("\n", "\r\n"),
    "a mark at its beginning": "\ufeff" + BUILT_IN,
    "tabs behind values": BUILT_IN.replace("defaultTier: small", "defaultTier: small\t"),
    "a block at its end": BUILT_IN + "teams: {}\nrollout:\n  strategy: |-\n    auto\n\n",
    "templates in it": BUILT_IN.replace("platform-admins", '"{{ .Values }}"'),
    "a text in blocks": BUILT_IN.replace("teamGroups: team-{team}", "teamGroups: >-\n    team-{team}"),
    "a key in question": BUILT_IN.replace("  appliers: []", "  ? appliers\n  : [argo]"),
    "spaces before everything": "\n\n   \n" + BUILT_IN,
}


def _cases() -> Iterator[object]:
    for place, (old, new) in PLACES.items():
        assert old in BUILT_IN, old
        for word in WORDS:
            yield pytest.param(BUILT_IN.replace(old, new.format(word)), id=f"{word} as {place}")
    for what, text in WHOLE.items():
        yield pytest.param(text, id=what)


@pytest.mark.parametrize("text", list(_cases()))
def test_both_read_the_same_or_one_refuses(text: str, tmp_path: Path) -> None:
    try:
        policy = catalogue.parse(text)
    except InvalidPolicyError:
        return  # the processes, and the hook before an install, say so
    file = tmp_path / "catalogue.yaml"
    file.write_bytes(text.encode())
    result = rendering.template("--set-file", f"catalogue={file}")
    if result.returncode:
        assert "catalogue: " in result.stderr, result.stderr
        return
    rendered = rendering.read(result.stdout)
    found = rendering.named(rendered, "ConfigMap", "ns-provisioner-catalogue")["data"]["catalogue.yaml"]
    assert catalogue.parse(found).revision == policy.revision
    policies = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert _specs(rendering.kinds(rendered, *policies)) == _specs(admissionpolicy.manifests(policy))
    for wanted in registration.configurations(policy, {"url": ""}):
        (hook, *_) = rendering.named(rendered, wanted["kind"])["webhooks"]
        assert hook["namespaceSelector"] == wanted["webhooks"][0]["namespaceSelector"]
    (role,) = (
        each
        for each in rbac.manifests(policy, ["controller"], "ns-provisioner")
        if each["kind"] == "ClusterRole"
    )
    assert _verbs(rendering.named(rendered, "ClusterRole")) == _verbs(role)


def _specs(manifests: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(each["kind"], each["metadata"]["name"]): each["spec"] for each in manifests}


def _verbs(role: dict[str, list[dict[str, list[str]]]]) -> list[tuple[list[str], list[str]]]:
    return [(rule["resources"], sorted(rule["verbs"])) for rule in role["rules"]]
