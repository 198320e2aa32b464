"""The dashboard of the controller and the tenants: namespaces, passes, drift, calls, budgets and expiry."""

from tools.monitoring import background
from tools.monitoring.grafana import Dashboard, Row, graph, stat
from tools.monitoring.series import led, now, quantile, rate


def _ready(share: float) -> tuple[str, str]:
    return quantile(share, "nsp_time_to_ready_seconds_bucket"), f"p{share * 100:g}"


_OVERVIEW = Row(
    "Overview",
    (
        stat(
            "Namespaces",
            "Managed ones, as the leader knows them.",
            "short",
            f"count({now('nsp_namespace_info')})",
        ),
        stat("Leaders", "It must be 1.", "short", f"sum({now('nsp_leader')})", red=2),
        stat(
            "Longest wait for a pass",
            "Alarming from a minute.",
            "s",
            led("nsp_queue_oldest_seconds"),
            red=60,
        ),
        stat("Wait for room", "Namespaces over their team's budget.", "short", led("nsp_budget_waiting")),
        stat(
            "Wait for their turn",
            "Namespaces that a changed tier has not reached yet.",
            "short",
            led("nsp_rollout_waiting"),
        ),
        stat(
            "Due",
            "Namespaces that are there though their time is over.",
            "short",
            f"max({now('nsp_expiry_due')})",
        ),
    ),
)

_TENANCY = Row(
    "Tenancy",
    (
        graph(
            "Namespaces by tier",
            "Managed namespaces, told by the leader.",
            "short",
            (f"count by (tier) ({now('nsp_namespace_info')})", "{{tier}}"),
        ),
        graph(
            "Namespaces by team",
            "The twenty teams with the most.",
            "short",
            (f"topk(20, count by (team) ({now('nsp_namespace_info')}))", "{{team}}"),
        ),
        graph(
            "Time to ready",
            "From a namespace's creation to its complete bundle, where nothing was in the way.",
            "s",
            *map(_ready, (0.5, 0.9, 0.99)),
        ),
    ),
)

_PASSES = Row(
    "Passes",
    (
        graph(
            "Passes by result",
            "Results are the reasons of the condition Provisioned; `error` is trouble that is tried again.",
            "ops",
            (rate("nsp_reconciles_total", "result"), "{{result}}"),
        ),
        graph(
            "Queue of the leader",
            "Namespaces that wait for a pass.",
            "short",
            (led("nsp_queue_depth"), "waiting"),
        ),
        graph(
            "Last successful pass",
            "How long ago, by tier. It stands still where nothing changes: a worry only while passes fail.",
            "s",
            (f"time() - max by (tier) ({now('nsp_last_successful_pass_timestamp_seconds')})", "{{tier}}"),
        ),
        graph(
            "Writes",
            "Bundle objects, by kind and action; none where nobody changes anything.",
            "ops",
            (rate("nsp_bundle_writes_total", "kind, action"), "{{kind}} {{action}}"),
        ),
        graph(
            "Drift put right",
            "Changes of others that were undone; many for long are a rival.",
            "ops",
            (rate("nsp_drift_repairs_total", "kind, action"), "{{kind}} {{action}}"),
        ),
        graph(
            "Write conflicts",
            "Writes that met another writer's and were planned anew.",
            "ops",
            (rate("nsp_write_conflicts_total", "kind"), "{{kind}}"),
        ),
    ),
)

DASHBOARD = Dashboard(
    "controller",
    "ns-provisioner / Controller and tenancy",
    "Namespaces and teams, passes and drift, calls to the API server, budgets and expiry.",
    (_OVERVIEW, _TENANCY, _PASSES, background.CALLS, background.EXPIRY),
)
