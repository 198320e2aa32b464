"""Files that nobody would write by mistake: refused in words, quickly, and never with another error."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.builders import CATALOGUE
from tests.core.catalogue.files import WHOLE, minimal, parsed
from webhook.codec import catalogue as codec
from webhook.core import catalogue
from webhook.core.errors import InvalidPolicyError

FREE = "requiredLabels: {}"
"""A place in the built-in file where anything can be put."""


def with_labels(text: str) -> str:
    assert FREE in CATALOGUE
    return CATALOGUE.replace(FREE, f"requiredLabels: {text}")


def with_extra(spec: str) -> str:
    manifest = (
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, "
        f"spec: {{podSelector: {spec}, policyTypes: [Ingress]}}}}"
    )
    return CATALOGUE.replace("  freemium:\n", f"  freemium:\n    extraManifests: [{manifest}]\n", 1)


BOMB = "&a0 {x: x}\n" + "".join(
    f"    k{n}: &a{n} {{" + ", ".join(f"y{copy}: *a{n - 1}" for copy in range(8)) + "}\n" for n in range(1, 8)
)
"""Seven levels that each name the one below eight times: two million texts from 500 characters."""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(with_labels("{1: a, b: c}"), id="a number among the keys"),
        pytest.param(with_labels("{1: a}"), id="a number for a key"),
        pytest.param(with_labels("{2026-01-01: a}"), id="a day for a key"),
        pytest.param(with_labels("{2026-01-01T00:00:00Z: a, b: c}"), id="a time among the keys"),
        pytest.param(with_labels("{null: a, b: c}"), id="nothing among the keys"),
        pytest.param(with_labels("{true: a, b: c}"), id="yes among the keys"),
        pytest.param(with_labels("{1.5: a, b: c}"), id="a fraction among the keys"),
        pytest.param(with_labels("{!!binary YQ==: a}"), id="bytes for a key"),
        pytest.param(with_labels("{a: 2026-01-01}"), id="a day for a pattern"),
        pytest.param(with_labels("{a: !!binary YQ==}"), id="bytes for a pattern"),
        pytest.param(with_labels("{a: !!set {b}}"), id="a set for a pattern"),
        pytest.param(with_labels("!!set {a, b}"), id="a set for a mapping"),
        pytest.param(with_labels("!!omap [a: b]"), id="an ordered mapping"),
        pytest.param(with_labels("!!pairs [a: b]"), id="a list of pairs"),
        pytest.param(with_labels("&a {x: *a}"), id="a mapping that holds itself"),
        pytest.param(with_labels("&a [*a]"), id="a list that holds itself"),
        pytest.param(CATALOGUE + "x: &a {x: *a}\n", id="an unknown key that holds itself"),
        pytest.param(
            CATALOGUE.replace("abstract: true", "abstract: true\n    quota: &q {pods: *q}"),
            id="a quota that holds itself",
        ),
        pytest.param(with_extra("&a {matchLabels: *a}"), id="a selector that holds itself"),
        pytest.param(with_extra("{matchLabels: {1: a, b: c}}"), id="a number among the keys of a selector"),
        pytest.param(with_extra("{matchLabels: {a: 2026-01-01}}"), id="a day in a selector"),
        pytest.param(with_extra("{matchLabels: {a: !!binary YQ==}}"), id="bytes in a selector"),
        pytest.param(with_extra("{matchLabels: !!set {a, b}}"), id="a set in a selector"),
        pytest.param(with_extra("{matchLabels: {a: .inf}}"), id="infinity in a selector"),
        pytest.param(with_extra("{matchLabels: {a: .nan}}"), id="not a number in a selector"),
        pytest.param(
            CATALOGUE.replace("defaultTier: small", "defaultTier: !!binary YQ=="), id="bytes for a name"
        ),
        pytest.param(CATALOGUE.replace('pods: "5"', "pods: .nan"), id="not a number for a quantity"),
        pytest.param(CATALOGUE.replace('pods: "5"', "pods: 1e400"), id="too large a number for a quantity"),
        pytest.param(CATALOGUE.replace('pods: "5"', f"pods: {'9' * 4000}"), id="a number of 4000 digits"),
        pytest.param(
            CATALOGUE.replace("  freemium:", "  5: {}\n  freemium:"), id="a tier with a number for a name"
        ),
        pytest.param(CATALOGUE.replace("  freemium:", "  null: {}\n  freemium:"), id="a tier called nothing"),
    ],
)
def test_what_yaml_can_say_and_a_catalogue_cannot(text: str) -> None:
    """Refused, or read where it can mean something; but not a crash."""
    assert text != CATALOGUE
    with contextlib.suppress(InvalidPolicyError):
        codec.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(with_labels("&a {x: *a}"), id="itself"),
        pytest.param(with_labels("{x: &a [*a]}"), id="a list that holds itself"),
        pytest.param(CATALOGUE + "x: &a {x: *a}\n", id="under an unknown key"),
        pytest.param(with_extra("&a {matchLabels: *a}"), id="in a selector"),
    ],
)
def test_what_holds_itself_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicyError):
        codec.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(with_labels("\n      k0: " + BOMB.replace("    k", "      k")), id="where texts belong"),
        pytest.param(CATALOGUE + "bomb:\n    k0: " + BOMB, id="under an unknown key"),
    ],
)
def test_a_few_lines_that_mean_very_many_are_refused_before_they_are_counted_out(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidPolicyError) as refused:
        codec.parse(text)
    assert len(text) < 6000
    assert time.perf_counter() - began < 0.5
    assert len(str(refused.value)) < 20_000


def test_an_anchor_that_is_used_twice_is_only_a_shorter_way_to_write() -> None:
    request = "defaultRequest: {cpu: 100m, memory: 128Mi}"
    anchored, named = "defaultRequest: &it {cpu: 100m, memory: 128Mi}", "defaultRequest: *it"
    twice = CATALOGUE.replace(request, anchored, 1).replace(request, named)
    assert twice.count("*it") == 1
    found, expected = codec.parse(twice), codec.parse(CATALOGUE)
    assert found.tiers == expected.tiers
    assert found.revision == expected.revision


def test_a_merge_key_is_refused_which_others_take_in_another_order() -> None:
    text = CATALOGUE.replace('requests.cpu: "1",', '<<: {secrets: 3}, requests.cpu: "1",')
    with pytest.raises(InvalidPolicyError, match="'<<' means different things to different programs"):
        codec.parse(text)


keys = st.sampled_from(["small", "quota", "pods", "extends", "extraManifests", "metadata", "name", "spec"])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=3)
)
values = st.recursive(
    scalars | st.dates() | keys,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys | scalars | st.dates(), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = st.sampled_from([*catalogue.POLICY_DEFAULTS, "defaultTier"])
TIER_PLACES = st.sampled_from(
    [
        "quota",
        "limitRange",
        "podSecurity",
        "networkPolicies",
        "overrides",
        "allowed",
        "ttl",
        "title",
        "extends",
    ]
)


@settings(deadline=None)
@given(values)
def test_any_value_is_refused_or_read(value: object) -> None:
    with contextlib.suppress(InvalidPolicyError):
        parsed(value)


@settings(deadline=None)
@given(PLACES, values)
def test_any_setting_is_refused_or_read(key: str, value: object) -> None:
    with contextlib.suppress(InvalidPolicyError):
        parsed(minimal(policy={key: value}))


@settings(deadline=None)
@given(TIER_PLACES, values)
def test_any_part_of_a_tier_is_refused_or_read(key: str, value: object) -> None:
    with contextlib.suppress(InvalidPolicyError):
        parsed(minimal({"small": {**WHOLE, key: value}}))


@settings(deadline=None)
@given(st.dictionaries(keys | scalars, values, max_size=2), values)
def test_any_tiers_and_defaults_are_refused_or_read(tiers: dict[str, object], defaults: object) -> None:
    with contextlib.suppress(InvalidPolicyError):
        parsed(minimal({"small": WHOLE, **tiers}, defaults=defaults))


@settings(deadline=None)
@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_refused_or_read(text: str) -> None:
    with contextlib.suppress(InvalidPolicyError):
        codec.parse(text)
