"""docs/rights.md tells the rights as they are."""

import re
from pathlib import Path

from tests.core.builders import POLICY
from webhook.core import rights
from webhook.core.rights import Right

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
_ROW = re.compile(r"^\| (`[a-z/]+`(?: named `[a-z-]+`)?) \| ([a-z, ]+) \|", re.MULTILINE)


def _row(right: Right) -> tuple[str, str]:
    named = "".join(f" named `{name}`" for name in right.names)
    return f"`{right.resource}`{named}", ", ".join(right.verbs)


def test_the_tables_are_the_rights_under_the_built_in_catalogue() -> None:
    every = [rights.of(role, POLICY) for role in rights.ROLES]
    expected = [_row(right) for asked in every for right in (*asked.cluster, *asked.own)]
    assert _ROW.findall(PAGE.read_text()) == expected
