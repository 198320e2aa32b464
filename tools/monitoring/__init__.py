"""Makes the chart's Grafana dashboards, and (in `go/`) pins the Prometheus that tests its alerts."""
