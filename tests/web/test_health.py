"""The side port."""

import pytest

from tests.web.builders import client
from webhook import telemetry
from webhook.web import app, health


def _get(path: str, checks: dict[str, health.Check] | None = None) -> tuple[int, str, str]:
    metrics = telemetry.Metrics()
    metrics.violations.labels("tier-exists", "enforce").inc()
    informers = {"c": lambda: "42 days left"}
    answer = client(app.build(health.routes(checks or {}, metrics, informers))).get(path)
    return answer.status_code, answer.headers["content-type"], answer.text


PLAIN = "text/plain; charset=utf-8"


def test_alive_whatever_the_checks_say() -> None:
    assert _get("/livez", {"api": lambda: "not serving"}) == (200, PLAIN, "ok\n")


def _always(finding: str | None) -> health.Check:
    return lambda: finding


WELL = "[+]a ok\n[+]b ok\n[ ]c: 42 days left\nreadyz check passed\n"
NOT_WELL = "[+]a ok\n[-]b: not serving\n[ ]c: 42 days left\nreadyz check failed\n"


@pytest.mark.parametrize(
    ("path", "checks", "status", "text"),
    [
        pytest.param("/readyz", {"a": None, "b": None}, 200, "ok\n", id="all is well"),
        pytest.param("/readyz?verbose", {"a": None, "b": None}, 200, WELL, id="all is well, in detail"),
        pytest.param("/readyz?verbose=true", {"a": None, "b": None}, 200, WELL, id="whatever verbose is"),
        pytest.param("/readyz", {"a": None, "b": "not serving"}, 503, NOT_WELL, id="one is not"),
        pytest.param("/readyz?verbose", {"a": None, "b": "not serving"}, 503, NOT_WELL, id="nor in detail"),
        pytest.param("/readyz", {}, 200, "ok\n", id="nothing to check"),
    ],
)
def test_ready_when_every_check_is_well(
    path: str, checks: dict[str, str | None], status: int, text: str
) -> None:
    made = {name: _always(finding) for name, finding in checks.items()}
    assert _get(path, made) == (status, PLAIN, text)


def test_metrics() -> None:
    status, content_type, text = _get("/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'nsp_admission_violations_total{mode="enforce",rule="tier-exists"} 1.0' in text.splitlines()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert families
    assert all(family.startswith("nsp_") for family in families)


@pytest.mark.parametrize("path", ["/", "/mutate", "/readyz/"])
def test_nothing_else(path: str) -> None:
    assert _get(path) == (404, PLAIN, f'"GET {path}": not found\n')
