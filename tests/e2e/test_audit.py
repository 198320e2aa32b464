"""`nsp audit` after the webhooks were away: every namespace that came in meanwhile is found, and no other."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from tests.e2e import cluster
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.adapters import catalogue_file
from webhook.cli import audit as verb

ENFORCE, WARN = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"
MANAGED = {"app.kubernetes.io/managed-by": "ns-provisioner"}
LEVELS = {ENFORCE: "baseline", WARN: "restricted"}
ASKED = {"platform/requested-by": "jane"}
RULES = f"rules: the built-in catalogue, revision {catalogue_file.load(None).revision}"

OURS = (
    "validatingwebhookconfiguration/ns-provisioner",
    "mutatingwebhookconfiguration/ns-provisioner",
    *(
        f"validatingadmissionpolicy{kind}/ns-provisioner-{what}"
        for kind in ("binding", "")
        for what in ("namespaces", "objects")
    ),
)

CAME_IN: dict[str, dict[str, str]] = {
    "bare": {},
    "deep": {
        **MANAGED,
        "platform/tier": "small",
        "platform/team": "deep",
        ENFORCE: "privileged",
        WARN: "restricted",
    },
    "kube-x": {**MANAGED, **LEVELS, "platform/tier": "small", "platform/team": "shop"},
    "lost": {**MANAGED, **LEVELS, "platform/tier": "xl", "platform/team": "lost"},
    "fine": {**MANAGED, **LEVELS, "platform/tier": "small", "platform/team": "fine"},
}
"""What is created while nobody looks: the first four are not as the rules want them."""

FOUND = [
    "bare: [unmanaged] metadata.labels[app.kubernetes.io/managed-by]: nobody manages the namespace; allowed: "
    "ns-provisioner; adopt it as an admin: kubectl label namespace bare --overwrite "
    "app.kubernetes.io/managed-by=ns-provisioner platform/team=bare platform/tier=small "
    f"{ENFORCE}=baseline {WARN}=restricted",
    f'deep: [pod-security-floor] metadata.labels[{ENFORCE}]: "privileged" is below the tier\'s level; '
    f'allowed: baseline, restricted; set {ENFORCE}: "baseline"',
    'kube-x: [reserved-name] metadata.name: "kube-x" is reserved; allowed: names that do not begin '
    "with kube-, "
    "openshift- and are not admin, cert-manager, default, kube-node-lease, kube-public, kube-system, "
    "ns-provisioner; choose another name",
    'lost: [tier-exists] metadata.labels[platform/tier]: "xl" is not a tier; allowed: freemium, '
    "small, medium, "
    'large; try platform/tier: "large"',
]


def audit(plane: ControlPlane, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(verb.command, ["--kubeconfig", str(plane.kubeconfig), *arguments])
    assert done.stderr == ""
    return done.exit_code, done.stdout


def lines(plane: ControlPlane) -> list[str]:
    """Without the notes, which go as the controller works."""
    return [line for line in audit(plane)[1].splitlines() if not line.endswith("(a note only)")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A plane of its own: what takes the webhooks away does it for the whole cluster."""
    with ControlPlane.start() as plane:
        product = Product.start(plane, tmp_path_factory.mktemp("audited"))
        yield product
        product.stop()


@pytest.fixture(scope="module")
def after_an_exit(running: Product) -> ControlPlane:
    """What an admin does in an emergency, what comes in meanwhile, and the way back."""
    plane = running.plane
    cluster.new(plane, "before")
    plane.kubectl("delete", *OURS)
    for name, labels in CAME_IN.items():
        manifest = cluster.namespace(name, **labels)
        manifest["metadata"]["annotations"] = ASKED

        def created(manifest: dict[str, Any] = manifest) -> bool:
            return cluster.create(plane, manifest)[0] in (201, 409)

        cluster.eventually(created, f"{name} to be let in")
    running.register()
    for name in ("fine", "deep", "kube-x"):
        cluster.provisioned(plane, name)
    return plane


def test_exactly_those_that_came_in_meanwhile_are_listed(after_an_exit: ControlPlane) -> None:
    *found, counted, rules = lines(after_an_exit)
    assert found == FOUND
    assert counted.startswith("4 of 6 namespaces break a rule (violations: 4, notes: ")
    assert counted.endswith("; not looked at: 5 exempt, 0 terminating")
    assert rules == RULES
    assert audit(after_an_exit)[0] == 1


def test_machines_get_the_same(after_an_exit: ControlPlane) -> None:
    code, out = audit(after_an_exit, "--output", "json")
    told = json.loads(out)
    assert (code, told["violators"]) == (1, ["bare", "deep", "kube-x", "lost"])
    assert [each["rule"] for each in told["findings"] if each["enforced"]] == [
        "unmanaged",
        "pod-security-floor",
        "reserved-name",
        "tier-exists",
    ]
    assert told["lookedAt"] == 6


def test_the_catalogue_of_the_cluster_is_what_counts(after_an_exit: ControlPlane) -> None:
    path = "/api/v1/namespaces/ns-provisioner/configmaps/ns-provisioner-catalogue"
    text = "apiVersion: ns-provisioner.io/v1alpha1\nkind: TierCatalogue\n"
    config_map = {"metadata": {"name": "ns-provisioner-catalogue"}, "data": {"catalogue.yaml": text}}
    assert after_an_exit.api.send("POST", path.rpartition("/")[0], config_map).status == 201
    try:
        done = CliRunner().invoke(verb.command, ["--kubeconfig", str(after_an_exit.kubeconfig)])
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith(
            "nsp: the tier catalogue ConfigMap ns-provisioner/ns-provisioner-catalogue cannot be used:\n"
        )
        assert "  policy: is missing\n" in done.stderr
        assert "  tiers: is missing\n" in done.stderr
    finally:
        assert after_an_exit.api.send("DELETE", path).status == 200


def test_once_all_is_mended_nothing_is_left(after_an_exit: ControlPlane) -> None:
    """By the commands that were shown, and by deletion where a name cannot be mended."""
    adoption = FOUND[0].partition("adopt it as an admin: kubectl ")[2]
    after_an_exit.kubectl(*adoption.split())
    after_an_exit.kubectl("label", "namespace", "deep", "--overwrite", f"{ENFORCE}=baseline")
    after_an_exit.kubectl("label", "namespace", "lost", "--overwrite", "platform/tier=large")
    after_an_exit.kubectl("delete", "namespace", "kube-x", "--timeout=60s")
    for name in ("bare", "deep", "lost"):
        cluster.provisioned(after_an_exit, name)
    assert audit(after_an_exit) == (
        0,
        "0 of 5 namespaces break a rule (violations: 0, notes: 0); not looked at: 5 exempt, 0 terminating\n"
        f"{RULES}\n",
    )
