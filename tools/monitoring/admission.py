"""The dashboard of the admission pair: what it decides, how fast, and what the API server sees of it."""

from tools.monitoring.grafana import Dashboard, Panel, Query, Row, stat
from tools.monitoring.series import OURS, quantile, rate

_HOOK = 'name=~".+[.]ns-provisioner[.]io"'
_SERVER = "apiserver_admission_webhook_admission_duration_seconds_bucket"
_FAILED = f'apiserver_admission_webhook_rejection_count{{{_HOOK},error_type="calling_webhook_error"}}'
_OPEN = f"apiserver_admission_webhook_fail_open_count{{{_HOOK}}}"


def _review_quantile(share: float) -> str:
    return quantile(share, "nsp_admission_review_seconds_bucket")


def _call_quantile(share: float) -> str:
    calls = f"sum by (le, name, operation) (rate({_SERVER}{{{_HOOK}}}[$__rate_interval]))"
    return f"histogram_quantile({share}, {calls})"


_OVERVIEW = Row(
    "Overview",
    (
        stat(
            "Replicas that answer",
            "Pods of the admission pair that Prometheus reaches.",
            "short",
            f'sum(up{{{OURS},job="ns-provisioner-admission-metrics"}})',
        ),
        stat(
            "Reviews",
            "Reviews answered, over all replicas.",
            "reqps",
            f"sum(rate(nsp_admission_reviews_total{{{OURS}}}[$__rate_interval]))",
        ),
        stat(
            "Denied",
            "Share of the reviews that were denied.",
            "percentunit",
            f'sum(rate(nsp_admission_reviews_total{{{OURS},verdict="denied"}}[$__rate_interval]))'
            f" / sum(rate(nsp_admission_reviews_total{{{OURS}}}[$__rate_interval]))",
        ),
        stat(
            "Slowest review in a hundred",
            "From the complete request body to the answer, p99; alarming from 100 ms.",
            "s",
            _review_quantile(0.99),
            red=0.1,
        ),
        stat(
            "Failed calls within an hour",
            "Calls of the webhooks that the API server could not make, or that failed open; it must stay 0.",
            "short",
            f"sum(increase({_FAILED}[1h]) or increase({_OPEN}[1h])) or vector(0)",
            red=1,
        ),
        stat(
            "Certificate ends in",
            "The earliest end of a serving certificate of any replica.",
            "s",
            f"min((nsp_certificate_expiry_timestamp_seconds{{{OURS}}} > 0) - time())",
        ),
    ),
)

_REVIEWS = Row(
    "Reviews",
    (
        Panel(
            "Reviews by verdict",
            "`error` is a mistake of ours, `malformed` what was no review at all.",
            "reqps",
            (Query(rate("nsp_admission_reviews_total", "verdict"), "{{verdict}}"),),
        ),
        Panel(
            "Reviews by operation",
            "By endpoint and by what is done to the namespace.",
            "reqps",
            (
                Query(
                    rate("nsp_admission_reviews_total", "endpoint, operation"), "{{endpoint}} {{operation}}"
                ),
            ),
        ),
        Panel(
            "Time of a review",
            "From the complete request body to the answer, over all replicas.",
            "s",
            tuple(Query(_review_quantile(share), f"p{share * 100:g}") for share in (0.5, 0.9, 0.99)),
            red=0.1,
        ),
        Panel(
            "Broken rules, enforced",
            "Each one is part of a denial; `nsp explain RULE` tells what it is for.",
            "reqps",
            (Query(rate("nsp_admission_violations_total", "rule", 'mode="enforce"'), "{{rule}}"),),
        ),
        Panel(
            "Broken rules, tolerated",
            "What would be denied if the policy enforced the rule.",
            "reqps",
            (Query(rate("nsp_admission_violations_total", "rule", 'mode="tolerated"'), "{{rule}}"),),
        ),
        Panel(
            "Connections refused",
            "Closed unserved, by reason. `crowded` may hit the API server; the others are strangers'.",
            "reqps",
            (Query(rate("nsp_admission_refused_connections_total", "reason"), "{{reason}}"),),
        ),
    ),
)

_SERVERS_VIEW = Row(
    "As the API server sees it",
    (
        Panel(
            "Time of a call",
            "The slowest call in a hundred, with network and TLS.",
            "s",
            (Query(_call_quantile(0.99), "{{name}} {{operation}}"),),
            width=12,
            red=0.1,
        ),
        Panel(
            "Calls that failed",
            "They refuse the write; where the failurePolicy is Ignore it passes unseen (failed open).",
            "reqps",
            (
                Query(f"sum by (name) (rate({_FAILED}[$__rate_interval]))", "{{name}}"),
                Query(f"sum by (name) (rate({_OPEN}[$__rate_interval]))", "{{name}} failed open"),
            ),
            width=12,
        ),
    ),
)

_FILES = Row(
    "Certificate and catalogue",
    (
        Panel(
            "Certificate ends in",
            "By replica; cert-manager renews well before the last fortnight.",
            "s",
            (Query(f"(nsp_certificate_expiry_timestamp_seconds{{{OURS}}} > 0) - time()", "{{pod}}"),),
        ),
        Panel(
            "Certificates taken",
            "New certificates seen within an hour, by result; on a failure the old one stays.",
            "short",
            (
                Query(
                    f"sum by (pod, result) (increase(nsp_certificate_reloads_total{{{OURS}}}[1h]))",
                    "{{pod}} {{result}}",
                ),
            ),
        ),
        Panel(
            "Catalogue in force",
            "Replicas by the catalogue's revision; two for long means that a replica does not follow.",
            "short",
            (
                Query(f"count by (revision) (nsp_catalogue_info{{{OURS}}})", "revision {{revision}}"),
                Query(f"count(nsp_catalogue_reload_success{{{OURS}}} == 0)", "file is not good"),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    "admission",
    "ns-provisioner / Admission",
    "The admission pair: what it decides, how fast, and what the API server sees of it.",
    (_OVERVIEW, _REVIEWS, _SERVERS_VIEW, _FILES),
)
