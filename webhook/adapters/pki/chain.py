"""From a leaf to a certificate that the client trusts, as the API server looks for the way.

Any certificate of the bundle ends the way, signed by itself or not, the leaf itself included; every
authority on it has to be valid now and to be marked as one; key identifiers are no more than a hint.
`cryptography.x509.verification` follows the rules of the public web instead, and would refuse what the
API server takes, such as certificates without an authority key identifier. Name constraints are not
looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from webhook.adapters.pki import facts as pki_facts

_LONGEST = 6
"""Certificates on a way; real ones have two or three."""

_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
_SERVER = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}

Way = tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """The way that lasts longest, leaf first; without any, the obstacles that were met."""

    way: Way = ()
    obstacles: tuple[str, ...] = field(default=(), compare=False)

    @property
    def ends(self) -> datetime:
        """When the first certificate above the leaf, or the leaf that is trusted itself, expires."""
        return min(each.not_valid_after_utc for each in self.way[1:] or self.way)


def find(chain: Sequence[x509.Certificate], bundle: Sequence[x509.Certificate], now: datetime) -> Trust:
    """The way from the first of `chain` to one of `bundle`; the rest of `chain` may lie between."""
    leaf, *between = chain
    if obstacle := _unfit_for_servers(leaf):
        return Trust(obstacles=(obstacle,))
    obstacles: list[str] = []
    found = [Trust(way) for way in _ways((leaf,), between, bundle, now, obstacles)]
    return max(found, key=lambda trust: trust.ends) if found else Trust(obstacles=tuple(obstacles))


def _ways(
    begun: Way,
    between: Sequence[x509.Certificate],
    bundle: Sequence[x509.Certificate],
    now: datetime,
    obstacles: list[str],
) -> Iterator[Way]:
    last = begun[-1]
    if last in bundle:
        yield begun
    named = [each for each in dict.fromkeys([*bundle, *between]) if each.subject == last.issuer]
    issuers = [each for each in named if each not in begun]
    if not issuers and last not in bundle:
        obstacles.append(f"its issuer {pki_facts.name(last.issuer)} is not in the bundle")
    for issuer in issuers if len(begun) < _LONGEST else []:
        if obstacle := _obstacle(last, issuer, len(begun) - 1, now):
            obstacles.append(obstacle)
        else:
            yield from _ways((*begun, issuer), between, bundle, now, obstacles)


def _obstacle(signed: x509.Certificate, issuer: x509.Certificate, below: int, now: datetime) -> str:
    """Why `issuer` does not vouch for `signed`, with `below` authorities under it; empty when it does."""
    name = pki_facts.name(issuer.subject)
    if not _signed_by(signed, issuer):
        return f"it is not signed by the key of {name}, only by one of that name"
    if isinstance(signed.signature_hash_algorithm, _BROKEN_HASHES):
        return f"its signature by {name} uses a broken hash"
    if not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        begins, ends = map(pki_facts.moment, (issuer.not_valid_before_utc, issuer.not_valid_after_utc))
        return f"{name} is valid from {begins} to {ends}, not now"
    return _unfit_as_authority(issuer, name, below) or _unfit_for_servers(issuer)


def _signed_by(signed: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        signed.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _unfit_as_authority(issuer: x509.Certificate, name: str, below: int) -> str:
    if not pki_facts.is_authority(issuer):
        return f"{name} is no certificate authority"
    allowed = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    if allowed is not None and below > allowed:
        return f"{name} allows {allowed} authorities below it, and there are {below}"
    return ""


def _unfit_for_servers(certificate: x509.Certificate) -> str:
    name = pki_facts.name(certificate.subject)
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    return "" if _SERVER & set(uses) else f"{name} is not for servers (extended key usage serverAuth)"
