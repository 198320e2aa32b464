"""Where the API server is and how we authenticate, from a kubeconfig or from the pod.

The `kubernetes` package knows every way a kubeconfig can say this; only its configuration is used.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException

from webhook.core.errors import NsProvisionerError


class CredentialsError(NsProvisionerError):
    """There is no usable kubeconfig and no ServiceAccount of a pod; the text says what was tried."""


@dataclass(frozen=True, slots=True)
class Access:
    """An API server with our credentials for it. Secrets stay out of the repr."""

    url: str
    tls: ssl.SSLContext = field(repr=False)
    configuration: Configuration = field(repr=False)
    server_name: str | None = None
    proxy: str | None = None

    async def authorization(self) -> str | None:
        """The Authorization header for the next request; an in-cluster token is re-read each minute."""
        settings = await self.configuration.auth_settings()
        bearer = settings.get("BearerToken")
        value = bearer["value"] if bearer else None
        return value.strip() if value else None  # a token file may end in a newline


async def load(kubeconfig: Path | None) -> Access:
    """Read `kubeconfig`, or the pod's ServiceAccount for None. Raises CredentialsError.

    A kubeconfig that ends up without any credentials is refused: the package logs a failed exec
    plug-in and would go on as system:anonymous.
    """
    if kubeconfig is not None:
        _require_file(kubeconfig)
    configuration = Configuration()
    try:
        if kubeconfig is None:
            kubernetes_config.load_incluster_config(client_configuration=configuration)
        else:
            await kubernetes_config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    except Exception as error:  # the loaders raise whatever a malformed file makes them stumble over
        source = f"kubeconfig {kubeconfig}" if kubeconfig else "the pod's ServiceAccount"
        known = isinstance(error, ConfigException | OSError)
        reason = str(error) if known else "it is not a kubeconfig"
        raise CredentialsError(
            f"cannot use {source}: {reason}; name a file with --kubeconfig or KUBECONFIG"
        ) from error
    if not (configuration.api_key or configuration.cert_file):
        raise CredentialsError(f"kubeconfig {kubeconfig} gives no credentials for {configuration.host}")
    return Access(
        url=configuration.host.rstrip("/"),
        tls=_tls(configuration),
        configuration=configuration,
        server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
    )


def _require_file(kubeconfig: Path) -> None:
    """The package reports a missing file as a missing key in it. KUBECONFIG may list several."""
    if ":" not in str(kubeconfig) and not kubeconfig.exists():
        raise CredentialsError(
            f"cannot use kubeconfig {kubeconfig}: no such file; name one with --kubeconfig"
        )


def _tls(configuration: Configuration) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(
            cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data
        )
        if configuration.cert_file:
            # An empty pass phrase keeps OpenSSL from asking for one at the terminal.
            context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file, password="")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CredentialsError(
            f"the certificates of the kubeconfig or pod for {configuration.host} cannot be used: {reason}"
        ) from error
    if not configuration.verify_ssl:  # the kubeconfig says insecure-skip-tls-verify
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
