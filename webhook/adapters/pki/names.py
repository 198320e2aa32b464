"""The hosts that a certificate is for, and whether a client that dials one is satisfied.

As the API server sees it: only subject alternative names count, an address has to be named as an
address, and `*` stands for one whole leftmost label.
"""

import ipaddress

from cryptography import x509


def of(certificate: x509.Certificate) -> list[str]:
    """DNS names and IP addresses, in the order of the certificate."""
    return [str(name.value) for name in _alternatives(certificate) if isinstance(name, _HOSTS)]


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Whether `host`, a DNS name or an IP address without brackets, is one that it is for."""
    names = [name for name in _alternatives(certificate) if isinstance(name, _HOSTS)]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(_matches(name.value, host) for name in names if isinstance(name, x509.DNSName))
    return any(name.value == address for name in names if isinstance(name, x509.IPAddress))


_HOSTS = (x509.DNSName, x509.IPAddress)


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _matches(pattern: str, host: str) -> bool:
    asked = host.lower().removesuffix(".").split(".")
    given = pattern.lower().split(".")
    if len(asked) != len(given) or not all(asked):
        return False
    return given[0] in ("*", asked[0]) and given[1:] == asked[1:]
