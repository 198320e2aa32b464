"""docs/testing-with-curl.md says what is so."""

import os
from pathlib import Path

from tests.docs import console
from tools.dev.installation import Installation

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing-with-curl.md"


def test_every_command_of_the_page_prints_what_the_page_says(product: Installation) -> None:
    wanted = console.commands(PAGE)
    environment = {
        "PATH": os.environ["PATH"],
        "CURL_HOME": str(product.curl_home),
        "NSP_CA_FILE": str(product.ca_file),
        "NSP_WEBHOOK_URL": product.webhook_url,
    }
    printed = console.run(wanted, directory=ROOT, environment=environment)
    assert [(each.text, output) for each, output in zip(wanted, printed, strict=True)] == [
        tuple(each) for each in wanted
    ]


def test_every_example_review_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    examples = sorted(file.stem for file in (ROOT / "examples" / "reviews").glob("*.json"))
    assert examples
    assert [name for name in examples if name not in text] == []
