"""Dashboards as values, and the JSON that Grafana reads.

Panels stand in rows from left to right; where each goes is worked out here, so that nobody counts columns.
"""

import json
from dataclasses import dataclass
from typing import Any

COLUMNS = 24
"""Width of Grafana's grid."""

SCHEMA_VERSION = 39
"""Grafana 10.4; newer ones read it and lift it."""

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; `legend` names its series, as in `{{pod}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph over time, or with the kind `stat` one number. `red` is the value from which it is alarming."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    red: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`name` is that of the file and the end of the address, so it stays as it is."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]


def stat(title: str, description: str, unit: str, expr: str, red: float | None = None) -> Panel:
    """One number of the overview, a sixth of the width."""
    return Panel(title, description, unit, (Query(expr),), kind="stat", width=4, height=4, red=red)


def graph(
    title: str, description: str, unit: str, *queries: tuple[str, str], red: float | None = None
) -> Panel:
    """A third of the width; each query is an expression and its legend."""
    return Panel(title, description, unit, tuple(Query(*each) for each in queries), red=red)


def text(dashboard: Dashboard) -> str:
    """The dashboard's file."""
    return json.dumps(document(dashboard), indent=1) + "\n"


def document(dashboard: Dashboard) -> dict[str, Any]:
    """What Grafana reads; time is in the browser's zone, the last six hours to begin with."""
    return {
        "uid": f"ns-provisioner-{dashboard.name}",
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["ns-provisioner"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "links": [_link()],
        "panels": _panels(dashboard.rows),
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    query = "label_values(nsp_leader, namespace)"
    return [
        source,
        {
            "name": "namespace",
            "label": "Namespace",
            "description": "Where ns-provisioner is installed.",
            "type": "query",
            "datasource": _DATASOURCE,
            "definition": query,
            "query": {"query": query, "refId": "namespace"},
            "refresh": 2,  # when the time range changes
            "sort": 1,
        },
    ]


def _link() -> dict[str, Any]:
    """From each dashboard to the others, with the same time and variables."""
    return {
        "title": "ns-provisioner",
        "type": "dashboards",
        "tags": ["ns-provisioner"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
    }


def _panels(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        panels.append(_row(row, len(panels) + 1, top))
        left, top, line = 0, top + 1, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                left, top, line = 0, top + line, 0
            panels.append(_panel(panel, len(panels) + 1, left, top))
            left, line = left + panel.width, max(line, panel.height)
        top += line
    return panels


def _row(row: Row, number: int, top: int) -> dict[str, Any]:
    grid = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "gridPos": grid,
        "panels": [],
    }


def _panel(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(query, index) for index, query in enumerate(panel.queries)],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [] if panel.red is None else [{"color": "red", "value": panel.red}]
    thresholds = {"mode": "absolute", "steps": steps}
    if panel.kind == "stat":
        return {"unit": panel.unit, "thresholds": thresholds}
    style = {"mode": "off" if panel.red is None else "line"}
    line = {"fillOpacity": 10, "axisSoftMin": 0, "thresholdsStyle": style}
    return {"unit": panel.unit, "thresholds": thresholds, "custom": line}


def _target(query: Query, index: int) -> dict[str, Any]:
    legend = query.legend or "__auto"
    return {
        "refId": chr(ord("A") + index),
        "datasource": _DATASOURCE,
        "expr": query.expr,
        "legendFormat": legend,
    }
