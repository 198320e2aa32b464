"""Of the controller's dashboard: what goes on behind the passes."""

from tools.monitoring.grafana import Row, graph
from tools.monitoring.series import OURS, led, now, rate

CALLS = Row(
    "API server",
    (
        graph(
            "Calls",
            "By verb and status; code 0 is no answer.",
            "reqps",
            (rate("nsp_api_requests_total", "verb, code"), "{{verb}} {{code}}"),
        ),
        graph(
            "Patience asked for",
            "Calls that met 429, 503, 504 or no answer in time, by replica.",
            "reqps",
            (rate("nsp_api_throttled_total", "pod"), "{{pod}}"),
        ),
        graph(
            "Writes at once",
            "How many may be under way, as the API server bears it: 32 when all is well.",
            "short",
            (f'nsp_api_writes_limit{{{OURS},job="ns-provisioner-controller-metrics"}}', "{{pod}}"),
        ),
        graph(
            "Silence of the watches",
            "Bookmarks come about every minute; a watch that is silent for longer is begun anew.",
            "s",
            (f"max by (pod, kind) ({now('nsp_watch_silence_seconds')})", "{{pod}} {{kind}}"),
            red=75,
        ),
        graph(
            "Watches begun anew",
            "By kind and reason, and times that everything was read again.",
            "ops",
            (rate("nsp_watch_restarts_total", "kind, reason"), "{{kind}} {{reason}}"),
            (rate("nsp_relists_total", "kind, reason"), "{{kind}} read again: {{reason}}"),
        ),
        graph(
            "Objects in memory",
            "By kind and replica.",
            "short",
            (f"max by (pod, kind) ({now('nsp_store_objects')})", "{{pod}} {{kind}}"),
        ),
    ),
)

EXPIRY = Row(
    "Expiry, leadership and Events",
    (
        graph(
            "Due",
            "Namespaces whose time is over; while the brake holds none is deleted.",
            "short",
            (f"max({now('nsp_expiry_due')})", "due"),
            (f"max({now('nsp_expiry_halted')})", "brake"),
        ),
        graph(
            "Expired",
            "Within an hour, by what became of them.",
            "short",
            (f"sum by (outcome) (increase({now('nsp_expired_total')}[1h]))", "{{outcome}}"),
        ),
        graph(
            "Clock",
            "How far the leader's clock is ahead of the API server's; beyond 15 minutes nothing expires.",
            "s",
            (led("nsp_clock_offset_seconds"), "offset"),
        ),
        graph(
            "Leader",
            "Which replica leads.",
            "short",
            (f'nsp_leader{{{OURS},job="ns-provisioner-controller-metrics"}}', "{{pod}}"),
        ),
        graph(
            "Changes of the leader",
            "Terms gained, lost and given back within an hour.",
            "short",
            (f"sum by (change) (increase({now('nsp_leadership_changes_total')}[1h]))", "{{change}}"),
        ),
        graph(
            "Events",
            "Kubernetes Events written, and dropped as the API server refused or was busy.",
            "ops",
            (rate("nsp_events_total", "result"), "{{result}}"),
        ),
    ),
)
