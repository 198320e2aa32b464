"""The table that a person reads, and the verdict that the exit code tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.chaos.report import Report, percentile, spread

VALUES = st.lists(st.floats(0, 1e6), min_size=1)


def test_the_table_puts_figures_beside_targets() -> None:
    report = Report("a campaign")
    report.tell("told", "1")
    report.check("kept", "22", "30", kept=True)
    report.check("missed", "333", "30", kept=False)
    report.notes.append("why it was missed")
    assert str(report).splitlines() == [
        "a campaign",
        "told    1",
        "kept    22   30  ok",
        "missed  333  30  MISSED",
        "why it was missed",
    ]


@pytest.mark.parametrize(
    ("verdicts", "kept"),
    [
        pytest.param([], True, id="nothing asked is nothing missed"),
        pytest.param([True, True], True, id="all targets kept"),
        pytest.param([True, False], False, id="one target missed"),
    ],
)
def test_a_report_is_kept_when_every_target_is(verdicts: list[bool], kept: bool) -> None:
    report = Report("a campaign")
    for verdict in verdicts:
        report.check("figure", "1", "1", kept=verdict)
    assert report.kept == kept


@given(values=VALUES, share=st.floats(0, 1))
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


@given(VALUES)
def test_the_whole_is_the_maximum(values: list[float]) -> None:
    assert percentile(values, 1) == max(values)


def test_no_values_have_no_percentile_to_fail_on() -> None:
    assert percentile([], 0.99) == 0
    assert spread([]) == "p50 0.0, p99 0.0, most 0 ms"
