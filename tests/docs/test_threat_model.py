"""docs/threat-model.md answers each of the threats that are written down for admission control."""

import re

import pytest

from tests.docs import pages

PAGE = (pages.DOCS / "threat-model.md").read_text(encoding="utf-8")
ROWS = {
    int(cells[0]): cells
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
_UNANSWERED = {6, 17}
"""Whoever has the cluster or the node has us: the page says so, and no test can hold it."""


def test_it_is_the_eighteen_and_one_more_in_their_order() -> None:
    assert list(ROWS) == list(range(1, 20))


@pytest.mark.parametrize("number", ROWS)
def test_each_has_a_name_an_answer_and_what_is_left(number: int) -> None:
    _, threat, answer, _, left = ROWS[number]
    assert min(len(threat), len(answer), len(left)) > 5


@pytest.mark.parametrize("number", ROWS.keys() - _UNANSWERED)
def test_each_answer_is_held_by_tests_that_are_there(number: int) -> None:
    held = pages.files(ROWS[number][3])
    assert held
    assert [path for path in held if not (pages.ROOT / path).is_file()] == []
    assert [path for path in held if not path.startswith("tests/")] == []


@pytest.mark.parametrize("number", _UNANSWERED)
def test_where_there_is_no_answer_the_page_says_so(number: int) -> None:
    _, _, answer, held, _ = ROWS[number]
    assert (answer.split(":")[0], held) == ("none", "nothing")
    beyond = PAGE[PAGE.index("## What we do not cover") :]
    assert re.search(rf"\((?:\d+, )*{number}(?:, \d+)*\)", beyond)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
