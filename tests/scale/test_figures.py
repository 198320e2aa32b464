"""How a run becomes figures: what is counted, what has grown, what was asked for."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.chaos.report import Report
from tools.scale import campaign, cli, counting, growth
from tools.scale.growth import Sample
from tools.scale.preload import Template, Text

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "total"),
    [
        pytest.param("", 0, id="a metric that is not there"),
        pytest.param("nsp_queue_depth 3.0\n", 3, id="without labels"),
        pytest.param('nsp_x_total{a="b"} 1.0\nnsp_x_total{a="c"} 2.0\n', 3, id="the sum of all labels"),
        pytest.param("# HELP nsp_x_total text\nnsp_x_total_created 9\nother 4\n", 0, id="names like it"),
    ],
)
def test_a_metric_is_summed_up(text: str, total: float) -> None:
    name = "nsp_queue_depth" if "depth" in text else "nsp_x_total"
    assert counting.total(text, name) == total


class CountedPlane:
    """Stands in for a plane whose API server counts."""

    def __init__(self, *counts: dict[tuple[str, str], int]) -> None:
        self._counts = iter(counts)

    def counters(self) -> dict[tuple[str, str], int]:
        return next(self._counts)


def test_only_writes_to_what_is_ours_and_only_new_ones_count() -> None:
    before = {("APPLY", "namespaces"): 2, ("PUT", "leases"): 1, ("POST", "configmaps"): 5}
    after = {
        ("APPLY", "namespaces"): 4,
        ("PUT", "leases"): 9,  # a leader renews
        ("POST", "configmaps"): 5,
        ("DELETE", "rolebindings"): 1,
        ("LIST", "namespaces"): 3,
    }
    since = counting.writes(CountedPlane(before, after))  # type: ignore[arg-type]
    assert since() == {"APPLY namespaces": 2, "DELETE rolebindings": 1}


def churned(rss: list[int], files: list[int], threads: list[int]) -> Report:
    report = Report("churn")
    samples = [Sample(*each) for each in zip((one * MIB for one in rss), files, threads, strict=True)]
    growth.tell(report, samples)
    return report


@pytest.mark.parametrize(
    ("rss", "files", "threads", "verdicts"),
    [
        pytest.param([50, 100, 100, 105], [9] * 4, [3] * 4, [True, True], id="flat after a warm-up"),
        pytest.param([100, 100, 100, 106], [9] * 4, [3] * 4, [False, True], id="memory grows"),
        pytest.param([100] * 4, [9, 9, 9, 18], [3] * 4, [True, False], id="open files grow"),
        pytest.param([100] * 4, [9] * 4, [3, 3, 3, 4], [True, False], id="threads grow"),
        pytest.param([100], [9], [3], [True, True], id="a single look"),
    ],
)
def test_growth_is_seen(rss: list[int], files: list[int], threads: list[int], verdicts: list[bool]) -> None:
    assert [row.kept for row in churned(rss, files, threads).rows] == verdicts


@given(st.lists(st.integers(), min_size=4).map(lambda values: [Sample(each, 0, 0) for each in values]))
def test_quarters_are_all_there_is(samples: list[Sample]) -> None:
    parts = [growth.quarter(samples, number) for number in range(4)]
    assert [each for part in parts for each in part] == samples


def test_a_process_can_be_looked_at() -> None:
    seen = growth.sample(os.getpid())
    assert seen.rss > MIB
    assert seen.files > 2
    assert seen.threads >= 1


@pytest.mark.parametrize(
    ("arguments", "namespaces", "churn"),
    [
        pytest.param([], campaign.FULL.namespaces, campaign.FULL.churn, id="nothing said"),
        pytest.param(["--short"], campaign.SHORT.namespaces, campaign.SHORT.churn, id="a short run"),
        pytest.param(["--namespaces", "7", "--minutes", "0.5"], 7, 30, id="a size of one's own"),
    ],
)
def test_the_command_line_chooses_a_size(arguments: list[str], namespaces: int, churn: float) -> None:
    size = cli.chosen(arguments)
    assert (size.namespaces, size.churn) == (namespaces, churn)


def test_a_copy_bears_its_own_name_and_a_uid_that_no_other_has() -> None:
    text = Text("/registry/configmaps/old/x", '{"namespace": "old", "team": "t-old", "uid": "u-1"}', "u-1")
    copies = [next(Template("old", (text,)).copy(name)) for name in ("new", "newer")]
    assert [key for key, _ in copies] == ["/registry/configmaps/new/x", "/registry/configmaps/newer/x"]
    assert b'"namespace": "new", "team": "t-new"' in copies[0][1]
    assert len({value[-40:] for _, value in copies}) == 2
    assert b"u-1" not in copies[0][1]
