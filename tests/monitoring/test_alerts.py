"""The alerts, evaluated by Prometheus itself: each fires when it should, and keeps silent when it should."""

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.promql import ALERTS, Promtool, alerts

RULES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"


def _expectations(cases: Path) -> list[dict[str, Any]]:
    tests = yaml.safe_load(cases.read_text())["tests"]
    return list(chain.from_iterable(test["alert_rule_test"] for test in tests))


def test_prometheus_reads_every_rule(promtool: Promtool) -> None:
    assert f"SUCCESS: {len(alerts())} rules found" in promtool("check", "rules", "--lint-fatal", ALERTS)


@pytest.mark.parametrize("cases", RULES, ids=lambda path: path.stem)
def test_alerts_fire_and_keep_silent_as_described(promtool: Promtool, cases: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", cases)


def test_a_wrong_expectation_is_noticed(promtool: Promtool, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    text = RULES[0].read_text().replace("../../../charts/ns-provisioner/files/alerts.yaml", str(ALERTS))
    wrong.write_text(text.replace("severity: critical", "severity: harmless"))
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", wrong)


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_has_a_case_that_fires_it_and_one_that_does_not(alert: str) -> None:
    told = [each for cases in RULES for each in _expectations(cases) if each["alertname"] == alert]
    assert {bool(each["exp_alerts"]) for each in told} == {True, False}


@pytest.mark.parametrize("alert", alerts())
def test_each_alert_tells_what_is_wrong_how_bad_it_is_and_where_to_read_on(alert: str) -> None:
    rule = alerts()[alert]
    assert alert.startswith("NsProvisioner")
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{alert.lower()}"
    assert rule["for"]


def test_the_page_has_a_section_for_each_alert_and_for_no_other() -> None:
    headings = [
        line.removeprefix("### ") for line in PAGE.read_text().splitlines() if line.startswith("### ")
    ]
    assert headings == list(alerts())


@pytest.mark.parametrize("alert", alerts())
def test_the_table_of_the_page_has_severity_and_time_of_each_alert(alert: str) -> None:
    rule = alerts()[alert]
    time = "at once" if rule["for"] == "0m" else rule["for"]
    row = f"| [`{alert}`](#{alert.lower()}) | {rule['labels']['severity']} | {time} |"
    assert row in PAGE.read_text()
