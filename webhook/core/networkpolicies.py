"""The NetworkPolicies that a tier names: three that every namespace wants, and two with arguments.

NetworkPolicies add up and can only allow, so what denies has to be among them.
Source: kubernetes.io, "Network Policies".
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from webhook.core import wording
from webhook.core.document import Document
from webhook.core.model import Manifest

_DNS_PORTS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
_ALL_PODS: dict[str, Any] = {"podSelector": {}}


def _namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


_PLAIN: Mapping[str, Manifest] = {
    "default-deny-all": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    "allow-same-namespace": {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [_ALL_PODS]}],
        "egress": [{"to": [_ALL_PODS]}],
    },
    # Without it nothing in the namespace resolves a name.
    "allow-dns-egress": {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [_namespace("kube-system")], "ports": _DNS_PORTS}],
    },
}

STANDARD = tuple(_PLAIN)
"""What a tier has that names none."""


def _ingress_from(namespaces: tuple[str, ...]) -> Manifest:
    sources = [_namespace(name) for name in namespaces]
    return {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": sources}]}


def _egress_to(blocks: tuple[str, ...]) -> Manifest:
    targets = [{"ipBlock": {"cidr": block}} for block in blocks]
    return {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": targets}]}


def _blocks(document: Document, path: str, value: object) -> tuple[str, ...]:
    blocks = document.texts(path, value)
    for index, block in enumerate(blocks):
        if not _is_block(block):
            document.problem(
                f"{path}[{index}]", f"{wording.quote(block)} is no address block", "such as 10.0.0.0/8"
            )
    return blocks


def _is_block(text: str) -> bool:
    """What the API server takes: Python's library knows more ways to write one."""
    address, _, length = text.partition("/")
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return False
    mapped = network.version == 6 and ipaddress.IPv6Address(network.network_address).ipv4_mapped is not None
    return length == str(network.prefixlen) and not mapped and "%" not in address


_Reader = Callable[[Document, str, object], tuple[str, ...]]
_WITH_ARGUMENTS: Mapping[str, tuple[_Reader, Callable[[tuple[str, ...]], Manifest]]] = {
    "allow-ingress-from": (Document.names, _ingress_from),
    "allow-egress-to": (_blocks, _egress_to),
}

NAMES = (*_PLAIN, *_WITH_ARGUMENTS)


def read(document: Document, path: str, value: object) -> dict[str, Manifest]:
    """The specs by name, from a list of names; one with arguments is a mapping `{name: [argument]}`."""
    if not isinstance(value, list):
        document.texts(path, value)
        return {}
    found: dict[str, Manifest] = {}
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        name, arguments = _item(document, place, item)
        if name in found:
            document.problem(place, f"{name} stands here twice", "name it once")
        elif name in _PLAIN:
            found[name] = _PLAIN[name]
        elif name in _WITH_ARGUMENTS:
            reader, spec = _WITH_ARGUMENTS[name]
            found[name] = spec(reader(document, f"{place}.{name}", arguments))
    return found


def _item(document: Document, place: str, item: object) -> tuple[str, object]:
    """Name and arguments of one entry; an empty name when it is wrong."""
    if isinstance(item, Mapping) and len(item) == 1:
        name, arguments = next(iter(item.items()))
        document.choice(place, str(name), tuple(_WITH_ARGUMENTS), what="a network policy with arguments")
        if arguments == []:
            document.problem(f"{place}.{name}", "is empty", "name at least one, or leave the policy out")
        return str(name), arguments
    name = document.text(place, item)
    if name in _WITH_ARGUMENTS:
        document.problem(place, f"{name} needs arguments", f"write `{name}: [...]`")
        return "", None
    if name:
        document.choice(place, name, NAMES, what="a network policy")
    return name, None
