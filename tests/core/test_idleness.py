"""Since when a namespace has had no pods: what the quota says, and what the annotation may say."""

import pytest

from tests.core.test_expiry import CREATED_AT, namespace
from webhook.core import idleness
from webhook.core.model import Manifest

NOW = CREATED_AT + 1000


def quota(hard: str | None = "20", used: str | None = "0") -> Manifest:
    return {
        "kind": "ResourceQuota",
        "spec": {"hard": {} if hard is None else {"pods": hard}},
        "status": {"used": {} if used is None else {"pods": used}},
    }


@pytest.mark.parametrize(
    ("found", "idle"),
    [
        pytest.param(quota(), True, id="none of twenty"),
        pytest.param(quota(used="0k"), True, id="none, written oddly"),
        pytest.param(quota(used="1"), False, id="one"),
        pytest.param(quota(used="1k"), False, id="a thousand"),
        pytest.param(quota(used=None), False, id="not counted yet"),
        pytest.param(quota(used="none"), False, id="a text that is no number"),
        pytest.param(quota(hard=None), False, id="no limit that would be counted against"),
        pytest.param(quota(hard="0"), False, id="no room for any"),
        pytest.param(quota(hard="many"), True, id="a limit that says nothing"),
        pytest.param({"kind": "ResourceQuota", "spec": {}}, False, id="no status"),
        pytest.param({"kind": "ResourceQuota", "spec": None, "status": None}, False, id="nothing in it"),
        pytest.param(None, False, id="no quota at all"),
    ],
)
def test_whether_a_quota_says_that_there_are_no_pods(found: Manifest | None, idle: bool) -> None:
    assert idleness.is_idle(found) is idle


GARBAGE = ["", "0", "-1", "yesterday", "1e9", " 1772366401", "1772366401\n", "9" * 13, "١٧٧٢٣٦٦٤٠١", "1.5"]


@pytest.mark.parametrize(
    "text",
    [
        *(pytest.param(each, id=ascii(each)) for each in GARBAGE),
        pytest.param(str(CREATED_AT - 1), id="before the namespace was there"),
        pytest.param(str(NOW + 1), id="in the future"),
        pytest.param(None, id="none yet"),
    ],
)
def test_what_cannot_be_true_is_replaced(text: str | None) -> None:
    manifest = namespace() if text is None else namespace(idle_since=text)
    assert idleness.mark(manifest, idle=True, unbroken=True, created=CREATED_AT, now=NOW) == NOW


@pytest.mark.parametrize(
    ("idle", "unbroken", "found"),
    [
        pytest.param(True, True, CREATED_AT + 5, id="it goes on: kept"),
        pytest.param(True, False, NOW, id="something happened meanwhile: begun anew"),
        pytest.param(False, True, None, id="there are pods: taken away"),
    ],
)
def test_what_becomes_of_a_good_annotation(idle: bool, unbroken: bool, found: int | None) -> None:
    manifest = namespace(idle_since=str(CREATED_AT + 5))
    assert idleness.mark(manifest, idle=idle, unbroken=unbroken, created=CREATED_AT, now=NOW) == found
