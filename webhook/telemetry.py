"""Metrics and log lines: how the process tells what it does.

One JSON object a line on standard error; the message is a constant, what varies is in the fields.
Tokens and request bodies never go in; what a user sent is in there quoted and cut, as in a denial.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

import msgspec
import prometheus_client
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_REVIEW_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 3)
"""Seconds; up to the webhooks' timeout of 3 s."""

_READY_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
"""Seconds from a namespace's creation to its complete bundle."""


@dataclass(frozen=True, slots=True)
class Log:
    """Writes structured lines, stamped with what `now` says (UTC)."""

    now: Callable[[], datetime]
    stream: TextIO = sys.stderr

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        entry = {"time": _rfc3339(self.now()), "level": level, "message": message, **fields}
        self.stream.write(msgspec.json.encode(entry, enc_hook=str).decode() + "\n")
        self.stream.flush()


class LibraryLogHandler(logging.Handler):
    """Brings the warnings of the libraries we use into the same stream and form."""

    def __init__(self, log: Log) -> None:
        super().__init__(level=logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "detail": record.getMessage()}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._log.error("library message", **fields)


class Metrics:
    """The metrics of one process, in a registry of their own. Names begin with `nsp_`."""

    def __init__(self) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.reviews = Counter(
            "nsp_admission_reviews",
            "Reviews answered, by endpoint, operation and verdict.",
            ("endpoint", "operation", "verdict"),
            registry=self.registry,
        )
        self.review_seconds = Histogram(
            "nsp_admission_review_seconds",
            "Time from the complete request body to the answer.",
            buckets=_REVIEW_BUCKETS,
            registry=self.registry,
        )
        self.violations = Counter(
            "nsp_admission_violations",
            "Rules broken, by rule; tolerated where the policy does not enforce the rule.",
            ("rule", "mode"),
            registry=self.registry,
        )
        self.refused_connections = Counter(
            "nsp_admission_refused_connections",
            "Connections to the admission pair that were closed unserved, by reason.",
            ("reason",),
            registry=self.registry,
        )
        self.certificate_expiry = Gauge(
            "nsp_certificate_expiry_timestamp_seconds",
            "When the serving certificate ends (Unix time).",
            registry=self.registry,
        )
        self.certificate_reloads = Counter(
            "nsp_certificate_reloads",
            "New serving certificates seen, by result; on a failure the old one stays.",
            ("result",),
            registry=self.registry,
        )
        self.catalogue_info = Gauge(
            "nsp_catalogue_info",
            "1 for the revision of the tier catalogue in force.",
            ("revision",),
            registry=self.registry,
        )
        self.catalogue_reload_success = Gauge(
            "nsp_catalogue_reload_success",
            "Whether the catalogue file as it is now is in force; on a failure the old one stays.",
            registry=self.registry,
        )
        self.reconciles = Counter(
            "nsp_reconciles", "Passes over a namespace, by result.", ("result",), registry=self.registry
        )
        self.writes = Counter(
            "nsp_bundle_writes",
            "Bundle objects written, by kind and action.",
            ("kind", "action"),
            registry=self.registry,
        )
        self.repairs = Counter(
            "nsp_drift_repairs",
            "Bundle objects of complete namespaces put right, by kind and action.",
            ("kind", "action"),
            registry=self.registry,
        )
        self.last_success = Gauge(
            "nsp_last_successful_pass_timestamp_seconds",
            "When a pass last found or left a namespace of the tier complete (Unix time).",
            ("tier",),
            registry=self.registry,
        )
        self.conflicts = Counter(
            "nsp_write_conflicts",
            "Writes that met another writer's and were planned anew, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self.rollout_waiting = Gauge(
            "nsp_rollout_waiting",
            "Namespaces whose turn to follow a changed tier has not come yet.",
            registry=self.registry,
        )
        self.events = Counter(
            "nsp_events", "Kubernetes Events, by what became of them.", ("result",), registry=self.registry
        )
        self.expired = Counter(
            "nsp_expired",
            "Namespaces whose time was over, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self.expiry_due = Gauge(
            "nsp_expiry_due", "Namespaces that are there though their time is over.", registry=self.registry
        )
        self.expiry_halted = Gauge(
            "nsp_expiry_halted",
            "1 while nothing is deleted because too many namespaces are due at once.",
            registry=self.registry,
        )
        self.clock_offset = Gauge(
            "nsp_clock_offset_seconds",
            "How far the leader's clock is ahead of the API server's (negative: behind).",
            registry=self.registry,
        )
        self.ready_seconds = Histogram(
            "nsp_time_to_ready_seconds",
            "From a namespace's creation (whole seconds) to its bundle, where nothing was in the way.",
            buckets=_READY_BUCKETS,
            registry=self.registry,
        )
        self.budget_waiting = Gauge(
            "nsp_budget_waiting",
            "Namespaces that wait for room in the budget of their team, or for more room.",
            registry=self.registry,
        )
        self.queue_depth = Gauge("nsp_queue_depth", "Namespaces waiting for a pass.", registry=self.registry)
        self.queue_oldest = Gauge(
            "nsp_queue_oldest_seconds",
            "How long the namespace that has waited longest for a pass has done so.",
            registry=self.registry,
        )
        self.leader = Gauge(
            "nsp_leader", "Whether this process leads (1) or not (0).", registry=self.registry
        )
        self.leadership_changes = Counter(
            "nsp_leadership_changes",
            "Terms of this process gained, lost, and released.",
            ("change",),
            registry=self.registry,
        )
        self.api_requests = Counter(
            "nsp_api_requests",
            "Calls to the API server by verb and HTTP status; 0 where there was no answer.",
            ("verb", "code"),
            registry=self.registry,
        )
        self.api_writes_limit = Gauge(
            "nsp_api_writes_limit",
            "How many writes may be under way at once, as the API server bears it.",
            registry=self.registry,
        )
        self.api_throttled = Counter(
            "nsp_api_throttled",
            "Calls that the API server was too busy for: 429, 503, 504, or no answer in time.",
            registry=self.registry,
        )
        self.watch_restarts = Counter(
            "nsp_watch_restarts",
            "Watches begun anew, by kind and reason.",
            ("kind", "reason"),
            registry=self.registry,
        )
        self.relists = Counter(
            "nsp_relists",
            "Times that everything of a kind was read again after the first time, by kind and reason.",
            ("kind", "reason"),
            registry=self.registry,
        )
        self.watch_silence = Gauge(
            "nsp_watch_silence_seconds",
            "How long ago the API server said something on the watch, be it a bookmark.",
            ("kind",),
            registry=self.registry,
        )
        self.store_objects = Gauge(
            "nsp_store_objects", "Objects in memory, by kind.", ("kind",), registry=self.registry
        )

    def catalogue_loaded(self, revision: str) -> None:
        """A catalogue has come into force; the one before it is told of no more."""
        self.catalogue_info.clear()
        self.catalogue_info.labels(revision).set(1)
        self.catalogue_reload_success.set(1)

    def tell_namespaces(self, source: Callable[[], Iterable[tuple[str, str, str]]]) -> None:
        """Have every scrape ask `source` for namespace, team and tier of what this process manages."""
        self.registry.register(_NamespaceInfo(source))

    def exposition(self) -> bytes:
        """All metrics in the Prometheus text format 0.0.4."""
        return prometheus_client.generate_latest(self.registry)


class _NamespaceInfo(Collector):
    """Made at each scrape from what is known anyway: nothing to keep up to date, and to forget."""

    def __init__(self, source: Callable[[], Iterable[tuple[str, str, str]]]) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "nsp_namespace_info",
            "1 for each managed namespace, with its team and tier.",
            labels=("namespace", "team", "tier"),
        )
        for each in self._source():
            family.add_metric(each, 1)
        yield family

    def describe(self) -> Iterator[Metric]:
        """Known without asking: registering must not run the source."""
        return iter(())


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
