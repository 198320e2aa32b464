"""Changes of tier and catalogue on a real control plane, quota counted by Kubernetes itself."""

import os
import subprocess
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import cluster
from tests.e2e.cluster import Manifest
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product, nsp
from webhook.codec.catalogue import parse

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
NOTE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"tier": "${tier}"}}


def written(*, pods: int = 20, strategy: str = "auto", **policy: Any) -> str:
    """The built-in catalogue; `small` has a note and a quota of `pods` alone."""
    document = yaml.safe_load(BUILT_IN)
    document["rollout"] = {"strategy": strategy, "perMinute": 600}
    document["policy"] |= policy
    document["tiers"]["small"]["extraManifests"] = [NOTE]
    document["tiers"]["small"]["quota"] = {"pods": pods}
    return yaml.safe_dump(document)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.yaml"
    path.write_text(written())
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Product]:
    with cluster.installed(tmp_path_factory.mktemp("product"), catalogue) as product:
        yield product


@pytest.fixture
def plane(running: Product) -> ControlPlane:
    return running.plane


@pytest.fixture
def put_in_force(running: Product, catalogue: Path) -> Callable[..., None]:
    """Writes the catalogue and waits until the product has it."""

    def put(**changes: Any) -> None:
        text = written(**changes)
        catalogue.write_text(text)
        sample = f'nsp_catalogue_info{{revision="{parse(text).revision}"}} 1.0'
        cluster.eventually(lambda: sample in running.health("nsp", "/metrics")[1], "the catalogue")

    return put


def relabel(plane: ControlPlane, name: str, tier: str) -> None:
    plane.kubectl("label", "--overwrite", "namespace", name, f"platform/tier={tier}")


def annotate(plane: ControlPlane, name: str, **annotations: str) -> None:
    given = [f"platform/{key}={value}" for key, value in annotations.items()]
    plane.kubectl("annotate", "--overwrite", "namespace", name, *given)


def until_reason(plane: ControlPlane, name: str, reason: str) -> str:
    """The message of the condition, once its reason is this."""
    cluster.eventually(lambda: cluster.condition(plane, name).get("reason") == reason, f"{name}: {reason}")
    return str(cluster.condition(plane, name)["message"])


def quota(plane: ControlPlane, name: str) -> dict[str, str]:
    live = cluster.get(plane, f"/api/v1/namespaces/{name}/resourcequotas/default")
    assert live is not None
    hard: dict[str, str] = live["spec"]["hard"]
    return hard


def events(plane: ControlPlane, name: str) -> list[str]:
    answer: Manifest = plane.api.get(f"/api/v1/namespaces/{name}/events").json()
    return [each["reason"] for each in answer["items"]]


def pods_in_use(plane: ControlPlane, name: str, count: int) -> None:
    """Pods that nobody starts, and that Kubernetes' own quota controller has counted."""
    for number in range(count):
        container = {"name": "main", "image": "example.com/none"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}"}}
        spec: Manifest = {"containers": [container], "automountServiceAccountToken": False}
        path = f"/api/v1/namespaces/{name}/pods"
        assert plane.api.send("POST", path, {**pod, "spec": spec}).status == 201

    def counted() -> bool:
        live = cluster.get(plane, f"/api/v1/namespaces/{name}/resourcequotas/default") or {}
        return bool(live.get("status", {}).get("used", {}).get("pods") == str(count))

    cluster.eventually(counted, "the pods to be counted")


def test_what_only_the_former_tier_had_is_pruned_and_the_change_is_told(plane: ControlPlane) -> None:
    cluster.new(plane, "pruned", tier="small")
    note = "/api/v1/namespaces/pruned/configmaps/note"
    assert cluster.get(plane, note) is not None
    relabel(plane, "pruned", "medium")
    cluster.eventually(lambda: cluster.get(plane, note) is None, "the note to be pruned")
    assert quota(plane, "pruned")["pods"] == "100"
    cluster.eventually(lambda: "TierChanged" in events(plane, "pruned"), "the Event")


def test_an_object_that_somebody_gave_our_labels_is_not_pruned(plane: ControlPlane) -> None:
    cluster.new(plane, "copied", tier="medium")
    copy = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "mine",
            "labels": {"app.kubernetes.io/managed-by": "ns-provisioner", "platform/tier-revision": "x"},
        },
    }
    assert plane.api.send("POST", "/api/v1/namespaces/copied/configmaps", copy).status == 201
    message = until_reason(plane, "copied", "ForeignObject")
    assert "it has our labels and was not made by ns-provisioner" in message
    assert cluster.get(plane, "/api/v1/namespaces/copied/configmaps/mine") is not None


def test_a_tier_with_less_than_is_in_use_waits_until_it_is_forced(
    plane: ControlPlane, put_in_force: Callable[..., None]
) -> None:
    put_in_force(pods=1)
    cluster.new(plane, "crowded", tier="large")
    pods_in_use(plane, "crowded", 3)
    relabel(plane, "crowded", "small")
    message = until_reason(plane, "crowded", "BelowUsage")
    assert "pods 3 in use, limit 1" in message
    assert quota(plane, "crowded")["pods"] == "500"
    cluster.eventually(lambda: "BelowUsage" in events(plane, "crowded"), "the Event")
    annotate(plane, "crowded", force="small")
    cluster.eventually(lambda: quota(plane, "crowded")["pods"] == "1", "the forced tier")
    until_reason(plane, "crowded", "BundleComplete")


def test_by_hand_a_changed_tier_waits_for_the_annotation(
    running: Product, plane: ControlPlane, catalogue: Path, put_in_force: Callable[..., None]
) -> None:
    put_in_force(pods=20, strategy="manual")
    cluster.new(plane, "first", tier="small")
    cluster.new(plane, "second", tier="small")
    put_in_force(pods=30, strategy="manual")
    told = until_reason(plane, "first", "RolloutPending")
    until_reason(plane, "second", "RolloutPending")
    revision = told.split()[-2]
    shown = impact(running, catalogue)
    assert f"tier small, revision {revision}:" in shown
    assert "second" in shown
    plane.kubectl("delete", "limitrange", "default", "-n", "second")
    cluster.eventually(
        lambda: cluster.get(plane, "/api/v1/namespaces/second/limitranges/default"), "drift to be repaired"
    )
    annotate(plane, "first", revision=revision)
    cluster.eventually(lambda: quota(plane, "first")["pods"] == "30", "the new revision")
    assert quota(plane, "second")["pods"] == "20"
    put_in_force(pods=30, strategy="auto")
    cluster.eventually(lambda: quota(plane, "second")["pods"] == "30", "its turn")


def impact(running: Product, catalogue: Path) -> str:
    kubeconfig = str(running.plane.kubeconfig)
    command = [nsp(), "catalogue", "impact", str(catalogue), "--kubeconfig", kubeconfig]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
    return done.stdout


def test_a_namespace_without_our_label_says_that_nobody_manages_it(plane: ControlPlane) -> None:
    cluster.new(plane, "released", tier="medium")
    plane.kubectl("label", "namespace", "released", "app.kubernetes.io/managed-by-")
    until_reason(plane, "released", "NotManaged")
    plane.kubectl("label", "namespace", "released", "app.kubernetes.io/managed-by=ns-provisioner")
    until_reason(plane, "released", "BundleComplete")


@pytest.mark.parametrize(("adoption", "reason"), [("Never", "ForeignObject"), ("Always", "BundleComplete")])
def test_a_foreign_object_in_our_place(
    plane: ControlPlane, put_in_force: Callable[..., None], adoption: str, reason: str
) -> None:
    """A namespace that was there before, with a quota of somebody's own."""
    name = f"brownfield-{adoption.lower()}"
    put_in_force(adoption=adoption, unlabelled="ignore")
    status, made = cluster.create(plane, cluster.namespace(name))
    assert status == 201
    assert "app.kubernetes.io/managed-by" not in made["metadata"]["labels"]
    plane.kubectl("create", "quota", "default", "-n", name, "--hard=pods=3")
    labels = ["platform/tier=medium", f"platform/team={name}", "app.kubernetes.io/managed-by=ns-provisioner"]
    plane.kubectl("label", "namespace", name, *labels, "pod-security.kubernetes.io/enforce=baseline")
    until_reason(plane, name, reason)
    assert quota(plane, name)["pods"] == ("3" if adoption == "Never" else "100")
