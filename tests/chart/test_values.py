"""values.yaml, its schema, its table and the templates say the same; no value is dead, none unknown."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart import rendering
from tools.chart import generated, values
from tools.chart.generated import CHART

_TEXT = (CHART / "values.yaml").read_text()
DESCRIBED = values.read(_TEXT)
LEAVES = list(values.leaves(DESCRIBED))
_NAMES = [".".join(leaf.path) for leaf in LEAVES]
_PAIR = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
_SECRET = {"tls": {"source": "secret", "secretName": "mine", "caBundle": _PAIR}}
_API = {"api": {"enabled": True, "tokensSecretName": "tokens"}}
_SCALED = {"admission": {"autoscaling": {"enabled": True}}}
_MONITORED = {
    "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboards")}
}

NEEDS: dict[str, dict[str, Any]] = {
    "tls.secretName": _SECRET,
    "tls.caBundle": _SECRET,
    "tls.clientCA.subjects": {"tls": {"clientCA": {"secretName": "ca"}}},
    "admission.autoscaling.maxReplicas": _SCALED,
    "admission.autoscaling.targetCPUUtilizationPercentage": _SCALED,
}
"""What has to be set beside a value before it can do anything; else the API and all monitoring."""

OTHER = {
    "image.pullPolicy": "Always",
    "image.digest": f"sha256:{64 * '0'}",
    **{
        f"{component}.extraArgs": ["--log-allowed-every=1"]
        for component in ("admission", "controller", "api")
    },
    "tls.certManager.renewBefore": "700h",
    "catalogue": (CHART / "files" / "catalogue.yaml")
    .read_text()
    .replace("{{ .Release.Namespace }}", "ns-provisioner")
    .replace("defaultTier: small", "defaultTier: medium"),
    "tls.source": "self-signed",
    "tls.caBundle": _PAIR.replace("AAAA", "BBBB"),
    "tls.certManager.issuerRef": {"kind": "ClusterIssuer", "name": "platform"},
    "admission.webhooks.failurePolicy": "Ignore",
    "networkPolicy.apiServerSources": ["10.1.0.0/16"],
    "networkPolicy.apiServerCidrs": ["10.1.0.1/32"],
    "networkPolicy.apiServerPorts": [8443],
    "admission.autoscaling.maxReplicas": 12,
}
"""Another value than the default; for the rest one is made up by its type."""


def test_the_parser_reads_what_yaml_reads() -> None:
    found: dict[str, Any] = {}
    for leaf in LEAVES:
        place = found
        for step in leaf.path[:-1]:
            place = place.setdefault(step, {})
        place[leaf.path[-1]] = leaf.default
    assert found == yaml.safe_load(_TEXT)


def test_every_generated_file_is_fresh() -> None:
    stale = [path.name for path, content in generated.files().items() if path.read_text() != content]
    assert stale == [], "run make docs"


@pytest.mark.parametrize("leaf", LEAVES, ids=_NAMES)
def test_every_value_is_told_of(leaf: values.Value) -> None:
    assert re.fullmatch(r"[A-Z0-9`].*[.].*", leaf.description), "a comment that begins with `# -- `"


@pytest.mark.parametrize("leaf", LEAVES, ids=_NAMES)
def test_every_value_does_something(leaf: values.Value) -> None:
    name = ".".join(leaf.path)
    base = _merged(_merged(_API, _MONITORED), NEEDS.get(name, {}))
    if name in ("api.enabled", "api.tokensSecretName"):
        base = {} if name == "api.enabled" else _API
    if name == "api.enabled":
        change = _API
    elif leaf.path[0] == "monitoring" and leaf.path[-1] == "enabled":
        base, change = {}, _nested(leaf.path, True)
    else:
        change = _nested(leaf.path, OTHER.get(name, _other(leaf)))
    assert _rendered(_merged(base, change)) != _rendered(base)


def test_every_value_that_templates_ask_for_is_there() -> None:
    """Helm itself takes a value that is not there for an empty one, and says nothing."""
    known = {leaf.path[:length] for leaf in LEAVES for length in range(1, len(leaf.path) + 1)}
    asked = set()
    for file in (CHART / "templates").rglob("*.*"):
        asked |= {tuple(path.split(".")) for path in re.findall(r"\.Values\.([\w.]+\w)", file.read_text())}
    assert {path for path in asked if path not in known} == {("tls", "made")}


@pytest.mark.parametrize("component", ["admission", "controller", "api"])
def test_every_value_that_the_pods_ask_for_is_there_for_each(component: str) -> None:
    text = (CHART / "templates" / "_pod.tpl").read_text()
    known = {leaf.path[1] for leaf in LEAVES if leaf.path[0] == component}
    assert set(re.findall(r"\$values\.(\w+)", text)) <= known


def test_the_defaults_keep_to_the_schema() -> None:
    jsonschema.validate(yaml.safe_load(_TEXT), json.loads((CHART / "values.schema.json").read_text()))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("replicas=3", "additional properties 'replicas' not allowed"),
        ("admission.replica=3", "additional properties 'replica' not allowed"),
        ("tls.certManager.issuer=x", "additional properties 'issuer' not allowed"),
        ("monitoring.serviceMonitor.enable=true", "additional properties 'enable' not allowed"),
        ("admission.replicas=0", "minimum"),
        ("admission.replicas=many", "got string, want integer"),
        ("admission.webhooks.failurePolicy=fail", "value must be one of 'Fail', 'Ignore'"),
        ("admission.webhooks.timeoutSeconds=30", "maximum"),
        ("tls.source=certmanager", "value must be one of 'cert-manager', 'secret', 'self-signed'"),
        ("networkPolicy.apiServerPorts={https}", "got string, want integer"),
        ("networkPolicy.apiServerPorts=null", "missing property 'apiServerPorts'"),
        ("networkPolicy.enabled=null", "missing property 'enabled'"),
        ("admission.policies.enabled=null", "missing property 'enabled'"),
        ("admission.webhooks.timeoutSeconds=null", "missing property 'timeoutSeconds'"),
        ("tls=null", "missing property 'tls'"),
        ("admission.podDisruptionBudget.maxUnavailable=0", "minimum"),
        ("admission.podDisruptionBudget.maxUnavailable=none", "does not match pattern"),
        ("tls.certManager.duration=90d", "does not match pattern"),
        ("tls.certManager.issuerRef.type=ClusterIssuer", "additional properties 'type' not allowed"),
        ("tls.clientCA.subjects[0]=", "minLength"),
        ("commonLabels.build=5", "got number, want string"),
        ("image.digest=abc", "does not match pattern"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(value: str, said: str) -> None:
    assert said in rendering.refusal("--set", value)


@pytest.mark.parametrize(
    "value",
    [
        "admission.resources.limits.cpu=1",
        "admission.nodeSelector.pool=system",
        "monitoring.dashboards.labels.team=platform",
        "admission.podDisruptionBudget.maxUnavailable=50%",
        "global.imageRegistry=example.com",
    ],
)
def test_what_people_add_to_open_values_is_taken(value: str) -> None:
    rendering.render("--set", value)


def _nested(path: values.Path, value: Any) -> dict[str, Any]:
    for step in reversed(path):
        value = {step: value}
    found: dict[str, Any] = value
    return found


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, item in change.items():
        both = isinstance(item, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], item) if both else item
    return found


def _other(leaf: values.Value) -> Any:
    if isinstance(leaf.default, bool):
        return not leaf.default
    if isinstance(leaf.default, int):
        return leaf.default + 1
    if isinstance(leaf.default, dict):
        return {"example.com/other": "other"} if leaf.path[-1] != "affinity" else {"nodeAffinity": {}}
    if isinstance(leaf.default, list):
        return ["other"] if leaf.hints["items"] == "string" else [{"name": "other"}]
    return f"1{leaf.default}" if leaf.default.endswith("h") else f"{leaf.default}-other"


def _rendered(chosen: dict[str, Any]) -> str:
    """Without what is new at each rendering: a certificate that is made at install."""
    result = rendering.helm(
        *("template", "r", str(CHART), "-n", "ns-provisioner", *rendering.KUBERNETES),
        *("--set-json", json.dumps(chosen) if not chosen else _assignments(chosen)),
    )
    assert result.returncode == 0, result.stderr
    return re.sub(r"(?m)^.*(tls\.(crt|key)|ca\.crt|caBundle): [A-Za-z0-9+/=]{100,}$", "", result.stdout)


def _assignments(chosen: dict[str, Any]) -> str:
    return ",".join(f"{key}={json.dumps(item)}" for key, item in chosen.items())


def test_an_empty_list_of_ports_which_would_mean_every_port_is_refused() -> None:
    result = rendering.template("--set-json", "networkPolicy.apiServerPorts=[]")
    assert "minItems" in result.stderr
