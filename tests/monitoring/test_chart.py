"""What the chart brings for Prometheus and Grafana, as the real helm renders it."""

import pytest
import yaml

from tests.chart import rendering
from tests.monitoring.promql import ALERTS, DASHBOARDS
from webhook.core.model import Manifest

_KINDS = ("ServiceMonitor", "PrometheusRule")


def _rendered(switch: str, *values: str) -> list[Manifest]:
    """With one of the switches on, and values below it."""
    own = (f"{switch}.enabled=true", *(f"{switch}.{value}" for value in values))
    return rendering.render(*rendering.sets([f"monitoring.{value}" for value in own]))


def _dashboards(manifests: list[Manifest]) -> list[Manifest]:
    maps = rendering.kinds(manifests, "ConfigMap")
    return [each for each in maps if "dashboard" in each["metadata"]["name"]]


def test_nothing_of_it_comes_unasked() -> None:
    found = rendering.render()
    assert not rendering.kinds(found, *_KINDS)
    assert not _dashboards(found)


def test_the_alerts_arrive_as_they_are_in_the_file() -> None:
    rule = rendering.named(_rendered("prometheusRule"), "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())


def test_the_dashboards_arrive_as_they_are_in_the_files() -> None:
    found = _dashboards(_rendered("dashboards"))
    content = {name: text for each in found for name, text in each["data"].items()}
    assert content == {f"ns-provisioner-{path.name}": path.read_text() for path in DASHBOARDS}
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in found} == {"1"}
    assert all(len(text) < 900_000 for text in content.values())  # a ConfigMap holds 1 MiB


def test_what_is_scraped_are_the_metrics_services_and_no_others() -> None:
    found = _rendered("serviceMonitor", "interval=15s")
    monitor = rendering.named(found, "ServiceMonitor")["spec"]
    [endpoint] = monitor["endpoints"]
    assert endpoint == {"port": "health", "path": "/metrics", "interval": "15s", "scrapeTimeout": "10s"}
    wanted = monitor["selector"]["matchLabels"].items()
    matched = [
        each["metadata"]["name"]
        for each in rendering.kinds(found, "Service")
        if wanted <= each["metadata"]["labels"].items()
        and any(port["name"] == endpoint["port"] for port in each["spec"]["ports"])
    ]
    assert sorted(matched) == ["ns-provisioner-admission-metrics", "ns-provisioner-controller-metrics"]


@pytest.mark.parametrize("switch", ["serviceMonitor", "prometheusRule", "dashboards"])
def test_labels_and_annotations_of_the_user_come_beside_ours(switch: str) -> None:
    found = _rendered(switch, "labels.release=kps", "annotations.folder=Platform")
    made = [*rendering.kinds(found, *_KINDS), *_dashboards(found)]
    assert made
    for each in (manifest["metadata"] for manifest in made):
        assert (
            each["labels"].items() >= {"release": "kps", "app.kubernetes.io/name": "ns-provisioner"}.items()
        )
        assert each["annotations"] == {"folder": "Platform"}
        assert each["namespace"] == rendering.NAMESPACE
