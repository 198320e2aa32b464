"""What alerts and dashboards ask Prometheus for. Only for expressions that the real parser has taken."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "ns-provisioner"
ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))

Promtool = Callable[..., str]

_NOISE = (
    (r'"(?:\\.|[^"\\])*"', '""'),
    (r"\{[^}]*\}|\[[^\]]*\]", ""),
    (r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", ""),
    (r"\b(?:and|or|unless|offset|bool)\b", " "),
)
_NAME = r"(?<![\w:.])[a-zA-Z_:][\w:]*"


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric with the values that it is asked for, by label; alternatives one by one."""

    metric: str
    values: tuple[tuple[str, str], ...]


def names(expr: str) -> set[str]:
    """The metrics of an expression."""
    for pattern, instead in _NOISE:
        expr = re.sub(pattern, instead, expr)
    return set(re.findall(_NAME + r"(?![\w:]|\s*\()", expr))


def selectors(expr: str) -> Iterator[Selector]:
    """The metrics that are asked for with matchers."""
    for metric, matchers in re.findall("(" + _NAME + r")\{([^}]*)\}", expr):
        pairs = re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"', matchers)
        yield Selector(metric, tuple((label, each) for label, text in pairs for each in text.split("|")))


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def panels(dashboard: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return found


def dashboard_expressions() -> list[str]:
    """As Grafana sends them, with its variables filled in."""
    targets = [target for each in DASHBOARDS for panel in panels(each) for target in panel.get("targets", [])]
    return [
        target["expr"].replace("$__rate_interval", "5m").replace("$namespace", "nsp") for target in targets
    ]


def expressions() -> list[str]:
    return [rule["expr"] for rule in alerts().values()] + dashboard_expressions()
