"""Whether a serving certificate does its work: findings as values, each wrong one with the way out.

Nothing is read or dialled here. What an API server would say is decided by its own rules; see pki_chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from webhook.adapters.pki import chain as pki_chain
from webhook.adapters.pki import facts as pki_facts
from webhook.adapters.pki import names as pki_names
from webhook.adapters.pki import pem as pki_pem
from webhook.adapters.tls import CertificateError
from webhook.core import wording

_ISSUE_LEAF = (
    "let cert-manager issue one (`cmctl renew`), put a new one into the Secret, or use `nsp certs renew`"
)
_ISSUE_CA = "make a new CA, and keep the old one beside it in the bundle until every leaf is of the new one"
_NAME = "add the host to the Certificate's dnsNames, or issue one with `nsp certs renew --host HOST`"
GIVE_PEM = "give the PEM text, which begins with -----BEGIN CERTIFICATE-----"
_BUNDLE = "put the CA that signed it into the bundle, or issue one from a CA of the bundle"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where nothing is to be done."""

    ok: bool
    what: str
    remedy: str = ""


def check(
    certificate_pem: bytes, *, ca_bundle_pem: bytes | None, hosts: Sequence[str], now: datetime, days: int
) -> list[Finding]:
    """Valid now and for `days` more, for all of `hosts`, and trusted by who has `ca_bundle_pem`.

    `certificate_pem` is the leaf, with what lies between it and the bundle behind it.
    Nobody's trust is looked at when there is no bundle.
    """
    try:
        chain = pki_pem.certificates(certificate_pem)
    except CertificateError as error:
        return [Finding(False, f"the certificate cannot be read: {error}", GIVE_PEM)]
    trusted = [] if ca_bundle_pem is None else [trust(chain, ca_bundle_pem, now=now, days=days)]
    return [validity(chain[0], now=now, days=days), *names(chain[0], hosts), *trusted]


def validity(leaf: x509.Certificate, *, now: datetime, days: int) -> Finding:
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < begins:
        return Finding(
            False, f"it is valid only from {pki_facts.moment(begins)}", "compare the clocks, or wait"
        )
    if now > ends:
        return Finding(False, f"it expired at {pki_facts.moment(ends)}", _ISSUE_LEAF)
    until = f"valid until {pki_facts.moment(ends)}, {(ends - now).days} days left"
    if ends - now < timedelta(days=days):
        return Finding(False, f"{until}, and {days} are asked for", _ISSUE_LEAF)
    return Finding(True, until)


def names(leaf: x509.Certificate, hosts: Sequence[str]) -> list[Finding]:
    """One finding for each host; one in all when it is for no host at all."""
    known = pki_names.of(leaf)
    if not known:
        return [Finding(False, "it names no host; clients do not look at the common name", _NAME)]
    return [_name(leaf, host, known) for host in hosts]


def trust(chain: Sequence[x509.Certificate], ca_bundle_pem: bytes, *, now: datetime, days: int) -> Finding:
    """Whether who has the bundle believes the chain, and for how long the authorities last."""
    try:
        bundle = pki_pem.certificates(ca_bundle_pem)
    except CertificateError as error:
        return Finding(False, f"the CA bundle cannot be read: {error}", GIVE_PEM)
    found = pki_chain.find(chain, bundle, now)
    if not found.way:
        obstacles = ", ".join(dict.fromkeys(found.obstacles))
        return Finding(False, f"the CA bundle does not vouch for it: {obstacles}", _BUNDLE)
    anchor, lasts = pki_facts.name(found.way[-1].subject), pki_facts.moment(found.ends)
    if found.ends - now < timedelta(days=days):
        return Finding(False, f"signed by {anchor}, which lasts only until {lasts}", _ISSUE_CA)
    return Finding(True, f"signed by {anchor} of the CA bundle")


def key(certificate_pem: bytes, key_pem: bytes) -> Finding:
    """Whether the private key is the certificate's; no text ever holds anything of the key."""
    try:
        leaf = pki_pem.certificates(certificate_pem)[0]
        private = pki_pem.private_key(key_pem)
    except CertificateError as error:
        return Finding(False, f"certificate and key cannot be compared: {error}", "give both in PEM form")
    if pki_pem.same_key(leaf.public_key(), private.public_key()):
        return Finding(True, "the key belongs to the certificate")
    remedy = "store the pair that was issued together; the leaf stands first in its chain"
    return Finding(False, "the key belongs to another certificate", remedy)


def _name(leaf: x509.Certificate, host: str, known: Sequence[str]) -> Finding:
    if pki_names.covers(leaf, host):
        return Finding(True, f"it is for {host}")
    return Finding(
        False, f"it is not for {host}, only for {pki_facts.printable(wording.listing(known))}", _NAME
    )
