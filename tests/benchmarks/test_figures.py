"""How measurements become figures: percentiles, verdicts, what counts as a Kubernetes client."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.admission import cpu, footprint, latency, report
from benchmarks.admission.reviews import LARGE, SMALL, Review
from benchmarks.admission.servers import address_in

_MICROSECOND = 1e-6


def _review(size: str) -> Review:
    return Review("validate", size, b"{}", Path("unused"))


@pytest.mark.parametrize(
    ("ours", "size", "met"),
    [
        pytest.param(17.4, SMALL, True, id="a small review within its target"),
        pytest.param(17.6, SMALL, False, id="a small review beyond it"),
        pytest.param(5.0, LARGE, True, id="a large review at its target"),
        pytest.param(5.1, LARGE, False, id="a large review beyond it"),
    ],
)
def test_processor_time_is_judged_by_the_median_ratio(ours: float, size: str, met: bool) -> None:
    rounds = [ours * _MICROSECOND, ours * _MICROSECOND, 99 * _MICROSECOND]
    row = cpu._row(_review(size), rounds, [10 * _MICROSECOND] * 3)
    assert row.met is met


@pytest.mark.parametrize(
    ("added", "met"),
    [pytest.param(1.24, True, id="within the target"), pytest.param(1.26, False, id="beyond it")],
)
def test_latency_is_judged_by_what_is_added_to_no_webhook(added: float, met: bool) -> None:
    latencies = {"none": [1.0] * 100, "constant": [2.0] * 100, "ours": [1.0 + added] * 100}
    assert latency._rows("somehow", latencies)[-1].met is met


def test_a_missed_target_is_written_large(capsys: pytest.CaptureFixture[str]) -> None:
    report.show([report.Row("a thing", "3", "2", "1.5", "<= 1", False), report.Row("another", "1")])
    heading, missed, plain = capsys.readouterr().out.splitlines()
    assert heading.split() == ["ours", "reference", "ratio", "target"]
    assert missed.split() == ["a", "thing", "3", "2", "1.5", "<=", "1", "MISSED"]
    assert plain == "another  1"


def test_a_spread_is_median_least_and_most() -> None:
    assert report.spread([3.0, 1.0, 2.0], ".1f", unit=" s") == "2.0 s (1.0-3.0)"


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = latency.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


@pytest.mark.parametrize(
    ("module", "client"),
    [
        pytest.param("kubernetes", True, id="the package"),
        pytest.param("kubernetes.client.models", True, id="a part of it"),
        pytest.param("aiohttp.client", True, id="what our transport is built on"),
        pytest.param("webhook.adapters.kube.transport", True, id="our transport"),
        pytest.param("webhook.adapters.tls", False, id="another adapter"),
        pytest.param("kubernetes_stubs", False, id="a name that only begins so"),
    ],
)
def test_what_counts_as_a_kubernetes_client(module: str, client: bool) -> None:
    account = f"import time:       512 |       1024 |   {module}\n".encode()
    assert [name.decode() for name in footprint._IMPORTED.findall(account)] == [module]
    assert bool(footprint._CLIENT.match(module)) is client


@pytest.mark.parametrize(
    ("log", "address"),
    [
        pytest.param(b"", None, id="nothing yet"),
        pytest.param(b'{"message":"listening","role":"admi', None, id="half a line"),
        pytest.param(b'{"message":"listening","role":"health","address":"a:1"}\n', None, id="another role"),
        pytest.param(
            b'words\n{"message":"listening","role":"admission","address":"a:2"}\n', "a:2", id="at last"
        ),
    ],
)
def test_a_server_says_where_it_listens(log: bytes, address: str | None) -> None:
    assert address_in(log) == address
