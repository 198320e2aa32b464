"""The dashboards: made from the code, understood by Prometheus, and laid out without overlaps."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.promql import DASHBOARDS, Promtool, dashboard_expressions, panels
from tools import monitoring
from tools.monitoring import __main__ as generator
from tools.monitoring import grafana

UNITS = {"s", "short", "reqps", "ops", "percentunit"}


def test_the_files_are_what_the_code_makes() -> None:
    found = {path.name: path.read_text() for path in generator.FOLDER.iterdir()}
    assert found == generator.files(), f"run python -m {monitoring.__name__}"


def test_prometheus_reads_every_expression(promtool: Promtool, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{i}", "expr": expr} for i, expr in enumerate(dashboard_expressions())]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", file)


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_keep_within_the_grid_and_do_not_overlap(file: Path) -> None:
    places = [_cells(panel["gridPos"]) for panel in panels(file)]
    assert all(x < grafana.COLUMNS for place in places for x, _ in place)
    assert not [pair for pair in combinations(places, 2) if pair[0] & pair[1]]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_has_an_id_of_its_own_and_what_people_need(file: Path) -> None:
    found = panels(file)
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in (each for each in found if each["type"] != "row"):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_goes_to_the_data_source_that_was_chosen(file: Path) -> None:
    document = json.loads(file.read_text())
    assert [each["name"] for each in document["templating"]["list"]] == ["datasource", "namespace"]
    sources = [
        part["datasource"]
        for panel in panels(file)
        for part in (panel, *panel.get("targets", ()))
        if "datasource" in part
    ]
    assert {each["uid"] for each in sources} == {"${datasource}"}


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda path: path.stem)
def test_whoever_asks_for_our_metrics_asks_for_the_chosen_namespace(file: Path) -> None:
    exprs = [target["expr"] for panel in panels(file) for target in panel.get("targets", ())]
    for expr in exprs:
        assert expr.count("nsp_") == expr.count('namespace="$namespace"') - expr.count("up{")


def _cells(grid: dict[str, Any]) -> set[tuple[int, int]]:
    across, down = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
    return {(x, y) for x in across for y in down}
