"""Bodies of the self-service API."""

import msgspec

from webhook.core import labels, wording
from webhook.core.errors import NsProvisionerError
from webhook.core.model import NamespaceState


class MalformedRequestError(NsProvisionerError):
    """The body is not a request that this API knows; the text says what is wrong with it."""


class NamespaceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /namespaces`. Without `tier` the catalogue's default tier is meant."""

    team: str
    tier: str | None = None

    def state(self, requested_by: str) -> NamespaceState:
        tier = {} if self.tier is None else {labels.TIER: self.tier}
        return NamespaceState(
            labels={labels.TEAM: self.team, **tier}, annotations={labels.REQUESTED_BY: requested_by}
        )


class NamespaceAnswer(msgspec.Struct, frozen=True):
    """The namespace as it is now. `resources_created` names what this request brought about."""

    namespace: str
    team: str
    tier: str
    phase: str
    resources_created: list[str]
    message: str = ""


_EXAMPLE = '{"team": "payments", "tier": "small"}'

_decoder = msgspec.json.Decoder(NamespaceRequest)


def decode_request(body: bytes) -> NamespaceRequest:
    """Raises MalformedRequestError, in words for the person who sent the body."""
    if not body:
        raise MalformedRequestError(f"the body is empty; send for instance {_EXAMPLE}")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequestError(f"{wording.cut(error)}; send for instance {_EXAMPLE}") from error
