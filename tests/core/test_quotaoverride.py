"""The value of the annotation platform/quota, as text from anybody."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.builders import state, tier, with_tier
from tests.core.strategies import hostile
from webhook.core import bundle, labels, quantity, quotaoverride
from webhook.core.policy import Bounds, Tier

OVERRIDES = {"requests.cpu": Bounds("1", "8"), "pods": Bounds(maximum="100"), "limits.memory": Bounds()}
OPEN = tier(overrides=OVERRIDES)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param(" , ,", {}, id="commas alone"),
        pytest.param("pods=3", {"pods": "3"}, id="one"),
        pytest.param("pods=3,requests.cpu=6", {"pods": "3", "requests.cpu": "6"}, id="two"),
        pytest.param("\n pods = 3 ,\n requests.cpu=6\n", {"pods": "3", "requests.cpu": "6"}, id="on lines"),
        pytest.param("pods", {"pods": ""}, id="no sign"),
        pytest.param("=3", {"": "3"}, id="no key"),
        pytest.param("a=b=c", {"a": "b=c"}, id="two signs"),
        pytest.param("pods=3,pods=4", {"pods": "4"}, id="one twice: the last word counts"),
    ],
)
def test_parse(text: str, pairs: Mapping[str, str]) -> None:
    assert quotaoverride.parse(text) == pairs


@pytest.mark.parametrize(
    ("text", "hard"),
    [
        pytest.param("pods=30", {"pods": "30"}, id="what is within bounds"),
        pytest.param("pods=300", {}, id="not what is above"),
        pytest.param("requests.cpu=500m", {}, id="not what is below"),
        pytest.param("secrets=3", {}, id="not what the tier keeps"),
        pytest.param("pods=30, requests.cpu=9", {"pods": "30"}, id="the rest all the same"),
        pytest.param("pods=many", {}, id="not what is no quantity"),
        pytest.param("pods=1.5", {}, id="not half a pod"),
        pytest.param("pods=-1", {}, id="not less than nothing"),
        pytest.param("pods=30, pods=300", {}, id="not the first of two, of which the last is too much"),
        pytest.param("junk", {}, id="not nonsense"),
        pytest.param("limits.memory=4Ti", {"limits.memory": "4Ti"}, id="as much as one likes without bounds"),
    ],
)
def test_what_the_controller_makes_of_it(text: str, hard: Mapping[str, str]) -> None:
    """The annotation may be older than the tier's bounds: what is out of them counts for nothing."""
    assert quotaoverride.quota(text, OPEN) == {**OPEN.quota, **hard}


def test_the_bundle_holds_what_the_annotation_may_set() -> None:
    policy = with_tier(overrides=OVERRIDES)
    for text, pods in (("pods=30", "30"), ("pods=300", "20"), (None, "20")):
        made = bundle.of("payments", state(annotations={labels.QUOTA: text}), policy)
        (quota,) = [item for item in made.objects if item["kind"] == "ResourceQuota"]
        assert quota["spec"]["hard"] == {**OPEN.quota, "pods": pods}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 10**6, id="letters"),
        pytest.param("," * 10**6, id="commas"),
        pytest.param("=" * 10**6, id="signs"),
        pytest.param("pods=" + "9" * 10**6, id="digits"),
        pytest.param("pods=1," * 10**5, id="the same over and over"),
        pytest.param(",".join(f"k{n}=1" for n in range(10**5)), id="a hundred thousand keys"),
        pytest.param("pods=1" + " " * 10**6, id="spaces"),
        pytest.param("\ud800=" * 10**5, id="halves of surrogate pairs"),
        pytest.param("pods=1e" + "9" * 10**6, id="an endless exponent"),
    ],
)
def test_a_million_characters_stay_quick_and_the_words_few(text: str) -> None:
    began = time.perf_counter()
    problems = list(quotaoverride.problems(text, OPEN))
    hard = quotaoverride.quota(text, OPEN)
    assert time.perf_counter() - began < 0.5
    assert len(problems) <= 33
    assert all(problem.isascii() and problem.isprintable() and len(problem) < 1000 for problem in problems)
    assert hard.keys() == OPEN.quota.keys()


@settings(deadline=None)
@given(st.integers(0, 20_000), st.sampled_from(["", "m", "k", "e0", ".0", ".", "000m"]))
def test_bounds_are_by_value(count: int, suffix: str) -> None:
    value = quantity.parse(f"{count}{suffix}")
    problems = list(quotaoverride.problems(f"requests.cpu={count}{suffix}", OPEN))
    assert (not problems) is (1 <= value <= 8)


@settings(deadline=None)
@given(hostile | st.text("pods=1, requests.cpu=\n", max_size=40))
def test_any_text_gives_a_quota_within_the_bounds(text: str) -> None:
    hard = quotaoverride.quota(text, OPEN)
    assert hard.keys() == OPEN.quota.keys()
    for key, amount in hard.items():
        if key not in OVERRIDES:
            assert amount == OPEN.quota[key]
    assert 1 <= quantity.parse(hard["requests.cpu"]) <= 8
    assert 0 <= quantity.parse(hard["pods"]) <= 100


@settings(deadline=None)
@given(hostile | st.text("pods=1, requests.cpu=\n", max_size=40))
def test_what_has_no_problem_is_taken_whole(text: str) -> None:
    """Admission and the controller never read one annotation in two ways."""
    if not list(quotaoverride.problems(text, OPEN)):
        assert quotaoverride.quota(text, OPEN) == {**OPEN.quota, **quotaoverride.parse(text)}


def test_without_overrides_nothing_is_taken() -> None:
    closed: Tier = tier()
    assert quotaoverride.quota("pods=1", closed) == closed.quota
    assert list(quotaoverride.problems("pods=1", closed)) == ['"pods" cannot be set']
