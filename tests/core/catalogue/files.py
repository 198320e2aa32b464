"""Small catalogue documents, and the problems of broken ones."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from webhook.core import catalogue
from webhook.core.errors import InvalidPolicyError
from webhook.core.policy import Policy, Tier

LIMITS = {"default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}
WHOLE: dict[str, Any] = {
    "quota": {"pods": "5", "requests.cpu": "2"},
    "limitRange": LIMITS,
    "podSecurity": {"enforce": "baseline"},
}
"""A tier that says all it has to."""


def minimal(
    tiers: Mapping[str, object] | None = None,
    policy: Mapping[str, object] | None = None,
    **root: object,
) -> dict[str, Any]:
    """A catalogue that says no more than it has to, with other tiers, policy settings and root keys."""
    return {
        "apiVersion": "ns-provisioner.io/v1alpha1",
        "kind": "TierCatalogue",
        "policy": {"defaultTier": "small", **(policy or {})},
        "tiers": copy.deepcopy({"small": WHOLE} if tiers is None else dict(tiers)),
        **root,
    }


def parsed(content: object) -> Policy:
    return catalogue.parse(content)


def small(**changes: object) -> dict[str, Any]:
    """A catalogue whose one tier says more than it has to."""
    return minimal({"small": {**WHOLE, **changes}})


def tier(**changes: object) -> Tier:
    return parsed(small(**changes)).tiers["small"]


def problems(content: object) -> list[str]:
    """What is said of a broken catalogue, a line for each thing."""
    with pytest.raises(InvalidPolicyError) as refused:
        catalogue.parse(content)
    return [str(problem) for problem in refused.value.problems]


def places(content: object) -> list[str]:
    """Where something is wrong."""
    return [line.split(": ")[0] for line in problems(content)]
