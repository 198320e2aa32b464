"""The credential plug-in of a kubeconfig: a command that prints who we are (ExecCredential).

Run by us and not by the `kubernetes` package, which logs a failed plug-in and goes on as
system:anonymous, waits for a hanging one for ever and lets it read from our standard input.
What a plug-in prints is secret: none of it gets into an error.
"""

import asyncio
import base64
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from webhook.adapters.kube.credentials import CredentialsError, Issued, bearer

PLUGIN_SECONDS = 30.0
"""A plug-in that has not printed everything by then is killed, with all that it has started."""

KILL_SECONDS = 1.0
"""The end of a killed plug-in is not waited for longer than this."""

OUTPUT_LIMIT = 1024 * 1024
"""Bytes; credentials are a few thousand."""

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """What a kubeconfig says about its plug-in. Make one with `read`."""

    command: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    version: str
    hint: str = ""

    async def run(self) -> Issued:
        """What the plug-in gives out now. Raises CredentialsError."""
        output = await self._output()
        try:
            return _issued(json.loads(output), self.version)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise self._failed(f"has not printed credentials of {self.version}") from None

    async def _output(self) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,  # nobody is there to answer questions
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a command"
            raise self._failed(f"cannot be run: {reason}") from error
        code: int | None = None
        try:
            async with asyncio.timeout(PLUGIN_SECONDS):
                output = await self._read(process)
                code = await process.wait()
        except TimeoutError as error:
            raise self._failed(f"has not ended after {PLUGIN_SECONDS:g} s") from error
        finally:
            if code is None:
                await _kill(process)
        if code != 0:
            raise self._failed(f"has failed with exit code {code}; run it by hand to see why")
        return output

    async def _read(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None
        output = bytearray()
        while chunk := await process.stdout.read(65536):
            output += chunk
            if len(output) > OUTPUT_LIMIT:
                raise self._failed(f"has printed more than {OUTPUT_LIMIT} bytes")
        return bytes(output)

    def _failed(self, what: str) -> CredentialsError:
        hint = f" ({self.hint})" if self.hint else ""
        return CredentialsError(f"the credential plug-in {self.command[0]} {what}{hint}")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """With everything that it has started: a shell's child would hold our pipe."""
    with suppress(ProcessLookupError, TimeoutError):
        os.killpg(process.pid, signal.SIGKILL)
        async with asyncio.timeout(KILL_SECONDS):
            await process.communicate()  # what it has printed stands in the way of its end


def read(settings: Mapping[str, Any], *, folder: str, cluster: Mapping[str, Any]) -> ExecPlugin:
    """From the `exec` of a kubeconfig's user and from its cluster. Raises CredentialsError.

    A command with a path in it is relative to `folder`, where the kubeconfig is.
    """
    version = settings.get("apiVersion")
    if version not in VERSIONS:
        raise CredentialsError(f"exec: apiVersion has to be one of {', '.join(VERSIONS)}")
    if settings.get("interactiveMode") == "Always":
        raise CredentialsError("exec: the plug-in wants a terminal (interactiveMode: Always); we have none")
    try:
        command = os.fspath(settings["command"])
        if os.sep in command:
            command = os.path.join(folder, command)
        arguments = [str(argument) for argument in settings.get("args") or ()]
        named = {str(entry["name"]): str(entry["value"]) for entry in settings.get("env") or ()}
    except (LookupError, TypeError) as error:
        raise CredentialsError("exec: it needs a command, args as texts, env as names with values") from error
    spec: dict[str, Any] = {"interactive": False}
    if settings.get("provideClusterInfo"):
        spec["cluster"] = _cluster_info(cluster, folder)
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    return ExecPlugin(
        command=(command, *arguments),
        environment={**os.environ, **named, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
        version=version,
        hint=str(settings.get("installHint") or "").strip()[:200],
    )


_CLUSTER_INFO = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
)

_EXTENSION = "client.authentication.k8s.io/exec"
"""The extension of a kubeconfig's cluster that is meant for its plug-in."""


def _cluster_info(cluster: Mapping[str, Any], folder: str) -> dict[str, Any]:
    info = {key: cluster[key] for key in _CLUSTER_INFO if key in cluster}
    authority = cluster.get("certificate-authority")
    if authority and "certificate-authority-data" not in info:
        try:
            content = Path(folder, authority).read_bytes()
        except OSError as error:
            raise CredentialsError(f"{error.filename}: {error.strerror}") from error
        info["certificate-authority-data"] = base64.b64encode(content).decode()
    for extension in cluster.get("extensions") or ():
        if extension.get("name") == _EXTENSION:
            info["config"] = extension.get("extension")
    return info


def _issued(answer: Mapping[str, Any], version: str) -> Issued:
    """What an ExecCredential gives out. Raises ValueError, TypeError or LookupError for anything else."""
    if answer["kind"] != "ExecCredential" or answer["apiVersion"] != version:
        raise ValueError("another kind or version")
    status = answer["status"]
    token = status.get("token")
    pair = status.get("clientCertificateData"), status.get("clientKeyData")
    expires = status.get("expirationTimestamp")
    if token:
        bearer(token)
    if any(pair):
        "".join(pair)  # texts, both
    elif not token:
        raise ValueError("neither a token nor a certificate with its key")
    return Issued(token or None, pair if any(pair) else None, _moment(expires) if expires else None)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
