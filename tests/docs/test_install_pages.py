"""What the pages on installing name is there: values, commands, options, files, alerts, metrics, headings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import catalogues, rendering
from tests.docs import console, pages, verbs
from tools.chart.generated import CHART
from webhook import telemetry
from webhook.adapters.tokens import StaticTokens
from webhook.core.model import Caller

_NAMES = ("install", "production", "staged-rollout", "threat-model", "upgrade")
PAGES = {name: (pages.DOCS / f"{name}.md").read_text(encoding="utf-8") for name in _NAMES}
VALUES: Mapping[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
_VALUE = re.compile(rf"(?<![\w./-])(?:{'|'.join(VALUES)})(?:\.[A-Za-z]+)+(?![\w/-])")
_FLAG = re.compile(r"--set(?:-file|-json|-string)? ([\w.]+)=")

each_page = pytest.mark.parametrize("page", PAGES)


@each_page
def test_every_link_leads_somewhere(page: str) -> None:
    assert list(pages.broken_links(pages.DOCS / f"{page}.md")) == []


@each_page
def test_every_file_that_is_named_is_there(page: str) -> None:
    assert [path for path in sorted(pages.files(PAGES[page])) if not (pages.ROOT / path).exists()] == []


@each_page
def test_every_value_that_is_named_is_one_of_the_chart(page: str) -> None:
    assert [name for name in sorted(_values(PAGES[page])) if not _known(name)] == []


@pytest.mark.parametrize("name", ["admission.replica", "tls.certManager.issuer.kind", "image.tag.more"])
def test_a_value_that_is_none_would_be_noticed(name: str) -> None:
    assert not _known(name)


@each_page
def test_every_command_has_its_verb_and_its_options(page: str) -> None:
    assert [wrong for text in pages.code(PAGES[page]) for wrong in verbs.wrong(text)] == []


@pytest.mark.parametrize("text", ["nsp doktor", "nsp catalogue lint --hard x", "a; nsp audit --all | tail"])
def test_a_command_that_is_none_would_be_noticed(text: str) -> None:
    assert list(verbs.wrong(text))


@each_page
def test_every_alert_and_metric_is_there(page: str) -> None:
    alerts = set(re.findall(r"alert: (\w+)", (CHART / "files" / "alerts.yaml").read_text()))
    told = set(re.findall(r"\bNsProvisioner\w+|\bnsp_\w+", PAGES[page]))
    assert told - alerts - _metrics() == set()


@each_page
def test_every_block_of_yaml_can_be_read(page: str) -> None:
    assert all(pages.documents(PAGES[page]))


def test_what_is_called_a_default_is_one() -> None:
    told = re.findall(r"`([\w.]+): (\w+)` \(the default", PAGES["production"])
    assert len(told) >= 6
    assert [name for name, value in told if yaml.safe_load(value) != _value(name)] == []


_FILES = [
    block
    for text in PAGES.values()
    for block in pages.blocks(text, "yaml")
    if block.startswith("# values.yaml")
]


@pytest.mark.parametrize("values", _FILES)
def test_the_chart_takes_each_file_of_values(values: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(values)
    assert rendering.render("--values", str(file))


def test_the_chart_refuses_a_catalogue_in_the_words_of_the_page(tmp_path: Path) -> None:
    file = tmp_path / "tiers.yaml"
    file.write_text(
        catalogues.text({"policy/exemptNames": [], "policy/controllers": [], "policy/requesters": []})
    )
    (told,) = pages.blocks(PAGES["install"], "text")
    assert told in rendering.refusal("--set-file", f"catalogue={file}") + "\n"


def test_the_line_of_a_token_is_one_that_the_api_reads(tmp_path: Path) -> None:
    wanted = console.commands(pages.DOCS / "install.md")
    making = [each for each in wanted if each.text.startswith(("TOKEN=", 'echo "sha256:'))]
    shown = console.Command('printf "%s\\n" "$TOKEN"', "")
    *_, token = console.run([*making, shown], directory=tmp_path, environment={"PATH": "/usr/bin:/bin"})
    known = StaticTokens.load(tmp_path / "tokens").verify(token.strip())
    assert known == Caller("dev@example.com", ("team-payments",))


def _values(text: str) -> set[str]:
    found = {name for each in pages.code(text) for name in _VALUE.findall(each)}
    flags = {name for each in pages.code(text) for name in _FLAG.findall(each)}
    return {name for name in found | flags if not name.endswith((".md", ".yaml", ".svc"))}


def _known(name: str) -> bool:
    """Below a value that is an empty mapping anything may stand."""
    there: Any = VALUES
    for part in name.split("."):
        if there == {}:
            return True
        if not isinstance(there, dict) or part not in there:
            return False
        there = there[part]
    return True


def _value(name: str) -> Any:
    found: Any = VALUES
    for part in name.split("."):
        found = found[part]
    return found


def _metrics() -> set[str]:
    metrics = telemetry.Metrics()
    metrics.tell_namespaces(list)
    names = {family.name: family.type for family in metrics.registry.collect()}
    return {name + ("_total" if kind == "counter" else "") for name, kind in names.items()}
