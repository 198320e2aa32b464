"""What is refused, and in which words, by whichever door it comes."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e import cluster
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

pytestmark = pytest.mark.usefixtures("product")

TENANT = ("--as=dev@example.com", "--as-group=tenants", "--as-group=team-payments")
"""A member of the team that owns the victim; and somebody else's tenant."""
STRANGER = ("--as=mallory@example.com", "--as-group=tenants", "--as-group=team-shop")

PREFIX = 'admission webhook "validate.ns-provisioner.io" denied the request: '
POLICY = (
    "forbidden: ValidatingAdmissionPolicy 'ns-provisioner-{0}' "
    "with binding 'ns-provisioner-{0}' denied request: "
)
"""How the API server begins what it refuses by itself, before it asks any webhook."""


@pytest.fixture(scope="module", autouse=True)
def _tenants_may_write_namespaces(plane: ControlPlane) -> Iterator[None]:
    """RBAC gives tenants every right on namespaces, so that only the rules stand in their way."""
    verbs, resources = "--verb=*", "--resource=namespaces,namespaces/status,namespaces/finalize"
    objects = "--resource=resourcequotas,limitranges,rolebindings.rbac.authorization.k8s.io"
    plane.kubectl("create", "clusterrole", "tenants", verbs, resources, objects)
    plane.kubectl("create", "clusterrolebinding", "tenants", "--clusterrole=tenants", "--group=tenants")
    yield
    plane.kubectl("delete", "clusterrolebinding/tenants", "clusterrole/tenants")


@pytest.mark.parametrize(
    ("manifest", "code", "message"),
    [
        pytest.param(
            cluster.namespace("shop", tier="xl"),
            422,
            '[tier-exists] metadata.labels[platform/tier]: "xl" is not a tier; '
            'allowed: freemium, small, medium, large; try platform/tier: "large"',
            id="an unknown tier is refused with the list and the nearest one",
        ),
        pytest.param(
            cluster.namespace("kube-payments"),
            422,
            '[reserved-name] metadata.name: "kube-payments" is reserved; allowed: names that do not begin '
            "with kube-, openshift- and are not admin, cert-manager, default, kube-node-lease, kube-public, "
            'kube-system, ns-provisioner; for instance "payments"',
            id="a reserved prefix is refused with a name that would do",
        ),
        pytest.param(
            cluster.namespace("1shop"),
            422,
            '[name-pattern] metadata.name: "1shop" is not a valid name; allowed: ^[a-z][a-z0-9-]{1,30}$ '
            'without a trailing hyphen; for instance "shop"',
            id="a name that breaks the pattern is refused with one that keeps it",
        ),
        pytest.param(
            cluster.namespace("shop", **{"app.kubernetes.io/managed-by": "Helm"}),
            422,
            "[managed-labels-complete] metadata.labels[app.kubernetes.io/managed-by]: "
            '"Helm" is another manager; allowed: ns-provisioner; '
            'set it to "ns-provisioner", or leave the label out',
            id="another manager's label is refused, not overwritten",
        ),
    ],
)
def test_a_new_namespace_that_breaks_a_rule(
    plane: ControlPlane, manifest: cluster.Manifest, code: int, message: str
) -> None:
    status, answer = cluster.create(plane, manifest)
    assert (status, cluster.denial(answer)) == (code, PREFIX + message)


def test_every_broken_rule_is_named_at_once(plane: ControlPlane) -> None:
    _, answer = cluster.create(plane, cluster.namespace("kube-payments", tier="xl", team="A_b"))
    text = cluster.denial(answer)
    assert text.startswith(PREFIX + "3 rules are broken:\n")
    for rule in ("[name-pattern]", "[reserved-name]", "[tier-exists]"):
        assert rule in text


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param('{"metadata":{"labels":{"platform/tier":"large"}}}', id="raise the tier"),
        pytest.param('{"metadata":{"labels":{"platform/team":"mallory"}}}', id="take the namespace over"),
        pytest.param('{"metadata":{"labels":{"platform/team":null}}}', id="remove the team"),
        pytest.param('{"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}}', id="detach it"),
        pytest.param('{"metadata":{"labels":{"app.kubernetes.io/managed-by":"Helm"}}}', id="hand it over"),
        pytest.param('{"metadata":{"annotations":{"platform/requested-by":"x"}}}', id="rewrite who asked"),
        pytest.param('{"metadata":{"labels":null}}', id="remove all labels"),
    ],
)
@pytest.mark.parametrize("door", ["", "status"])
def test_a_tenant_cannot(plane: ControlPlane, victim: str, patch: str, door: str) -> None:
    before = cluster.get(plane, f"/api/v1/namespaces/{victim}")
    through = (f"--subresource={door}",) if door else ()
    with pytest.raises(ControlPlaneError, match="managed-labels-immutable"):
        plane.kubectl("patch", "namespace", victim, "--type=merge", "-p", patch, *through, *TENANT)
    assert cluster.get(plane, f"/api/v1/namespaces/{victim}") == before


@pytest.fixture(scope="module")
def victim(plane: ControlPlane, product: object) -> str:
    cluster.new(plane, "victim", team="payments")
    return "victim"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("label", "ns", "victim", "--overwrite", "platform/tier=large"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[managed-labels-immutable] "
            'metadata.labels[platform/tier]: was "small", would be set to "large"; '
            "allowed: changes by platform-admins, system:masters; keep it as it was, or ask a platform admin",
            id="a tier is not raised",
        ),
        pytest.param(
            ("label", "ns", "victim", "platform/team-"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[managed-labels-immutable] "
            'metadata.labels[platform/team]: was "payments", would be removed; '
            "allowed: changes by platform-admins, system:masters; keep it as it was, or ask a platform admin",
            id="a team is not removed",
        ),
        pytest.param(
            ("label", "ns", "victim", "platform/expires-at=20000101T000000Z"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[managed-labels-immutable] "
            'metadata.labels[platform/expires-at]: was absent, would be set to "20000101T000000Z"; '
            "allowed: changes by ns-provisioner's controller, platform-admins, system:masters; "
            "keep it as it was, or ask a platform admin",
            id="an expiry is not set",
        ),
        pytest.param(
            ("label", "ns", "victim", "--overwrite", "pod-security.kubernetes.io/enforce=privileged"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[pod-security-floor] "
            "metadata.labels[pod-security.kubernetes.io/enforce]: it would be below the tier's level; "
            "allowed: the tier's level and stricter ones; keep it as it was",
            id="Pod Security is not lowered",
        ),
        pytest.param(
            ("annotate", "ns", "victim", "platform/ttl=1h"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[settings-by-owner] "
            'metadata.annotations[platform/ttl]: you are not in team "payments"; '
            "allowed: changes by members of team-payments; leave it as it was, or ask the team",
            id="another team sets no lifetime",
        ),
        pytest.param(
            ("delete", "ns", "victim"),
            'namespaces "victim" is ' + POLICY.format("namespaces") + "[deletion-allowed] "
            'metadata.labels[platform/team]: the namespace belongs to team "payments", which you are not in; '
            "allowed: members of team-payments, platform-admins, system:masters; ask the team",
            id="another team deletes nothing",
        ),
        pytest.param(
            ("delete", "resourcequota", "default", "-n", "victim"),
            'resourcequotas "default" is ' + POLICY.format("objects") + "[managed-objects] "
            "metadata.labels[app.kubernetes.io/managed-by]: the object belongs to ns-provisioner; "
            "allowed: changes by its controller, platform-admins, system:masters; "
            "change the tier instead, or add an object of your own under another name",
            id="an object of ours is not deleted",
        ),
        pytest.param(
            ("create", "ns", "cert-manager"),
            'namespaces "cert-manager" is ' + POLICY.format("namespaces") + "[reserved-name] "
            "metadata.name: it is reserved; allowed: creation by platform-admins, system:masters; "
            "choose another name",
            id="a name that the webhooks skip is not taken",
        ),
    ],
)
@pytest.mark.usefixtures("victim")
def test_the_words_of_a_refusal(plane: ControlPlane, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ControlPlaneError) as refusal:
        plane.kubectl(*arguments, *STRANGER)
    assert str(refusal.value).partition("(Forbidden): ")[2].removeprefix("error when creating ") == message


def test_what_is_protected_is_not_deleted_by_an_admin_either(plane: ControlPlane, name: str) -> None:
    cluster.new(plane, name, team="payments")
    plane.kubectl("annotate", "ns", name, "platform/deletion-protection=true", *TENANT)
    with pytest.raises(ControlPlaneError) as refusal:
        plane.kubectl("delete", "ns", name)
    assert str(refusal.value).endswith(
        "[deletion-protected] metadata.annotations[platform/deletion-protection]: "
        "the namespace is protected; allowed: deletion once the protection is off; "
        'set platform/deletion-protection: "false" first'
    )


def test_a_tenant_cannot_adopt_a_namespace_that_nobody_manages(plane: ControlPlane, name: str) -> None:
    _unmanaged(plane, name)
    with pytest.raises(ControlPlaneError, match="managed-labels-immutable"):
        plane.kubectl("label", "namespace", name, "platform/team=mallory", *TENANT)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("label", "cost-centre=42"), id="a label of their own"),
        pytest.param(("annotate", "note=hello"), id="an annotation of their own"),
        pytest.param(("label", "--overwrite", "platform/tier=small"), id="stating what is so already"),
    ],
)
def test_a_tenant_may(plane: ControlPlane, victim: str, change: tuple[str, ...]) -> None:
    verb, *what = change
    plane.kubectl(verb, "namespace", victim, *what, *TENANT)


def test_a_namespace_that_nobody_manages_stays_so(plane: ControlPlane, name: str) -> None:
    _unmanaged(plane, name)
    plane.kubectl("label", "namespace", name, "app.kubernetes.io/managed-by=Helm", "a=b", *TENANT)
    live = cluster.get(plane, f"/api/v1/namespaces/{name}")
    assert live is not None
    assert live["metadata"]["labels"] == {
        "kubernetes.io/metadata.name": name,
        "app.kubernetes.io/managed-by": "Helm",
        "a": "b",
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
    }


@pytest.mark.parametrize("system", ["kube-system", "default"])
def test_the_systems_own_namespaces_are_left_alone(plane: ControlPlane, system: str) -> None:
    plane.kubectl("label", "namespace", system, "seen=yes", "--overwrite")
    live = cluster.get(plane, f"/api/v1/namespaces/{system}")
    assert live is not None
    assert "platform/tier" not in live["metadata"]["labels"]


def _unmanaged(plane: ControlPlane, name: str) -> None:
    """A namespace as it was before the product came: an admin takes the labels away again."""
    cluster.new(plane, name)
    gone = ("platform/tier-", "platform/team-", "app.kubernetes.io/managed-by-")
    plane.kubectl("label", "namespace", name, *gone)


def test_a_tenant_cannot_have_a_namespace_deleted_by_an_owner_that_never_was(
    plane: ControlPlane, victim: str
) -> None:
    uid = "705ab4f5-6393-11e8-b7cc-42010a800002"
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": uid}
    patch = json.dumps({"metadata": {"ownerReferences": [owner]}})
    for door in ((), ("--subresource=status",)):
        with pytest.raises(ControlPlaneError, match="no-owner-references"):
            plane.kubectl("patch", "namespace", victim, "--type=merge", "-p", patch, *door, *TENANT)
    live = cluster.get(plane, f"/api/v1/namespaces/{victim}")
    assert live is not None
    assert "deletionTimestamp" not in live["metadata"]


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        pytest.param({"pod-security.kubernetes.io/enforce": "privileged"}, 403, id="below the floor"),
        pytest.param({"pod-security.kubernetes.io/enforce": "restricted"}, 201, id="above the floor"),
    ],
)
def test_pod_security_has_a_floor_for_tenants(
    plane: ControlPlane, name: str, labels: dict[str, str], code: int
) -> None:
    manifest = json.dumps(cluster.namespace(name, team="payments", **labels))
    if code == 201:
        plane.kubectl("create", "-f", "-", *TENANT, stdin=manifest)
        return
    with pytest.raises(ControlPlaneError, match="pod-security-floor"):
        plane.kubectl("create", "-f", "-", *TENANT, stdin=manifest)


def test_what_a_missed_mutation_would_have_added_is_asked_for(plane: ControlPlane, name: str) -> None:
    """A forged name label keeps the mutating hook away from an object without a name."""
    labels = {"kubernetes.io/metadata.name": "kube-system", "app.kubernetes.io/managed-by": "ns-provisioner"}
    manifest = cluster.namespace("", tier="small", team="payments", **labels)
    manifest["metadata"] = {"generateName": f"{name}-", "labels": manifest["metadata"]["labels"]}
    status, answer = cluster.create(plane, manifest)
    assert status == 422
    assert "[defaults-present] metadata.labels[pod-security.kubernetes.io/enforce]" in cluster.denial(answer)


def test_labels_on_an_exempt_namespace_bring_nothing_about(plane: ControlPlane, name: str) -> None:
    """No tenant can ask for our bundle in kube-public; and the controller would not listen to an admin."""
    labels = ("app.kubernetes.io/managed-by=ns-provisioner", "platform/tier=small", "platform/team=mallory")
    with pytest.raises(ControlPlaneError, match="managed-labels-immutable"):
        plane.kubectl("label", "namespace", "kube-public", *labels, *TENANT)
    plane.kubectl("label", "namespace", "kube-public", *labels)
    cluster.new(plane, name)
    assert "ResourceQuota/default" not in cluster.bundle(plane, "kube-public")
    assert cluster.condition(plane, "kube-public") == {}
    plane.kubectl("label", "namespace", "kube-public", *(f"{label.partition('=')[0]}-" for label in labels))


def test_our_api_may_say_who_asked_and_a_tenant_may_not(plane: ControlPlane, name: str) -> None:
    manifest = cluster.namespace(name)
    manifest["metadata"]["annotations"] = {"platform/requested-by": "jane"}
    account = "--as=system:serviceaccount:ns-provisioner:ns-provisioner-api"
    with pytest.raises(ControlPlaneError, match="requested-by-true"):
        plane.kubectl("create", "-f", "-", *TENANT, stdin=json.dumps(manifest))
    plane.kubectl("create", "-f", "-", account, "--as-group=tenants", stdin=json.dumps(manifest))
