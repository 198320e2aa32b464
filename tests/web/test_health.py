"""The side port."""

import pytest

from tests.web.builders import client
from webhook import telemetry
from webhook.web import app, health


def _get(path: str, checks: dict[str, health.Check] | None = None) -> tuple[int, str, str]:
    metrics = telemetry.Metrics()
    metrics.violations.labels("tier-exists").inc()
    answer = client(app.build(health.routes(checks or {}, metrics))).get(path)
    return answer.status_code, answer.headers["content-type"], answer.text


PLAIN = "text/plain; charset=utf-8"


def test_alive_whatever_the_checks_say() -> None:
    assert _get("/livez", {"api": lambda: "not serving"}) == (200, PLAIN, "ok\n")


@pytest.mark.parametrize(
    ("checks", "status", "text"),
    [
        pytest.param({"a": None, "b": None}, 200, "[+]a ok\n[+]b ok\n", id="all is well"),
        pytest.param({"a": None, "b": "not serving"}, 503, "[+]a ok\n[-]b: not serving\n", id="one is not"),
        pytest.param({}, 200, "\n", id="nothing to check"),
    ],
)
def test_ready_when_every_check_is_well(checks: dict[str, str | None], status: int, text: str) -> None:
    def always(finding: str | None) -> health.Check:
        return lambda: finding

    made = {name: always(finding) for name, finding in checks.items()}
    assert _get("/readyz", made) == (status, PLAIN, text)


def test_metrics() -> None:
    status, content_type, text = _get("/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'nsp_admission_violations_total{rule="tier-exists"} 1.0' in text.splitlines()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert families
    assert all(family.startswith("nsp_") for family in families)


def test_nothing_else() -> None:
    assert _get("/")[0] == 404
    assert _get("/mutate")[0] == 404
