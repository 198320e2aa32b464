"""The published JSON Schema takes what the parser takes, and knows the same keys."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from webhook.codec import catalogue, catalogueschema
from webhook.core import tiers
from webhook.core.catalogue import POLICY_DEFAULTS
from webhook.core.errors import InvalidPolicyError

SCHEMA = catalogueschema.schema()
PAGE = Path(__file__).parents[2] / "docs" / "catalogue.schema.json"
BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")

FULL = """
apiVersion: ns-provisioner.io/v1alpha1
kind: TierCatalogue
policy:
  defaultTier: small
  namePattern: "[a-z]+(-[a-z0-9]+)*"
  teamSeparator: "--"
  exemptNames: [flux-system]
  appliers: ["system:serviceaccount:flux-system:kustomize-controller"]
  requiredLabels: {owner: ".+"}
  modes: {required-metadata: warn, managed-objects: audit}
defaults: {ttl: null, maxTtl: 30d}
expiry: {dryRun: false, perMinute: 600, maxPercent: 100, notices: [7d, 1h]}
teams: {"*": {namespaces: 0, quota: {requests.cpu: 0.5, pods: "9"}}, payments: {}}
tiers:
  base:
    abstract: true
    podSecurity: {enforce: baseline, audit: restricted}
    networkPolicies: [default-deny-all, {allow-ingress-from: [ingress]}, {allow-egress-to: [10.0.0.0/8]}]
  small:
    extends: base
    title: Small
    idleTtl: 8h
    quota: {requests.cpu: 4, pods: "20", count/jobs.batch: 10}
    limitRange: {default: {cpu: 500m}, defaultRequest: {cpu: 0.1}}
    overrides: {quota: {requests.cpu: {max: 8}}}
    allowed: {groups: ["*"]}
    extraManifests:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: info}, data: {team: "${team}"}}
  tiny:
    extends: small
    podSecurity: {audit: null}
    quota: {count/jobs.batch: null}
    replacedBy: small
"""


def _problems(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("text", [BUILT_IN, FULL], ids=["the built-in catalogue", "every key there is"])
def test_what_the_parser_takes_the_schema_takes(text: str) -> None:
    catalogue.parse(text)
    assert _problems(text) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("title: Small", "heading: Small", id="an unknown key in a tier"),
        pytest.param("namePattern:", "pattern:", id="an unknown key in the policy"),
        pytest.param("maxTtl: 30d", "maxTtl: 1 month", id="a lifetime that is none"),
        pytest.param("enforce: baseline", "enforce: basic", id="an unknown level"),
        pytest.param("required-metadata: warn", "required-metadata: log", id="an unknown mode"),
        pytest.param("required-metadata: warn", "required: warn", id="a mode for an unknown rule"),
        pytest.param("[default-deny-all, ", "[deny-all, ", id="an unknown network policy"),
        pytest.param("kind: ConfigMap", "kind: ClusterRole", id="a kind that a tier cannot add"),
        pytest.param('pods: "20"', "pods: many", id="a quantity that is none"),
        pytest.param('teamSeparator: "--"', 'teamSeparator: "_"', id="an unknown separator"),
        pytest.param("dryRun: false", "dryRun: no thanks", id="a dry run that is neither on nor off"),
        pytest.param("perMinute: 600", "perMinute: 601", id="more deletions a minute than anybody wants"),
        pytest.param("maxPercent: 100", "maxPercent: 101", id="more than all"),
        pytest.param("[7d, 1h]", "[7d, soon]", id="a notice that is no lifetime"),
        pytest.param("namespaces: 0", "namespaces: few", id="a number of namespaces that is none"),
        pytest.param("namespaces: 0", "pods: 7", id="a quota key outside the quota of a team"),
        pytest.param("payments: {}", "Payments: {}", id="a team that nobody can be called"),
        pytest.param("idleTtl: 8h", "idleTtl: never", id="an idle lifetime that is none"),
        pytest.param("v1alpha1", "v2", id="another version"),
    ],
)
def test_what_the_schema_refuses_the_parser_refuses(right: str, wrong: str) -> None:
    text = FULL.replace(right, wrong, 1)
    assert _problems(text)
    with pytest.raises(InvalidPolicyError):
        catalogue.parse(text)


def test_the_schema_knows_the_keys_that_the_parser_knows() -> None:
    properties: dict[str, Any] = SCHEMA["properties"]
    assert set(properties["policy"]["properties"]) == {"defaultTier", *POLICY_DEFAULTS}
    known = {*tiers.REQUIRED_KEYS, *tiers.OPTIONAL_KEYS}
    assert set(properties["tiers"]["additionalProperties"]["properties"]) == known
    assert set(properties["defaults"]["properties"]) == set(tiers.LIFE_KEYS)


def test_every_key_is_described() -> None:
    properties: dict[str, Any] = SCHEMA["properties"]
    for part in (properties["policy"], properties["tiers"]["additionalProperties"]):
        for key, value in part["properties"].items():
            described = value if "anyOf" not in value or "description" in value else value["anyOf"][0]
            assert described.get("description"), key


def test_the_published_file_is_fresh() -> None:
    assert json.loads(PAGE.read_text()) == SCHEMA, "run make docs"
