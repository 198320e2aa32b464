"""Values that contradict each other are refused, and told the way out."""

from pathlib import Path

import pytest

from tests.chart import catalogues, rendering
from tests.codec.builders import DROP
from tools.chart.generated import CHART

_CASES = {
    "a Secret without its authority": (
        ["tls.source=secret", "tls.secretName=mine"],
        'tls.source is "secret": give the Secret with tls.secretName, and who signed its certificate with '
        "--set-file tls.caBundle=ca.crt",
    ),
    "an authority that is the name of a file": (
        ["tls.source=secret", "tls.secretName=mine", "tls.caBundle=ca.crt"],
        "tls.caBundle holds no certificate in PEM form",
    ),
    "a Secret beside cert-manager": (
        ["tls.secretName=mine"],
        'tls.secretName and tls.caBundle are for tls.source "secret", and it is "cert-manager"',
    ),
    "an issuer without cert-manager": (
        ["tls.source=self-signed", "tls.certManager.issuerRef.name=mine"],
        'tls.certManager.issuerRef is for tls.source "cert-manager", and it is "self-signed"',
    ),
    "an issuer without a name": (
        ["tls.certManager.issuerRef.kind=ClusterIssuer"],
        "tls.certManager.issuerRef has no name",
    ),
    "names of clients whom nobody asks": (
        ["tls.clientCA.subjects={kube-apiserver}"],
        "tls.clientCA.secretName is missing, without which nobody is asked for one",
    ),
    "a leaf that lives too shortly": (
        ["tls.certManager.duration=59m"],
        "cert-manager issues nothing below 1h",
    ),
    "a leaf that is renewed without end": (
        ["tls.certManager.duration=240h"],
        "tls.certManager.renewBefore is 720h, not less than duration, which is 240h",
    ),
    "a flag of the chart's own": (
        ["admission.extraArgs={--role=controller}"],
        'admission.extraArgs: "--role=controller" is not one that can be added',
    ),
    "a longer drain than the pods' grace": (
        ["admission.extraArgs={--drain-grace=100}"],
        "is not one that can",
    ),
    "a setting as a variable": (
        ["controller.extraEnv[0].name=NSP_CATALOGUE", "controller.extraEnv[0].value=/x"],
        "controller.extraEnv: NSP_CATALOGUE is a setting of ours",
    ),
    "an API without tokens": (["api.enabled=true"], "api.tokensSecretName is missing"),
    "less room to scale than there are replicas": (
        ["admission.autoscaling.enabled=true", "admission.autoscaling.maxReplicas=2"],
        "admission.autoscaling.maxReplicas is 2, less than admission.replicas, which is the least: 3",
    ),
}


@pytest.mark.parametrize(("values", "said"), _CASES.values(), ids=_CASES)
def test_contradictions(values: list[str], said: str) -> None:
    assert said in rendering.refusal(*rendering.sets(values))


_MERGED = catalogues.text({}) + "shared: &shared {abstract: true}\nmore: {<<: *shared}\n"

_CATALOGUES = {
    "no YAML": ("{", "catalogue: it is not YAML"),
    "the name of a file": ("tiers.yaml", "catalogue: it is not YAML"),
    "something else": ("apiVersion: v1\nkind: ConfigMap\n", "Give the text of the file, not its name"),
    "no tiers": (catalogues.text({"tiers": DROP}), "catalogue: tiers is missing"),
    "our namespace is not exempt": (
        catalogues.text({"policy/exemptNames": [], "policy/controllers": [], "policy/requesters": []}),
        "catalogue: policy.exemptNames does not name ns-provisioner.",
    ),
    "our controller is not known": (
        catalogues.text({"policy/controllers": []}),
        'controllers: ["system:serviceaccount:ns-provisioner:ns-provisioner-controller"]',
    ),
    "a merge key": (_MERGED, "catalogue: merge keys (<<) mean different things to different programs"),
    "a group that is a number": (
        catalogues.text({}).replace("- platform-admins", "- 8"),
        "catalogue: policy.adminGroups holds 8, which is no text: put it in quotes",
    ),
    "a group that is true to Helm": (
        catalogues.text({}).replace("- platform-admins", "- y"),
        "catalogue: policy.adminGroups holds true, which is no text",
    ),
    "names that are no list": (
        catalogues.text({"policy/exemptNames": None}),
        "policy.exemptNames is no list",
    ),
    "a flag that is a text": (
        catalogues.text({"tiers/small/abstract": "false"}),
        "catalogue: tiers.small.abstract is false, and neither true nor false",
    ),
    "a level that there is not": (
        catalogues.text({"tiers/small/podSecurity": {"enforce": "Baseline"}}),
        "catalogue: tiers.small.podSecurity.enforce is Baseline: allowed are",
    ),
    "a default tier that there is not": (
        catalogues.text({"policy/defaultTier": "tiny"}),
        "catalogue: policy.defaultTier is tiny, which is no tier",
    ),
    "groups of teams that are no text": (
        catalogues.text({"policy/teamGroups": None}),
        "catalogue: policy.teamGroups is",
    ),
    "a tier extends itself": (
        catalogues.text({"tiers/small/extends": "small"}),
        "catalogue: tiers.small extends itself",
    ),
    "a tier extends one that is not there": (
        catalogues.text({"tiers/small/extends": "tiny"}),
        "catalogue: tiers.tiny is no mapping, or is extended and not there",
    ),
}


@pytest.mark.parametrize(("text", "said"), _CATALOGUES.values(), ids=_CATALOGUES)
def test_catalogues_of_which_nothing_can_be_made(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(text)
    assert said in rendering.refusal("--set-file", f"catalogue={file}")


def test_the_built_in_catalogue_is_good_for_any_namespace() -> None:
    rendered = rendering.render(namespace="platform-system")
    text = rendering.named(rendered, "ConfigMap", "ns-provisioner-catalogue")["data"]["catalogue.yaml"]
    assert "system:serviceaccount:platform-system:ns-provisioner-controller" in text
    assert 'exemptNames: [cert-manager, "platform-system"]' in text


def test_a_catalogue_for_another_namespace_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(catalogues.text({}))
    said = rendering.refusal("--set-file", f"catalogue={file}", namespace="platform-system")
    assert "catalogue: policy.exemptNames does not name platform-system." in said


def test_an_older_kubernetes_is_refused() -> None:
    result = rendering.helm("template", "r", str(CHART), "--kube-version", "1.29.0")
    assert "chart requires kubeVersion: >=1.30.0-0" in result.stderr
