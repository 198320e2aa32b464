"""Flags and environment to one frozen Settings. Nothing else in this package reads the environment.

A flag wins over its variable; the variable wins over the default. The edges do not see Settings:
each is given just what it needs by `webhook.wiring`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from webhook.core import wording
from webhook.core.errors import NsProvisionerError

ROLES = ("admission", "controller", "api")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


class SettingsError(NsProvisionerError):
    """A setting is missing or makes no sense; the text names the flag and what it takes."""


class Address(NamedTuple):
    """Where a listener is bound."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its flag is `--name`, its variable NSP_NAME (unless said otherwise)."""

    name: str
    help: str
    default: str | None = None
    variable: str = ""

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def environment(self) -> str:
        return self.variable or "NSP_" + self.name.replace("-", "_").upper()


SERVE = (
    Setting("role", "Roles to run, separated by commas.", ",".join(ROLES)),
    Setting("catalogue", "Tier catalogue file; the built-in one when not given."),
    Setting("admission-listen", "HOST:PORT of the admission pair (HTTPS).", "127.0.0.1:8443"),
    Setting("tls-cert", "Certificate chain of the admission pair (PEM)."),
    Setting("tls-key", "Private key of the admission pair (PEM)."),
    Setting("admission-client-ca", "CA of the certificates that callers of the admission pair must show."),
    Setting(
        "admission-client-subjects",
        "Common or DNS names that those certificates may bear, separated by commas; any when not given.",
    ),
    Setting("drain-quiet", "Seconds without a request after which a draining admission pair stops.", "8"),
    Setting("drain-grace", "Seconds after SIGTERM at which it stops in any case.", "25"),
    Setting("log-allowed-every", "Of how many allowed reviews one is logged; 0 for none.", "100"),
    Setting("api-listen", "HOST:PORT of the self-service API (HTTP).", "127.0.0.1:8080"),
    Setting("api-tokens", "File of hashed API tokens."),
    Setting("health-listen", "HOST:PORT of /livez, /readyz and /metrics (HTTP).", "127.0.0.1:8081"),
    Setting(
        "lease-namespace",
        "Namespace of the Lease by which one controller leads; by default the pod's own, outside a pod"
        " kube-system. Tenants must not be able to write Leases in it.",
    ),
    Setting(
        "kubeconfig", "Credentials for the API server; the pod's own when not given.", None, "KUBECONFIG"
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `nsp serve` was asked to do. Paths are None where a default or no need applies."""

    roles: frozenset[str]
    catalogue: Path | None
    admission_listen: Address
    tls_cert: Path | None
    tls_key: Path | None
    admission_client_ca: Path | None
    admission_client_subjects: frozenset[str]
    drain_quiet: int
    drain_grace: int
    log_allowed_every: int
    api_listen: Address
    api_tokens: Path | None
    health_listen: Address
    lease_namespace: str | None
    kubeconfig: Path | None


def kubeconfig(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The kubeconfig that the environment names, for commands that run no role."""
    return _path(environment.get("KUBECONFIG"))


def load(flags: Mapping[str, str | None], environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the flags that were given and the environment. Raises SettingsError."""
    values = {
        setting.name: given
        if (given := flags.get(setting.name)) is not None
        else _otherwise(setting, environment)
        for setting in SERVE
    }
    roles = _roles(values["role"] or "")
    if "admission" in roles:
        _require(values, "tls-cert", "the admission role serves HTTPS; make a pair with `nsp certs make`")
        _require(values, "tls-key", "the admission role serves HTTPS; make a pair with `nsp certs make`")
    if values["admission-client-subjects"] is not None:
        _require(values, "admission-client-ca", "without it nobody's certificate is looked at")
    if "api" in roles:
        _require(values, "api-tokens", "the api role answers nobody without one")
    return Settings(
        roles=roles,
        catalogue=_path(values["catalogue"]),
        admission_listen=_address("admission-listen", values["admission-listen"] or ""),
        tls_cert=_path(values["tls-cert"]),
        tls_key=_path(values["tls-key"]),
        admission_client_ca=_path(values["admission-client-ca"]),
        admission_client_subjects=_subjects(values["admission-client-subjects"]),
        drain_quiet=_number("drain-quiet", values["drain-quiet"]),
        drain_grace=_number("drain-grace", values["drain-grace"]),
        log_allowed_every=_number("log-allowed-every", values["log-allowed-every"]),
        api_listen=_address("api-listen", values["api-listen"] or ""),
        api_tokens=_path(values["api-tokens"]),
        health_listen=_address("health-listen", values["health-listen"] or ""),
        lease_namespace=_namespace(values["lease-namespace"]),
        kubeconfig=_path(values["kubeconfig"]),
    )


def _otherwise(setting: Setting, environment: Mapping[str, str]) -> str | None:
    """An empty variable is one that is not set; an empty flag is a mistake to be told of."""
    return environment.get(setting.environment) or setting.default


def _roles(text: str) -> frozenset[str]:
    roles = _names(text)
    for unknown in sorted(roles.difference(ROLES)):
        raise SettingsError(
            f"--role: {wording.quote(unknown)} is not a role; allowed: {wording.listing(ROLES)}"
        )
    if not roles:
        raise SettingsError(f"--role: name at least one of {wording.listing(ROLES)}")
    return roles


def _require(values: Mapping[str, str | None], name: str, why: str) -> None:
    if not values[name]:
        raise SettingsError(f"--{name} is missing: {why}")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _namespace(text: str | None) -> str | None:
    """It becomes part of a path, so nothing but a name may be in it."""
    if text is not None and not _NAMESPACE.fullmatch(text):
        raise SettingsError(f"--lease-namespace: {wording.quote(text)} is not the name of a namespace")
    return text


def _names(text: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (text or "").split(",") if part.strip())


def _subjects(text: str | None) -> frozenset[str]:
    """None given admits every certificate of the CA; that must not happen by a slip of the pen."""
    if text is not None and not _names(text):
        raise SettingsError("--admission-client-subjects: name at least one, or leave the setting out")
    return _names(text)


def _number(name: str, text: str | None) -> int:
    if not _NUMBER.fullmatch(text or ""):
        raise SettingsError(f"--{name}: {wording.quote(text or '')} is not a whole number from 0 to 999999")
    return int(text or "")


def _address(name: str, text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535:
        raise SettingsError(f"--{name}: {wording.quote(text)} is not HOST:PORT, for instance 127.0.0.1:8443")
    return Address(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 (":8443" means every interface)
