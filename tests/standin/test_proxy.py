"""ClusterIPs lead to the Pods that are ready, as the proxy has learned of them."""

import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.standin.support import until
from tools.standin import proxy
from tools.standin.proxy import Port, Proxy

IP = "127.250.1.1"


def _service(name: str = "web", ip: str = IP, **port: Any) -> dict[str, Any]:
    spec = {"clusterIP": ip, "selector": {"app": "web"}, "ports": [{"port": PORT} | port]}
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def _pod(endpoint: str, *, ready: bool = True, app: str = "web", namespace: str = "shop") -> dict[str, Any]:
    ip, _, port = endpoint.partition(":")
    condition = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"name": endpoint, "namespace": namespace, "labels": {"app": app}},
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": int(port)}]}]},
        "status": {"podIP": ip, "conditions": [condition]},
    }


PORT = 18080


@pytest.fixture
def late() -> list[float]:
    return [0.0]


@pytest.fixture
def running(late: list[float]) -> Iterator[Proxy]:
    with Proxy(lambda: late[0]) as made:
        yield made


def _greeting(ip: str = IP) -> str:
    try:
        with socket.create_connection((ip, PORT), timeout=5) as connection:
            return connection.recv(100).decode()
    except ConnectionError:
        return ""


def test_ready_pods_of_the_service_take_turns(running: Proxy, greeters: list[str]) -> None:
    one, other = greeters
    strangers = [
        _pod("127.0.0.1:1", ready=False),
        _pod("127.0.0.1:2", app="else"),
        _pod("127.0.0.1:3", namespace="else"),
    ]
    running.sync([_service(targetPort="http")], [_pod(one), _pod(other), *strangers])
    assert {_greeting() for _ in range(6)} == {one, other}
    assert running.problems() == []


@pytest.mark.parametrize(
    ("target", "known"),
    [
        ({"targetPort": "http"}, "127.0.0.1:9"),
        ({"targetPort": 77}, "127.0.0.1:77"),
        ({}, f"127.0.0.1:{PORT}"),
    ],
    ids=["by name", "by number", "not said"],
)
def test_the_port_that_pods_are_called_at(running: Proxy, target: dict[str, Any], known: str) -> None:
    running.sync([_service(**target)], [_pod("127.0.0.1:9")])
    assert running.balancer("web").known == (known,)


def test_a_pod_without_a_port_of_that_name_is_none(running: Proxy) -> None:
    running.sync([_service(targetPort="grpc")], [_pod("127.0.0.1:9")])
    assert running.balancer("web").known == ()


def test_changes_are_learned_as_late_as_asked(running: Proxy, late: list[float], greeters: list[str]) -> None:
    one, other = greeters
    service = _service(targetPort="http")
    running.sync([service], [_pod(one)])
    late[0] = 0.3
    running.sync([service], [_pod(other)])
    assert _greeting() == one
    until(lambda: _greeting() == other, "the change to be known")


def test_a_service_that_is_gone_or_moves_is_listened_for_no_longer(
    running: Proxy, greeters: list[str]
) -> None:
    pods = [_pod(greeters[0])]
    running.sync([_service(targetPort="http")], pods)
    assert _greeting() == greeters[0]
    running.sync([_service(targetPort="http", ip="127.250.1.2")], pods)
    assert (_greeting(), _greeting("127.250.1.2")) == ("", greeters[0])
    running.sync([], pods)
    assert _greeting("127.250.1.2") == ""
    with pytest.raises(KeyError):
        running.balancer("web")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda spec: spec.update(clusterIP="None"), id="headless"),
        pytest.param(lambda spec: spec.pop("clusterIP"), id="an external name"),
        pytest.param(lambda spec: spec.pop("selector"), id="no selector"),
    ],
)
def test_some_services_have_nothing_to_balance(
    running: Proxy, change: Callable[[dict[str, Any]], object]
) -> None:
    service = _service()
    change(service["spec"])
    running.sync([service], [])
    with pytest.raises(KeyError):
        running.balancer("web")


def test_a_port_that_is_taken_is_a_problem_until_it_is_free(running: Proxy) -> None:
    with socket.create_server((IP, PORT)):
        running.sync([_service()], [])
        assert running.problems() == [
            f"service web: cannot listen on {IP}:{PORT}: it is taken, end what uses it"
        ]
    running.sync([_service()], [])
    assert running.problems() == []


def test_a_port_that_takes_rights_says_what_to_do() -> None:
    said = proxy._refusal(Port("shop", "web", IP, 443), OSError(errno.EACCES, "Permission denied"))
    assert said == (
        f"service web: cannot listen on {IP}:443, which takes root's rights: run as root, choose a service "
        "port from 1024 on, or allow it with sysctl net.ipv4.ip_unprivileged_port_start=443"
    )
