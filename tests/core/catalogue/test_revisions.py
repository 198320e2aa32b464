"""Revisions: a tier's stands for what it puts into a namespace, the catalogue's for all that it says."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codec.builders import CATALOGUE, DROP, document
from webhook.codec import catalogue as codec
from webhook.core import catalogue
from webhook.core.policy import Tier

BUILT_IN = catalogue.parse(document())
QUOTA = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "pods")
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}


def _small(changes: Mapping[str, object] | None = None) -> Tier:
    return catalogue.parse(document(changes)).tiers["small"]


def _reversed(value: Any) -> Any:
    return {key: _reversed(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def test_the_order_of_keys_changes_no_revision() -> None:
    turned = catalogue.parse(_reversed(document()))
    assert turned.revision == BUILT_IN.revision
    assert turned.tiers["small"].revision == _small().revision


def test_the_name_of_a_tier_does_not_change_its_revision() -> None:
    renamed = catalogue.parse(document({"tiers/tiny": document()["tiers"]["small"]}))
    assert renamed.tiers["tiny"].revision == _small().revision


def test_the_built_in_tiers_have_revisions_of_their_own() -> None:
    revisions = {tier.revision for tier in BUILT_IN.tiers.values()}
    assert len(revisions) == 4
    assert all(len(revision) == 10 and revision.isalnum() for revision in {*revisions, BUILT_IN.revision})


@pytest.mark.parametrize(
    "changes",
    [
        *(pytest.param({f"tiers/small/quota/{key}": "3"}, id=f"quota {key}") for key in QUOTA),
        pytest.param({"tiers/small/quota/secrets": "3"}, id="another quota key"),
        pytest.param({"tiers/small/limitRange/default/cpu": "3"}, id="default cpu"),
        pytest.param({"tiers/small/limitRange/default/memory": "3Gi"}, id="default memory"),
        pytest.param({"tiers/small/limitRange/defaultRequest/cpu": "3m"}, id="defaultRequest cpu"),
        pytest.param({"tiers/small/limitRange/defaultRequest/memory": "3Mi"}, id="defaultRequest memory"),
        pytest.param({"tiers/small/podSecurity": {"enforce": "restricted"}}, id="pod security enforce"),
        pytest.param({"tiers/small/podSecurity": {"audit": "restricted"}}, id="pod security audit"),
        pytest.param({"tiers/base/podSecurity/enforce": "restricted"}, id="pod security of its parent"),
        pytest.param({"tiers/small/networkPolicies": []}, id="no network policy"),
        pytest.param({"tiers/small/networkPolicies": ["default-deny-all"]}, id="fewer network policies"),
        pytest.param(
            {"tiers/small/networkPolicies": [{"allow-egress-to": ["10.0.0.0/8"]}]},
            id="a network policy with arguments",
        ),
        pytest.param({"tiers/small/extraManifests": [CONFIG_MAP]}, id="an extra manifest"),
    ],
)
def test_every_changed_value_changes_both_revisions(changes: dict[str, object]) -> None:
    changed = catalogue.parse(document(changes))
    assert changed.tiers["small"].revision != BUILT_IN.tiers["small"].revision
    assert changed.revision != BUILT_IN.revision


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tiers/small/title": "Small"}, id="a title"),
        pytest.param({"tiers/small/ttl": "7d"}, id="a lifetime"),
        pytest.param({"tiers/small/maxTtl": "7d"}, id="a longest lifetime"),
        pytest.param({"tiers/small/deletionProtection": True}, id="protection"),
        pytest.param({"tiers/small/allowed": {"groups": ["vip"]}}, id="who may have it"),
        pytest.param(
            {"tiers/small/overrides": {"quota": {"pods": {"max": 30}}}}, id="what may be overridden"
        ),
        pytest.param({"tiers/small/replacedBy": "large"}, id="what to take instead"),
        pytest.param({"tiers/large/quota/pods": "501"}, id="another tier"),
        pytest.param({"policy/defaultTier": "large"}, id="the default tier"),
        pytest.param({"policy/adminGroups": []}, id="the admins"),
        pytest.param({"policy/modes": {"name-pattern": "warn"}}, id="a mode"),
        pytest.param({"defaults": DROP}, id="the defaults left out"),
    ],
)
def test_what_is_not_put_into_a_namespace_changes_the_catalogue_s_revision_alone(
    changes: dict[str, object],
) -> None:
    """So that no object is written again for it."""
    changed = catalogue.parse(document(changes))
    assert changed.tiers["small"].revision == BUILT_IN.tiers["small"].revision
    assert changed.revision != BUILT_IN.revision


def test_the_same_values_in_another_place_are_another_revision() -> None:
    both = {"cpu": "1", "memory": "1Gi"}
    limits = {"default": {"cpu": "1"}, "defaultRequest": both}
    swapped = {"default": {"memory": "1Gi"}, "defaultRequest": both}
    one, other = (_small({"tiers/small/limitRange": side}) for side in (limits, swapped))
    assert one.revision != other.revision


def test_another_tier_stays_as_it_is() -> None:
    changed = catalogue.parse(document({"tiers/large/quota/pods": "501"}))
    assert changed.tiers["small"] == BUILT_IN.tiers["small"]


def test_a_tier_that_says_by_itself_what_it_inherited_has_the_same_revision() -> None:
    alone = {**document()["tiers"]["base"], **document()["tiers"]["small"]}
    del alone["abstract"], alone["extends"]
    assert catalogue.parse(document({"tiers/small": alone})).tiers["small"] == BUILT_IN.tiers["small"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# a remark\n" + CATALOGUE, id="a remark"),
        pytest.param(CATALOGUE + "\n\n", id="empty lines"),
        pytest.param(
            CATALOGUE.replace("[admin, ns-provisioner]", "\n    - admin\n    - 'ns-provisioner'"), id="style"
        ),
    ],
)
def test_how_a_file_is_written_changes_nothing(text: str) -> None:
    assert text != CATALOGUE
    assert codec.parse(text) == codec.parse(CATALOGUE)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "policy/defaultTier": st.sampled_from(["small", "large"]),
        "policy/reservedNames": st.sampled_from([[], ["admin"], ["admin", "ns-provisioner"]]),
        "policy/teamGroups": st.sampled_from(["", "team-{team}", "{team}-devs"]),
        "tiers/small/title": st.sampled_from(["small", "Small"]),
        "tiers/small/quota/pods": st.sampled_from(["20", "21"]),
        "tiers/small/ttl": st.sampled_from(["1d", "2d"]),
        "tiers/small/limitRange/default/cpu": st.sampled_from(["500m", "0.5", "1"]),
    },
)


@settings(deadline=None, max_examples=30)
@given(CHANGES, CHANGES)
def test_revisions_are_equal_exactly_when_the_contents_are(
    one: dict[str, object], other: dict[str, object]
) -> None:
    documents = document(one), document(other)
    first, second = (catalogue.parse(each) for each in documents)
    assert (first.revision == second.revision) is (documents[0] == documents[1])
    same = all(
        getattr(first.tiers["small"], part) == getattr(second.tiers["small"], part)
        for part in ("quota", "default", "default_request")
    )
    assert (first.tiers["small"].revision == second.tiers["small"].revision) is same
