"""docs/controller.md tells of every metric and every reason that there is, and of no others."""

import re
from pathlib import Path

from prometheus_client import Metric

from webhook import telemetry

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "controller.md").read_text()
_ELSEWHERE = ("nsp_admission_", "nsp_catalogue_", "nsp_certificate_")


def _exposed(family: Metric) -> str:
    return family.name + ("_total" if family.type == "counter" else "")


def test_every_metric_of_the_controller_stands_there_and_no_other() -> None:
    metrics = telemetry.Metrics()
    metrics.tell_namespaces(list)
    exposed = {_exposed(family) for family in metrics.registry.collect()}
    told = set(re.findall(r"`(nsp_[a-z_]+)", PAGE))
    assert told == {name for name in exposed if not name.startswith(_ELSEWHERE)}


def test_every_reason_stands_there_and_no_other() -> None:
    code = "".join(
        (ROOT / "webhook" / "controller" / name).read_text() for name in ("reconcile.py", "target.py")
    )
    given = set(re.findall(r'(?:not_ready\(|ConditionStatus\.[A-Z]+,)\s*"([A-Z][A-Za-z]+)"', code))
    table = PAGE[PAGE.index("| status |") : PAGE.index("Each change of reason")]
    assert set(re.findall(r"`([A-Z][A-Za-z]+)`", table)) == given
