"""Alerts and dashboards ask for nothing that nobody tells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from tests.monitoring.promql import Selector, dashboard_expressions, expressions, names, selectors
from webhook import telemetry

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "monitoring.md"

FOREIGN = {
    "up": "Prometheus itself: whether a scrape succeeded",
    "apiserver_admission_webhook_admission_duration_seconds_bucket": "the whole call, with network and TLS",
    "apiserver_admission_webhook_rejection_count": "a call that does not reach us is counted there alone",
    "apiserver_admission_webhook_fail_open_count": "the same, for hooks with failurePolicy Ignore",
    "kube_deployment_spec_replicas": "kube-state-metrics: pods that were never made cannot tell of it",
    "kube_deployment_status_replicas_available": "the same",
    "kube_validatingwebhookconfiguration_info": "kube-state-metrics: no process of ours sees it",
    "kube_mutatingwebhookconfiguration_info": "the same",
    "kube_namespace_created": "kube-state-metrics: a sign that it is there at all",
}
"""By name, why it is not one of ours."""

_TARGET = {"namespace", "job", "pod", "instance"}
"""What Prometheus adds to each series of ours."""


def _ours() -> Iterator[tuple[str, set[str]]]:
    """The metrics of ours as a scrape names them, with their labels; of a histogram its buckets."""
    yield "nsp_namespace_info", {"team", "tier"}
    for each in vars(telemetry.Metrics()).values():
        if isinstance(each, MetricWrapperBase):
            [family] = each.describe()
            ending = {"counter": "_total", "histogram": "_bucket"}.get(family.type, "")
            yield family.name + ending, {*each._labelnames, *(["le"] if ending == "_bucket" else [])}


OURS = dict(_ours())
_SELECTORS = sorted({each for expr in expressions() for each in selectors(expr)}, key=str)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up", {"up"}),
        ('sum by (job) (rate(a_total{b="c{d}"}[5m])) / on (x) group_left (y) b > 0.5', {"a_total", "b"}),
        ("histogram_quantile(0.9, sum by (le) (rate(h_bucket[1h] offset 5m)))", {"h_bucket"}),
        ("a unless on (x) b or vector(0) and c", {"a", "b", "c"}),
    ],
)
def test_the_metrics_of_an_expression(expr: str, expected: set[str]) -> None:
    assert names(expr) == expected


def test_every_metric_that_is_asked_for_exists() -> None:
    asked = set().union(*map(names, expressions()))
    assert asked - set(OURS) == set(FOREIGN)


@pytest.mark.parametrize("selector", [each for each in _SELECTORS if each.metric in OURS], ids=str)
def test_every_label_that_is_asked_for_exists(selector: Selector) -> None:
    assert {label for label, _ in selector.values} <= OURS[selector.metric] | _TARGET


@pytest.mark.parametrize("selector", [each for each in _SELECTORS if each.metric in OURS], ids=str)
def test_every_value_that_is_asked_for_is_given_somewhere(selector: Selector) -> None:
    code = "".join(path.read_text() for path in sorted((ROOT / "webhook").rglob("*.py")))
    for label, value in selector.values:
        assert label in _TARGET or f'"{value}"' in code, f"nobody gives {label}={value}"


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    shown = set().union(*map(names, dashboard_expressions()))
    assert set(OURS) <= shown


def test_every_metric_of_ours_stands_on_the_page_and_no_other() -> None:
    table = PAGE.read_text().partition("## Metrics")[2]
    told = set(re.findall(r"^\| `(nsp_[a-z_]+)`", table, re.MULTILINE))
    assert told == {name.removesuffix("_bucket") for name in OURS}
