"""The attackers' patches say what they are meant to: an independent applier gets what was wanted."""

from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from tests.attack import difference
from tests.attack.words import Manifest

_keys = st.sampled_from(["a", "b", "c/d", "e~f"])
_leaves = st.sampled_from(["x", "", "y"]) | st.lists(st.sampled_from(["x", "y"]), max_size=2)
_manifests = st.dictionaries(_keys, _leaves | st.dictionaries(_keys, _leaves, max_size=3), max_size=4)


@given(_manifests, _manifests)
def test_a_json_patch_makes_of_one_the_other(live: Manifest, wanted: Manifest) -> None:
    operations = difference.json_patch(live, wanted)
    assert jsonpatch.JsonPatch(operations).apply(live) == wanted


@given(_manifests, _manifests)
def test_a_merge_patch_makes_of_one_the_other(live: Manifest, wanted: Manifest) -> None:
    assert _merged(live, difference.merge_patch(live, wanted)) == wanted


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


@given(_manifests, _manifests)
def test_what_a_second_manager_states_is_all_that_is_new(live: Manifest, wanted: Manifest) -> None:
    merged = _merged(live, difference.stated(live, wanted))
    assert difference.stated(merged, wanted) == {}
