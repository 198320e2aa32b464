"""What the pods of the chart may do, need and are called with."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart import rendering
from webhook import settings
from webhook.core.model import Manifest

_API = ["api.enabled=true", "api.tokensSecretName=tokens"]


@pytest.fixture(scope="module")
def rendered() -> list[Manifest]:
    return rendering.render(*rendering.sets(_API))


@pytest.fixture(scope="module")
def deployments(rendered: list[Manifest]) -> dict[str, Manifest]:
    found = rendering.kinds(rendered, "Deployment")
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in found}


def _pods(rendered: list[Manifest]) -> Iterator[Any]:
    for each in rendering.kinds(rendered, "Deployment"):
        yield each["spec"]["template"]["spec"]
    yield rendering.named(rendered, "Pod")["spec"]


def test_every_pod_keeps_to_the_restricted_profile_with_a_read_only_root(rendered: list[Manifest]) -> None:
    for pod in _pods(rendered):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()


def test_the_admission_pair_has_no_credentials(deployments: dict[str, Manifest]) -> None:
    pod = deployments["admission"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} == {"configMap", "secret"}


@pytest.mark.parametrize("component", ["controller", "api"])
def test_the_others_have_a_token_of_an_hour_and_nothing_mounted_by_itself(
    deployments: dict[str, Manifest], component: str
) -> None:
    pod = deployments[component]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    (projected,) = (volume["projected"] for volume in pod["volumes"] if "projected" in volume)
    (token,) = (each["serviceAccountToken"] for each in projected["sources"] if "serviceAccountToken" in each)
    assert token == {"path": "token", "expirationSeconds": 3600}


@pytest.mark.parametrize("component", settings.ROLES)
def test_it_is_called_with_arguments_that_it_knows(deployments: dict[str, Manifest], component: str) -> None:
    (container,) = deployments[component]["spec"]["template"]["spec"]["containers"]
    verb, *flags = container["args"]
    given = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    assert verb == "serve"
    loaded = settings.load(given, {each["name"]: each["value"] for each in container["env"]})
    assert loaded.roles == {component}
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    own = {"admission": {"webhook": loaded.admission_listen.port}, "api": {"http": loaded.api_listen.port}}
    assert ports == {"health": loaded.health_listen.port, **own.get(component, {})}
    mounts = [each["mountPath"] for each in container["volumeMounts"]]
    files = [loaded.catalogue, loaded.tls_cert, loaded.tls_key, loaded.api_tokens]
    for file in filter(None, files):
        assert str(file.parent) in mounts


def test_the_pair_is_given_longer_to_go_than_it_drains(deployments: dict[str, Manifest]) -> None:
    (grace,) = (int(each.default or "") for each in settings.SERVE if each.name == "drain-grace")
    assert deployments["admission"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace + 10


def test_selectors_are_a_small_fixed_set_and_find_their_pods(deployments: dict[str, Manifest]) -> None:
    for component, each in deployments.items():
        selector = each["spec"]["selector"]["matchLabels"]
        assert selector == {
            "app.kubernetes.io/name": "ns-provisioner",
            "app.kubernetes.io/instance": "ns-provisioner",
            "app.kubernetes.io/component": component,
        }
        assert selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()


def test_every_service_finds_pods_and_a_port_of_theirs(
    rendered: list[Manifest], deployments: dict[str, Manifest]
) -> None:
    services = rendering.kinds(rendered, "Service")
    assert len(services) == 5
    for service in services:
        (found,) = (
            each["spec"]["template"]
            for each in deployments.values()
            if service["spec"]["selector"].items() <= each["spec"]["template"]["metadata"]["labels"].items()
        )
        names = {port["name"] for port in found["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_labels_of_people_do_not_take_the_place_of_those_that_select() -> None:
    name = "app\\.kubernetes\\.io/name"
    values = [f"admission.podLabels.{name}=other", f"commonLabels.{name}=other", "commonLabels.team=platform"]
    deployment = rendering.named(
        rendering.render(*rendering.sets(values)), "Deployment", "ns-provisioner-admission"
    )
    found = deployment["spec"]["template"]["metadata"]["labels"]
    assert (found["app.kubernetes.io/name"], found["team"]) == ("ns-provisioner", "platform")
