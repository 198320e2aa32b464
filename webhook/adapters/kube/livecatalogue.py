"""The tier catalogue that an installation has in its ConfigMap."""

from typing import NamedTuple

from webhook.adapters.kube import resources
from webhook.adapters.kube.transport import Transport
from webhook.codec import catalogue
from webhook.core.errors import InvalidPolicyError, NotFoundError, Problem
from webhook.core.model import Manifest
from webhook.core.policy import Policy

NAME = "ns-provisioner-catalogue"
KEY = "catalogue.yaml"


class Live(NamedTuple):
    """A catalogue, and where it is from, in words."""

    policy: Policy
    source: str


def path(namespace: str) -> str:
    return resources.BUNDLE["ConfigMap"].path(namespace, NAME)


def source(namespace: str) -> str:
    return f"ConfigMap {namespace}/{NAME}"


def parse(config_map: Manifest, namespace: str) -> Policy:
    """Raises InvalidPolicyError with every problem found; a missing key is one, too."""
    text = (config_map.get("data") or {}).get(KEY)
    try:
        if not isinstance(text, str):
            raise InvalidPolicyError([Problem(f"data[{KEY}]", "is missing", "put the catalogue there")])
        return catalogue.parse(text)
    except InvalidPolicyError as error:
        raise InvalidPolicyError(error.problems, source=source(namespace)) from error


async def load(transport: Transport, namespace: str) -> Live | None:
    """None where there is no such ConfigMap. Raises ClusterError and InvalidPolicyError."""
    try:
        found = await transport.get(path(namespace))
    except NotFoundError:
        return None
    return Live(parse(found, namespace), source(namespace))
