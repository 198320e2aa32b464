"""The network policies that a tier names."""

import pytest

from tests.core.catalogue.files import problems, small, tier

NAMES = (
    "allowed: allow-dns-egress, allow-egress-to, allow-ingress-from, allow-same-namespace, default-deny-all"
)


def _namespace(name: str) -> dict[str, object]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def test_the_policies_are_those_that_are_named_in_their_order() -> None:
    names = ["allow-dns-egress", "default-deny-all"]
    assert list(tier(networkPolicies=names).network_policies) == names
    assert tier(networkPolicies=[]).network_policies == {}


def test_who_may_come_in() -> None:
    policies = tier(networkPolicies=[{"allow-ingress-from": ["monitoring", "ingress"]}]).network_policies
    assert policies == {
        "allow-ingress-from": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [_namespace("monitoring"), _namespace("ingress")]}],
        }
    }


def test_where_one_may_go() -> None:
    policies = tier(networkPolicies=[{"allow-egress-to": ["10.0.0.0/8", "2001:db8::/32"]}]).network_policies
    assert policies == {
        "allow-egress-to": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"ipBlock": {"cidr": "2001:db8::/32"}}]}],
        }
    }


def test_both_kinds_stand_beside_the_others() -> None:
    names = ["default-deny-all", {"allow-egress-to": ["10.0.0.0/8"]}, "allow-same-namespace"]
    assert list(tier(networkPolicies=names).network_policies) == [
        "default-deny-all",
        "allow-egress-to",
        "allow-same-namespace",
    ]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        pytest.param(
            "deny-all",
            f'[1]: "deny-all" is not a network policy; {NAMES} (did you mean `default-deny-all`?)',
            id="a name that is none",
        ),
        pytest.param(5, '[1]: must be a text, not "5" (put it in quotes)', id="a number"),
        pytest.param(None, "[1]: must be a text, not nothing (put it in quotes)", id="nothing"),
        pytest.param(
            "allow-egress-to",
            "[1]: allow-egress-to needs arguments (write `allow-egress-to: [...]`)",
            id="one with arguments that has none",
        ),
        pytest.param(
            {"allow-egress-to": []},
            "[1].allow-egress-to: is empty (name at least one, or leave the policy out)",
            id="one with an empty list of arguments",
        ),
        pytest.param(
            {"allow-ingress-from": "monitoring"},
            '[1].allow-ingress-from: must be a list, not "monitoring"',
            id="one argument that is no list",
        ),
        pytest.param(
            {"allow-ingress-from": None},
            "[1].allow-ingress-from: must be a list, not nothing",
            id="no arguments at all",
        ),
        pytest.param(
            {"allow-same-namespace": ["x"]},
            '[1]: "allow-same-namespace" is not a network policy with arguments; '
            "allowed: allow-egress-to, allow-ingress-from (did you mean `allow-egress-to`?)",
            id="arguments for one that takes none",
        ),
        pytest.param(
            {"allow-ingress-from": ["Monitoring"]},
            "[1].allow-ingress-from.Monitoring: is not a name "
            "(use lower-case letters, digits and '-', at most 63)",
            id="a namespace that there cannot be",
        ),
        pytest.param(
            {"allow-egress-to": ["example.com"]},
            '[1].allow-egress-to[0]: "example.com" is no address block (such as 10.0.0.0/8)',
            id="a name for an address",
        ),
        pytest.param(
            {"allow-egress-to": ["10.0.0.1/8"]},
            '[1].allow-egress-to[0]: "10.0.0.1/8" is no address block (such as 10.0.0.0/8)',
            id="an address within a block",
        ),
        pytest.param(
            "default-deny-all", "[1]: default-deny-all stands here twice (name it once)", id="one twice"
        ),
    ],
)
def test_a_wrong_item(item: object, problem: str) -> None:
    found = problems(small(networkPolicies=["default-deny-all", item]))
    assert found == [f"tiers.small.networkPolicies{problem}"]


def test_one_with_arguments_stands_only_once() -> None:
    twice = [{"allow-egress-to": ["10.0.0.0/8"]}, {"allow-egress-to": ["192.168.0.0/16"]}]
    assert problems(small(networkPolicies=twice)) == [
        "tiers.small.networkPolicies[1]: allow-egress-to stands here twice (name it once)"
    ]


@pytest.mark.parametrize("value", ["default-deny-all", {"a": "b"}, 5, True], ids=repr)
def test_the_policies_are_a_list(value: object) -> None:
    (problem,) = problems(small(networkPolicies=value))
    assert problem.startswith("tiers.small.networkPolicies: must be a list, not ")


@pytest.mark.parametrize("value", [[7], [None], [["10.0.0.0/8"]], [""]], ids=repr)
@pytest.mark.parametrize("name", ["allow-egress-to", "allow-ingress-from"])
def test_an_argument_is_a_text(name: str, value: object) -> None:
    found = problems(small(networkPolicies=[{name: value}]))
    assert found[0].startswith(f"tiers.small.networkPolicies[0].{name}[0]: must be a text, not ")
