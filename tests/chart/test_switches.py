"""Each switch of the chart, and what it makes of the manifests."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import catalogues, rendering
from tools.chart.generated import CHART
from webhook import __version__, settings
from webhook.adapters import catalogue_file
from webhook.adapters.clock import SystemClock
from webhook.core.model import Manifest
from webhook.telemetry import Log, Metrics
from webhook.web import admission
from webhook.web.record import Recorder

_DIGEST = f"sha256:{64 * 'a'}"
_PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"


def _rendered(*values: str) -> list[Manifest]:
    return rendering.render(*rendering.sets(values))


def _names(manifests: list[Manifest], kind: str) -> list[str]:
    return sorted(each["metadata"]["name"] for each in rendering.kinds(manifests, kind))


def _pod(manifests: list[Manifest], component: str) -> Any:
    return rendering.named(manifests, "Deployment", f"ns-provisioner-{component}")["spec"]["template"]["spec"]


def _hooks(manifests: list[Manifest]) -> list[Any]:
    found = rendering.kinds(manifests, "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    return [hook for each in found for hook in each["webhooks"]]


def test_what_comes_without_any_value() -> None:
    found = _rendered()
    assert _names(found, "Deployment") == ["ns-provisioner-admission", "ns-provisioner-controller"]
    replicas = {
        each["metadata"]["name"]: each["spec"]["replicas"] for each in rendering.kinds(found, "Deployment")
    }
    assert replicas == {"ns-provisioner-admission": 3, "ns-provisioner-controller": 2}
    assert _names(found, "PodDisruptionBudget") == ["ns-provisioner-admission", "ns-provisioner-controller"]
    assert _names(found, "Certificate") == ["ns-provisioner-admission", "ns-provisioner-ca"]
    assert not rendering.kinds(
        found, "HorizontalPodAutoscaler", "ServiceMonitor", "PrometheusRule", "Namespace"
    )
    assert {each["metadata"].get("namespace", "ns-provisioner") for each in found} == {"ns-provisioner"}


def test_the_paths_of_the_webhooks_are_the_routes_of_the_application() -> None:
    clock = SystemClock()
    recorder = Recorder(Metrics(), Log(clock.now), allowed_every=0)
    routes = {route.path for route in admission.routes(lambda: catalogue_file.load(None), clock, recorder)}
    assert {hook["clientConfig"]["service"]["path"] for hook in _hooks(_rendered())} == routes


@pytest.mark.parametrize("role", settings.ROLES)
def test_there_is_a_deployment_for_every_role(role: str) -> None:
    found = _rendered("api.enabled=true", "api.tokensSecretName=tokens")
    assert f"--role={role}" in _pod(found, role)["containers"][0]["args"]


def test_cert_manager_issues_from_a_ca_of_our_own_that_keeps_its_key() -> None:
    found = _rendered()
    ca = rendering.named(found, "Certificate", "ns-provisioner-ca")["spec"]
    leaf = rendering.named(found, "Certificate", "ns-provisioner-admission")["spec"]
    assert (ca["isCA"], ca["duration"], ca["privateKey"]["rotationPolicy"]) == (True, "87600h", "Never")
    assert (leaf["duration"], leaf["secretName"]) == ("2160h", "ns-provisioner-tls")
    assert {ca["privateKey"]["algorithm"], leaf["privateKey"]["algorithm"]} == {"ECDSA"}
    assert "ns-provisioner-admission.ns-provisioner.svc" in leaf["dnsNames"]
    for each in rendering.kinds(found, "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        injected = each["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
        assert injected == "ns-provisioner/ns-provisioner-admission"
    assert not [hook for hook in _hooks(found) if "caBundle" in hook["clientConfig"]]


def test_an_issuer_of_your_own() -> None:
    found = _rendered(
        "tls.certManager.issuerRef.kind=ClusterIssuer", "tls.certManager.issuerRef.name=platform"
    )
    assert not rendering.kinds(found, "Issuer")
    leaf = rendering.named(found, "Certificate")["spec"]
    assert leaf["issuerRef"] == {"kind": "ClusterIssuer", "name": "platform"}


def test_a_secret_of_your_own() -> None:
    found = _rendered("tls.source=secret", "tls.secretName=mine", f"tls.caBundle={_PEM}")
    assert not rendering.kinds(found, "Issuer", "Certificate", "Secret")
    (volume,) = (each["secret"] for each in _pod(found, "admission")["volumes"] if each["name"] == "tls")
    assert volume["secretName"] == "mine"
    assert {hook["clientConfig"]["caBundle"] for hook in _hooks(found)} == {_encoded(_PEM)}
    assert rendering.named(found, "ConfigMap", "ns-provisioner-test-ca")["data"]["ca.crt"] == _PEM


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_pair_made_at_install_is_the_same_wherever_it_is_named() -> None:
    found = _rendered("tls.source=self-signed")
    secret = rendering.named(found, "Secret")["data"]
    assert not rendering.kinds(found, "Issuer", "Certificate")
    assert {hook["clientConfig"]["caBundle"] for hook in _hooks(found)} == {secret["ca.crt"]}


def test_callers_can_be_authenticated() -> None:
    pod = _pod(_rendered("tls.clientCA.secretName=ca", "tls.clientCA.subjects={a,b}"), "admission")
    arguments = pod["containers"][0]["args"]
    assert "--admission-client-ca=/etc/ns-provisioner/client-ca/ca.crt" in arguments
    assert "--admission-client-subjects=a,b" in arguments


def test_autoscaling_begins_with_the_replicas_that_there_are() -> None:
    """Left out, the number would become 1 until somebody scales."""
    found = _rendered("admission.autoscaling.enabled=true", "admission.replicas=1")
    assert "ns-provisioner-admission" in _names(found, "PodDisruptionBudget")
    found = _rendered("admission.autoscaling.enabled=true")
    assert rendering.named(found, "Deployment", "ns-provisioner-admission")["spec"]["replicas"] == 3
    scaler = rendering.named(found, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 6)


def test_one_replica_has_no_disruption_budget_that_would_hold_up_drains() -> None:
    assert _names(_rendered("admission.replicas=1"), "PodDisruptionBudget") == ["ns-provisioner-controller"]


def test_failing_open_is_for_the_one_entry_that_fails_closed() -> None:
    found = _hooks(
        _rendered("admission.webhooks.failurePolicy=Ignore", "admission.webhooks.timeoutSeconds=5")
    )
    assert {(hook["failurePolicy"], hook["timeoutSeconds"]) for hook in found} == {("Ignore", 5)}


def test_the_policies_can_be_left_out() -> None:
    found = _rendered("admission.policies.enabled=false")
    assert not rendering.kinds(found, "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def test_the_api_comes_with_its_rights_its_service_and_its_share() -> None:
    found = _rendered("api.enabled=true", "api.tokensSecretName=tokens")
    for kind in ("Deployment", "ClusterRole", "ClusterRoleBinding", "NetworkPolicy", "PodDisruptionBudget"):
        assert "ns-provisioner-api" in _names(found, kind)
        assert "ns-provisioner-api" not in _names(_rendered(), kind)
    subjects = rendering.named(found, "FlowSchema")["spec"]["rules"][0]["subjects"]
    assert [each["serviceAccount"]["name"] for each in subjects] == [
        "ns-provisioner-controller",
        "ns-provisioner-api",
    ]


def test_the_admission_pair_may_open_no_connection() -> None:
    policy = rendering.named(_rendered(), "NetworkPolicy", "ns-provisioner-admission")["spec"]
    assert (policy["policyTypes"], policy["egress"]) == (["Ingress", "Egress"], [])
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["webhook", "health"]


def test_the_controller_reaches_the_api_server_and_names_and_no_metadata_of_clouds() -> None:
    policy = rendering.named(_rendered(), "NetworkPolicy", "ns-provisioner-controller")["spec"]
    server, names = policy["egress"]
    assert [port["port"] for port in server["ports"]] == [443, 6443]
    assert "169.254.0.0/16" in server["to"][0]["ipBlock"]["except"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["health"]


def test_network_policies_narrow_to_addresses_that_are_known() -> None:
    values = ("networkPolicy.apiServerSources={10.1.0.0/28}", "networkPolicy.apiServerCidrs={10.1.0.1/32}")
    found = _rendered(*values)
    ingress = rendering.named(found, "NetworkPolicy", "ns-provisioner-admission")["spec"]["ingress"][0]
    assert ingress["from"][0] == {"ipBlock": {"cidr": "10.1.0.0/28"}}
    assert ingress["from"][1]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"
    egress = rendering.named(found, "NetworkPolicy", "ns-provisioner-controller")["spec"]["egress"][0]
    assert egress["to"] == [{"ipBlock": {"cidr": "10.1.0.1/32"}}]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("networkPolicy.enabled=false", "NetworkPolicy"),
        ("flowControl.enabled=false", "FlowSchema"),
        ("flowControl.enabled=false", "PriorityLevelConfiguration"),
    ],
)
def test_it_can_be_left_out(value: str, kind: str) -> None:
    assert rendering.kinds(_rendered(), kind)
    assert not rendering.kinds(_rendered(value), kind)


def test_a_digest_wins_over_a_tag() -> None:
    image = _pod(_rendered("image.tag=1.2.3", f"image.digest={_DIGEST}"), "controller")["containers"][0][
        "image"
    ]
    assert image == f"ghcr.io/ns-provisioner/ns-provisioner@{_DIGEST}"


def test_no_right_is_a_wildcard_and_none_is_on_secrets_or_webhooks() -> None:
    for role in rendering.kinds(
        _rendered("api.enabled=true", "api.tokensSecretName=t"), "ClusterRole", "Role"
    ):
        for rule in role["rules"]:
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert "admissionregistration.k8s.io" not in rule["apiGroups"]
            assert "secrets" not in rule["resources"]
            assert "bind" not in rule["verbs"] or rule["resourceNames"]


def test_the_chart_and_the_command_are_of_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_lint_has_nothing_to_say() -> None:
    result = rendering.helm("lint", "--strict", str(CHART), *rendering.KUBERNETES)
    assert "1 chart(s) linted, 0 chart(s) failed" in result.stdout
    assert "[WARNING]" not in result.stdout + result.stderr


def test_a_catalogue_of_ones_own_is_read_by_the_image_before_anything_is_changed(tmp_path: Path) -> None:
    assert not rendering.kinds(_rendered(), "Pod")[1:]
    file = tmp_path / "catalogue.yaml"
    file.write_text(catalogues.text({}))
    found = rendering.render("--set-file", f"catalogue={file}")
    pod = rendering.named(found, "Pod", "ns-provisioner-catalogue-check")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    read = rendering.named(found, "ConfigMap", "ns-provisioner-catalogue-check")["data"]
    assert read == rendering.named(found, "ConfigMap", "ns-provisioner-catalogue")["data"]


def test_there_is_no_test_where_callers_have_to_show_a_certificate() -> None:
    assert not rendering.kinds(_rendered("tls.clientCA.secretName=ca"), "Pod")


def test_nobody_takes_a_configmap_of_the_chart_for_an_object_of_ours() -> None:
    """Which people could not change, and our controller would take away."""
    label = "app\\.kubernetes\\.io/managed-by=ns-provisioner"
    values = (
        "monitoring.dashboards.enabled=true",
        f"monitoring.dashboards.labels.{label}",
        f"commonLabels.{label}",
    )
    for each in _rendered(*values):
        assert each["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_the_chart_can_be_part_of_another_that_switches_it(tmp_path: Path) -> None:
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "ns-provisioner").symlink_to(CHART)
    (tmp_path / "values.yaml").write_text("ns-provisioner: {enabled: true}\n")
    part = {"name": "ns-provisioner", "version": __version__, "condition": "ns-provisioner.enabled"}
    whole = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [part]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(whole))
    for switch, there in (("true", True), ("false", False)):
        values = ("--set", f"ns-provisioner.enabled={switch}")
        result = rendering.template(*values, chart=tmp_path)
        assert (result.returncode, "kind: Deployment" in result.stdout) == (0, there), result.stderr
