"""The reviews that a real API server has sent (recorded by `make fixtures`) are answered as it demands."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.codec.apiserver import patched, verify
from tests.codec.builders import decode
from tests.core.builders import POLICY
from webhook.codec import review as codec
from webhook.core import decide

FOLDER = Path(__file__).parents[1] / "fixtures" / "reviews"
MUTATING = sorted(FOLDER.glob("mutate-*.json"))
VALIDATING = sorted(FOLDER.glob("validate-*.json"))

DENIED = {
    "validate-create-plain": ["defaults-present", "managed-labels-complete", "tier-exists"],
    "validate-create-labelled": ["defaults-present", "managed-labels-complete"],
    "validate-create-dry-run": ["defaults-present", "managed-labels-complete", "tier-exists"],
    "validate-create-generate-name": ["defaults-present", "managed-labels-complete", "tier-exists"],
    "validate-create-impersonated": ["defaults-present", "managed-labels-complete", "tier-exists"],
    "validate-create-server-side-apply": ["defaults-present", "managed-labels-complete"],
}
"""The recorder adds no labels, so that validation has to ask for what mutation would have added."""


def test_every_kind_of_request_was_recorded() -> None:
    assert len(MUTATING) >= 6
    assert len(VALIDATING) >= 10


@pytest.mark.parametrize("file", MUTATING, ids=lambda file: file.stem)
def test_mutating(file: Path) -> None:
    review = decode(file.read_bytes())
    answer = codec.encode_additions(review, decide.mutate(review.facts, POLICY))
    response = verify(answer, uid=review.uid, mutating=True)
    sent: dict[str, Any] = json.loads(file.read_text())
    after = patched(response, sent["request"]["object"])
    again = decode({**sent, "request": {**sent["request"], "object": after}})
    assert not decide.mutate(again.facts, POLICY).labels, "the second time there is nothing to add"
    named = "generate-name" not in file.stem
    assert decide.validate(again.facts, POLICY).allowed is named, "a generated name needs a team"


@pytest.mark.parametrize("file", VALIDATING, ids=lambda file: file.stem)
def test_validating(file: Path) -> None:
    review = decode(file.read_bytes())
    decision = decide.validate(review.facts, POLICY)
    verify(codec.encode_decision(review, decision), uid=review.uid, mutating=False)
    assert sorted({violation.rule for violation in decision.violations}) == DENIED.get(file.stem, [])
