"""The admission pair as the API server sees it: where it calls, and which calls have failed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tools.chaos.report import Report
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.core import labels

_SAMPLE = re.compile(r"^(\w+)\{([^}]*)\} (\S+)$", re.MULTILINE)


class FailedCalls(NamedTuple):
    """Since the API server's start."""

    refused: int
    """Calls that failed and so refused the write (failurePolicy Fail)."""
    skipped: int
    """Calls that failed and were passed over (failurePolicy Ignore)."""

    def since(self, before: "FailedCalls") -> "FailedCalls":
        return FailedCalls(self.refused - before.refused, self.skipped - before.skipped)


_KINDS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


@contextmanager
def none_left(plane: ControlPlane) -> Iterator[None]:
    """Whatever the block registers is taken away again at its end, or the plane would take no namespace."""
    try:
        yield
    finally:
        for kind in _KINDS:
            plane.kubectl("delete", kind, labels.MANAGER, "--ignore-not-found")


def failed_calls(plane: ControlPlane) -> FailedCalls:
    answer = plane.api.get("/metrics")
    if answer.status != 200:
        raise ControlPlaneError(f"the API server's metrics cannot be read (status {answer.status})")
    return parse(answer.body.decode())


def tell(report: Report, failed: FailedCalls) -> None:
    """The API server's own count."""
    report.check("failed calls that refused a write", str(failed.refused), "0", kept=not failed.refused)
    report.check("failed calls that were passed over", str(failed.skipped), "0", kept=not failed.skipped)


def parse(metrics: str) -> FailedCalls:
    """From the API server's exposition; a counter that is not there has counted nothing."""
    samples = _SAMPLE.findall(metrics)
    return FailedCalls(
        refused=sum(
            int(float(value))
            for name, labels, value in samples
            if name == "apiserver_admission_webhook_rejection_count"
            and 'error_type="calling_webhook_error"' in labels
        ),
        skipped=sum(
            int(float(value))
            for name, labels, value in samples
            if name == "apiserver_admission_webhook_fail_open_count"
        ),
    )
