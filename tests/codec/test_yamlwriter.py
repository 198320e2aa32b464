"""YAML that says the same to every reader."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.codec import yamltext, yamlwriter

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_MANIFESTS = st.dictionaries(st.text(max_size=8), _VALUES, min_size=1, max_size=3)


@given(st.lists(_MANIFESTS, max_size=3))
def test_what_was_written_is_read_again(manifests: list[dict[str, object]]) -> None:
    assert list(yaml.safe_load_all(yamlwriter.dump(manifests))) == manifests


@pytest.mark.parametrize(
    "text",
    ["y", "n", "yes", "off", "true", "null", "~", "1e3", "0o17", "9e9", "0x1f", "1_000", "", " a", "*"],
)
def test_a_text_that_some_reader_takes_for_something_else_stands_in_quotes(text: str) -> None:
    assert yamlwriter.dump([{"name": text}]) in (f'---\nname: "{text}"\n', f"---\nname: '{text}'\n")


def test_words_stand_in_one_line_in_their_order_and_are_written_out_each_time() -> None:
    verbs = ["list", "get"]
    written = yamlwriter.dump([{"rules": [{"verbs": verbs}, {"verbs": verbs}], "kind": "Role"}, {"port": 1}])
    assert written == (
        "---\nrules:\n  - verbs: [list, get]\n  - verbs: [list, get]\nkind: Role\n---\nport: 1\n"
    )


def test_our_own_strict_reader_takes_it() -> None:
    assert yamltext.load(yamlwriter.dump([{"a": ["b"]}])) == {"a": ["b"]}
