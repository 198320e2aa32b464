"""docs/catalogue.md says what is true: its example is a catalogue, and every key is told of."""

import re
from pathlib import Path

import pytest
import yaml

from webhook.codec import catalogue, catalogueschema
from webhook.core import catalogue as content
from webhook.core import extras, networkpolicies, tiers
from webhook.core.errors import InvalidPolicyError

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CATALOGUES = [text for kind, text in FENCES if kind == "yaml" and text.startswith("apiVersion")]


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _rows(section: str) -> dict[str, list[str]]:
    """The cells of a table's rows, by what stands in code in the first one."""
    lines = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.mark.parametrize("text", CATALOGUES, ids=lambda text: f"{len(text.splitlines())} lines")
def test_a_catalogue_on_the_page_is_one(text: str) -> None:
    assert catalogue.parse(text).tiers


def test_there_is_a_whole_example_that_uses_every_key() -> None:
    (example,) = CATALOGUES
    document = yaml.safe_load(example)
    assert document["policy"].keys() == {"defaultTier", *content.POLICY_DEFAULTS}
    said = {key for body in document["tiers"].values() for key in body}
    assert said == {*tiers.REQUIRED_KEYS, *tiers.OPTIONAL_KEYS}


def test_the_mistakes_are_told_as_the_page_says() -> None:
    section = _section("What a mistake looks like")
    broken, told = (text for _, text in re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))
    with pytest.raises(InvalidPolicyError) as refused:
        catalogue.parse(broken)
    assert str(refused.value) == told.rstrip("\n")


def test_every_setting_of_the_policy_stands_there_with_its_default() -> None:
    rows = _rows(_section("policy"))
    assert set(rows) == {"defaultTier", *content.POLICY_DEFAULTS}
    for key, default in content.POLICY_DEFAULTS.items():
        shown = rows[str(key)][1].strip("`")
        assert shown == str(default) or yaml.safe_load(shown) == default


def test_every_key_of_a_tier_stands_there() -> None:
    rows = _rows(_section("tiers"))
    assert set(rows) == {*tiers.REQUIRED_KEYS, *tiers.OPTIONAL_KEYS}
    for key in tiers.REQUIRED_KEYS:
        assert rows[key][1] == "none: must be there"


def test_every_key_of_the_file_stands_there() -> None:
    assert set(_rows(_section("The file"))) == set(catalogueschema.schema()["properties"])


def test_every_network_policy_and_every_kind_stands_there() -> None:
    assert set(_rows(_section("Network policies"))) == set(networkpolicies.NAMES)
    assert set(_rows(_section("Extra manifests"))) == set(extras.KINDS)
    for name in extras.PLACEHOLDERS:
        assert f"`${{{name}}}`" in _section("Extra manifests")


def test_links_within_the_page_lead_somewhere() -> None:
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= titles
