"""Failed calls are read off the API server's own metrics."""

import pytest

from tools.chaos import hooks
from tools.chaos.hooks import FailedCalls
from tools.chaos.report import Report

REJECTED = (
    'apiserver_admission_webhook_rejection_count{{error_type="{}",name="validate.ns-provisioner.io",'
    'operation="CREATE",rejection_code="0",type="validating"}} {}'
)
SKIPPED = 'apiserver_admission_webhook_fail_open_count{{name="{}",type="admit"}} {}'


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([], FailedCalls(0, 0), id="counters that are not there"),
        pytest.param(
            [REJECTED.format("calling_webhook_error", "2")], FailedCalls(2, 0), id="calls that failed"
        ),
        pytest.param([REJECTED.format("no_error", "7")], FailedCalls(0, 0), id="denials are answers"),
        pytest.param(
            [
                REJECTED.format("calling_webhook_error", "1e+06"),
                SKIPPED.format("a", 3),
                SKIPPED.format("b", 4),
            ],
            FailedCalls(1_000_000, 7),
            id="several hooks together",
        ),
        pytest.param(
            ["# HELP apiserver_admission_webhook_fail_open_count {} 9"], FailedCalls(0, 0), id="a comment"
        ),
    ],
)
def test_the_metrics_are_read(lines: list[str], found: FailedCalls) -> None:
    text = "\n".join(['up{job="x"} 1', *lines, "process_open_fds 12", ""])
    assert hooks.parse(text) == found


def test_only_what_has_failed_since_counts() -> None:
    assert FailedCalls(5, 3).since(FailedCalls(4, 3)) == FailedCalls(1, 0)


@pytest.mark.parametrize("failed", [FailedCalls(1, 0), FailedCalls(0, 1)], ids=["refused", "skipped"])
def test_one_failed_call_is_a_missed_target(failed: FailedCalls) -> None:
    report = Report("a campaign")
    hooks.tell(report, failed)
    assert not report.kept
