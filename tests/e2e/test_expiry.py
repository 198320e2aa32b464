"""Namespaces end on a real control plane: those that are due, and no others."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import cluster
from tests.e2e.cluster import Manifest
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product

BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
LOOKS_SECONDS = 40.0
"""More than two looks of the controller take, on a busy machine."""

DELETED = 'nsp_expired_total{outcome="deleted"}'
REHEARSED = 'nsp_expired_total{outcome="dry_run"}'

IN_EARNEST = {"dryRun": False, "perMinute": 600, "maxPercent": 100}


def written(**rules: Any) -> str:
    """The built-in catalogue with rules of expiry, and a tier that ends namespaces without pods."""
    document = yaml.safe_load(BUILT_IN)
    document["expiry"] = {**IN_EARNEST, **rules}
    document["tiers"]["fleeting"] = {"extends": "small", "idleTtl": "4s"}
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


def living(name: str, ttl: str, **notes: str) -> Manifest:
    found = cluster.namespace(name, tier="small", team="payments")
    annotations = {f"platform/{key.replace('_', '-')}": value for key, value in notes.items()}
    found["metadata"]["annotations"] = {"platform/ttl": ttl, **annotations}
    return found


def create(plane: ControlPlane, manifest: Manifest) -> Manifest:
    status, answer = cluster.create(plane, manifest)
    assert status == 201, answer
    return answer


def live(plane: ControlPlane, name: str) -> Manifest | None:
    return cluster.get(plane, f"/api/v1/namespaces/{name}")


def stays(plane: ControlPlane, name: str) -> bool:
    found = live(plane, name)
    return found is not None and "deletionTimestamp" not in found["metadata"]


def gone(plane: ControlPlane, name: str) -> None:
    cluster.eventually(lambda: live(plane, name) is None, f"{name} to be gone", seconds=LOOKS_SECONDS)


def label(plane: ControlPlane, name: str) -> str | None:
    found = live(plane, name)
    assert found is not None
    text: str | None = found["metadata"]["labels"].get("platform/expires-at")
    return text


def metric(product: Product, name: str) -> float:
    _, text = product.health("nsp", "/metrics")
    found = re.search(rf"^{re.escape(name)} (.+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def become(product: Product, name: str, value: float) -> None:
    cluster.eventually(lambda: metric(product, name) == value, f"{name} {value}", seconds=LOOKS_SECONDS)


def extend(plane: ControlPlane, name: str, ttl: str) -> int:
    body = {"metadata": {"annotations": {"platform/ttl": ttl}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    return plane.api.send("PATCH", f"/api/v1/namespaces/{name}", body, headers=headers).status


def impose(product: Product, catalogue: Path, **rules: Any) -> None:
    """Change the rules, and wait until they are in force."""
    _, before = product.health("nsp", "/metrics")
    revision = re.findall(r"^nsp_catalogue_info.*$", before, re.MULTILINE)
    catalogue.write_text(written(**rules))
    cluster.eventually(
        lambda: (
            re.findall(r"^nsp_catalogue_info.*$", product.health("nsp", "/metrics")[1], re.MULTILINE)
            != revision
        ),
        "the new rules",
    )


def test_one_goes_when_it_is_due_and_those_that_are_not_to_go_stay(running: Product) -> None:
    """The others were due before it, so they would have gone first."""
    plane, before = running.plane, metric(running, DELETED)
    create(plane, living("guarded", "1s", deletion_protection="true"))
    create(plane, living("extended", "4s"))
    assert extend(plane, "extended", "1h") == 200
    create(plane, living("due", "5s"))
    gone(plane, "due")
    assert stays(plane, "guarded")
    assert stays(plane, "extended")
    become(running, DELETED, before + 1)
    cluster.new(plane, "due", tier="small", team="payments")
    assert label(plane, "due") is None, "what a new one of that name is born without"


def test_the_label_follows_the_annotation(plane: ControlPlane) -> None:
    created = create(plane, living("labelled", "1h"))["metadata"]["creationTimestamp"]
    first = cluster.eventually(lambda: label(plane, "labelled"), "the label")
    assert extend(plane, "labelled", "2h") == 200
    cluster.eventually(lambda: label(plane, "labelled") == str(int(first) + 3600), f"the end, from {created}")
    cluster.eventually(
        lambda: "in less than 24h" in cluster.condition(plane, "labelled").get("message", ""), "the notice"
    )
    plane.kubectl("annotate", "namespace", "labelled", "platform/ttl-")
    cluster.eventually(lambda: label(plane, "labelled") is None, "the label to go")


def test_a_dry_run_deletes_nothing_and_then_the_brake_holds_until_somebody_acts(
    running: Product, catalogue: Path
) -> None:
    plane, names = running.plane, ("first", "second", "third")
    impose(running, catalogue, dryRun=True)
    for name in names[:2]:
        create(plane, living(name, "1s"))
    become(running, REHEARSED, 2)
    impose(running, catalogue, maxPercent=1)
    create(plane, living("third", "1s"))
    become(running, "nsp_expiry_due", 3)  # so it has been looked at again, in earnest
    assert metric(running, "nsp_expiry_halted") == 1
    assert all(stays(plane, name) for name in names)
    for name in names[:2]:
        assert extend(plane, name, "1h") == 200
    gone(plane, "third")
    become(running, "nsp_expiry_halted", 0)
    assert all(stays(plane, name) for name in names[:2])


def test_one_without_pods_goes_and_one_with_a_pod_stays(plane: ControlPlane) -> None:
    for name in ("busy", "idle"):
        create(plane, cluster.namespace(name, tier="fleeting", team="payments"))
    _pod(plane, "busy")
    gone(plane, "idle")
    assert stays(plane, "busy")


def _pod(plane: ControlPlane, namespace: str) -> None:
    """It is never run, and counts from the moment it is there."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    cluster.eventually(lambda: cluster.get(plane, account), "the service account")
    cluster.provisioned(plane, namespace)
    container = {"name": "one", "image": "none", "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}}
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [container]}}
    answer = plane.api.send("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    assert answer.status == 201, answer.body
