"""Where the API server is and how we authenticate, from a kubeconfig or from the pod.

The `kubernetes` package knows every way a kubeconfig can say this; only its configuration is used. It is
read once: a kubeconfig that is switched to another cluster meanwhile moves nobody. The files that it
names, or that a pod has, are followed, and plug-ins are run by us.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.aio import config as kubernetes_config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, incluster_config
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from webhook.adapters.kube import execplugin
from webhook.adapters.kube.clienttls import ClientTls
from webhook.adapters.kube.credentials import (
    Credentials,
    CredentialsError,
    Fixed,
    PluginCredentials,
    TokenFile,
    bearer,
)


@dataclass(frozen=True, slots=True)
class Access:
    """An API server with our credentials for it, which no part of it shows in its repr."""

    url: str
    tls: ClientTls
    credentials: Credentials
    server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)  # its address may hold a password

    async def renew(self, rejected: str | None) -> bool:
        """The API server does not know us: whether there are other credentials to try with.

        Raises CredentialsError when they cannot be renewed.
        """
        before = self.tls.current()
        self.tls.look()
        return await self.credentials.renew(rejected) or self.tls.current() is not before


async def load(kubeconfig: Path | None) -> Access:
    """Read `kubeconfig`, or the pod's ServiceAccount for None. Raises CredentialsError.

    What ends up without any credentials is refused: we never go on as system:anonymous.
    """
    if kubeconfig is not None:
        _require_file(kubeconfig)
    source = f"kubeconfig {kubeconfig}" if kubeconfig else "the pod's ServiceAccount"
    try:
        return _in_cluster() if kubeconfig is None else await _from_file(kubeconfig)
    except Exception as error:  # the loaders raise whatever a malformed file makes them stumble over
        raise CredentialsError(
            f"cannot use {source}: {_reason(error)}; name a file with --kubeconfig or KUBECONFIG"
        ) from None


def _require_file(kubeconfig: Path) -> None:
    """The package reports a missing file as a missing key in it. KUBECONFIG may list several."""
    if ":" not in str(kubeconfig) and not kubeconfig.exists():
        raise CredentialsError(
            f"cannot use kubeconfig {kubeconfig}: no such file; name one with --kubeconfig"
        )


def _reason(error: Exception) -> str:
    """The package's texts may go on with the whole entry of the file, token and all."""
    if isinstance(error, CredentialsError | ConfigException | OSError):
        return str(error).partition("{")[0]
    return "it is not a kubeconfig"


def _in_cluster() -> Access:
    configuration = Configuration()
    kubernetes_config.load_incluster_config(client_configuration=configuration)
    return Access(
        url=configuration.host.rstrip("/"),
        tls=ClientTls(configuration.ssl_ca_cert),
        credentials=TokenFile(Path(incluster_config.SERVICE_TOKEN_FILENAME)),
    )


class _Loader(KubeConfigLoader):
    """Leaves plug-ins to us, and shows what it has chosen."""

    async def load_from_exec_plugin(self) -> bool:
        return True

    @property
    def user(self) -> Mapping[str, Any]:
        return self._user.value if self._user else {}

    @property
    def cluster(self) -> Mapping[str, Any]:
        return self._cluster.value if self._cluster else {}

    @property
    def folder(self) -> str:
        """Paths are relative to the file that names them."""
        return os.path.dirname(os.path.abspath(self._user.path)) if self._user else ""


async def _from_file(kubeconfig: Path) -> Access:
    loader = _Loader(KubeConfigMerger(str(kubeconfig)).config, config_base_path=None)
    _refuse_unsupported(loader.user)
    configuration = Configuration()
    await loader.load_and_set(configuration)
    pair = (configuration.cert_file, configuration.key_file) if configuration.cert_file else None
    tls = ClientTls(configuration.ssl_ca_cert, pair, verify=configuration.verify_ssl)
    credentials = await _credentials(loader, configuration, tls)
    if await credentials.authorization() is None and not tls.shows_certificate():
        raise CredentialsError(f"it gives no credentials for {configuration.host}")
    return Access(
        url=configuration.host.rstrip("/"),
        tls=tls,
        credentials=credentials,
        server_name=configuration.tls_server_name,
        proxy=configuration.proxy,
    )


def _refuse_unsupported(user: Mapping[str, Any]) -> None:
    """What we would not keep to is not passed over in silence."""
    if provider := user.get("auth-provider"):
        name = provider.get("name") if isinstance(provider, dict) else provider
        raise CredentialsError(
            f"auth-provider {name!r} cannot be kept fresh while we run; use an exec plug-in,"
            " a tokenFile or a client certificate"
        )
    if asked := sorted({"as", "as-uid", "as-groups", "as-user-extra"} & user.keys()):
        raise CredentialsError(f"impersonation is not supported ({', '.join(asked)})")


async def _credentials(loader: _Loader, configuration: Configuration, tls: ClientTls) -> Credentials:
    user = loader.user
    if "exec" in user:
        plugin = execplugin.read(user["exec"], folder=loader.folder, cluster=loader.cluster)
        credentials = PluginCredentials(plugin.run, tls.issued)
        await credentials.start()
        return credentials
    if token_file := user.get("tokenFile"):
        return TokenFile(Path(loader.folder, token_file))
    header = configuration.api_key.get("BearerToken")
    return Fixed(_checked(header) if header else None)


def _checked(header: str) -> str:
    scheme, _, value = header.partition(" ")
    try:
        return bearer(value) if scheme == "Bearer" else header
    except ValueError as error:
        raise CredentialsError("the token of its user is not a token") from error
