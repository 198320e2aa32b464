"""Services, as a node's proxy makes them: each ClusterIP balances over the Pods that are ready.

A plane's ClusterIPs are loopback addresses, so a listener is all it takes, and nobody has to change the
Service.
"""

import asyncio
import errno
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import uvloop

from tools.chaos.balancer import Balancer
from tools.standin import probes, status
from tools.standin.environment import Manifest

_CALL_SECONDS = 30.0  # more than anything asked of the loop may take


@dataclass(frozen=True, slots=True)
class Port:
    namespace: str
    service: str
    ip: str
    port: int


class Proxy:
    """A context manager. `lateness` says in seconds how late the next change becomes known."""

    def __init__(self, lateness: Callable[[], float]) -> None:
        self._lateness = lateness
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._balancers: dict[Port, Balancer] = {}
        self._announced: dict[Port, tuple[str, ...]] = {}
        self._refused: dict[Port, str] = {}

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for port in list(self._balancers):
            self._close(port)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def problems(self) -> list[str]:
        return list(self._refused.values())

    def balancer(self, service: str, port: int | None = None) -> Balancer:
        """Of a Service's port, the first when none is named. Raises KeyError."""
        for each, found in sorted(self._balancers.items(), key=lambda item: item[0].port):
            if each.service == service and port in (None, each.port):
                return found
        raise KeyError(service)

    def sync(self, services: Iterable[Manifest], pods: Sequence[Manifest]) -> None:
        """Listen for what is there now, and no longer for what is not; pass on who is ready."""
        wanted = {port: ends for service in services for port, ends in _ports(service, pods)}
        for port in set(self._balancers) - set(wanted):
            self._close(port)
        for port in set(self._refused) - set(wanted):
            del self._refused[port]
        for port, ends in wanted.items():
            if port not in self._balancers:
                self._open(port, ends)
            elif self._announced[port] != ends:
                self._balancers[port].announce(ends)
                self._announced[port] = ends

    def _open(self, port: Port, ends: tuple[str, ...]) -> None:
        balancer = Balancer(self._lateness)
        try:
            self._call(balancer.start(ends, port.ip, port.port))
        except OSError as error:
            self._refused[port] = _refusal(port, error)
            return
        self._refused.pop(port, None)
        self._balancers[port], self._announced[port] = balancer, ends

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_SECONDS)

    def _close(self, port: Port) -> None:
        self._call(self._balancers.pop(port).stop())
        del self._announced[port]


def _ports(service: Manifest, pods: Sequence[Manifest]) -> Iterable[tuple[Port, tuple[str, ...]]]:
    """Those of a Service with Pods behind it; headless ones and ExternalNames have nothing to balance."""
    metadata, spec = service["metadata"], service["spec"]
    ip, selector = spec.get("clusterIP", "None"), spec.get("selector") or {}
    if ip in ("", "None") or not selector:
        return
    behind = [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == metadata["namespace"]
        and status.selects(selector.items(), pod)
        and status.is_ready(pod)
    ]
    for each in spec["ports"]:
        ends = (_endpoint(pod, each.get("targetPort", each["port"])) for pod in behind)
        port = Port(metadata["namespace"], metadata["name"], ip, each["port"])
        yield port, tuple(sorted(end for end in ends if end))


def _endpoint(pod: Manifest, target: int | str) -> str:
    """Empty for a Pod that has no port of that name."""
    ports = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
        if "name" in port
    }
    try:
        return f"{pod['status']['podIP']}:{probes.number(target, ports)}"
    except ValueError:
        return ""


def _refusal(port: Port, error: OSError) -> str:
    what = f"service {port.service}: cannot listen on {port.ip}:{port.port}"
    if error.errno == errno.EACCES:
        return (
            f"{what}, which takes root's rights: run as root, choose a service port from 1024 on, or "
            f"allow it with sysctl net.ipv4.ip_unprivileged_port_start={port.port}"
        )
    if error.errno == errno.EADDRINUSE:
        return f"{what}: it is taken, end what uses it"
    return f"{what}: {error.strerror}"
