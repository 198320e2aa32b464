"""What a real API server says in the cases that our table of errors and our credentials are made for."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools.controlplane.plane import ControlPlane
from webhook.adapters.kube import config, credentials
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import (
    ConflictError,
    CredentialsRejectedError,
    NotFoundError,
    RejectedError,
    TooLargeVersionError,
)
from webhook.core.model import Manifest

pytestmark = pytest.mark.anyio

COLLECTION = "/api/v1/namespaces"


@pytest.fixture
async def transport(anyio_backend: object, plane: ControlPlane) -> AsyncIterator[Transport]:
    async with Transport(await config.load(plane.kubeconfig)) as connected:
        yield connected


@pytest.fixture
async def path(transport: Transport, name: str) -> str:
    """Of a namespace that nobody manages."""
    await transport.create(
        COLLECTION,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": {"a": "b"}}},
    )
    return f"{COLLECTION}/{name}"


def config_map(name: str, **metadata: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


async def until(transport: Transport, collection: str, condition: Callable[[Manifest], object]) -> None:
    """Wait until an object of the collection is so."""
    async with asyncio.timeout(30), aclosing(transport.watch(collection, {})) as events:
        async for event in events:
            if condition(event["object"]):
                return


async def test_a_merge_takes_away_what_it_says_is_null(transport: Transport, path: str) -> None:
    merged = await transport.merge(path, {"metadata": {"annotations": {"a": None, "c": "d"}}})
    assert merged["metadata"]["annotations"] == {"c": "d"}


async def test_a_delete_of_another_version_is_a_conflict(transport: Transport, path: str) -> None:
    maps = f"{path}/configmaps"
    made = await transport.create(maps, config_map("it"))
    changed = await transport.merge(f"{maps}/it", {"data": {"a": "b"}})
    uid, old, new = made["metadata"]["uid"], *(it["metadata"]["resourceVersion"] for it in (made, changed))
    with pytest.raises(ConflictError):
        await transport.delete(f"{maps}/it", uid=uid, resource_version=old)
    with pytest.raises(ConflictError):
        await transport.delete(f"{maps}/it", uid="another", resource_version=new)
    await transport.delete(f"{maps}/it", uid=uid, resource_version=new)
    with pytest.raises(NotFoundError):
        await transport.get(f"{maps}/it")


async def test_a_quota_that_is_used_up_refuses_for_good(transport: Transport, path: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "it"}}
    quotas = f"{path}/resourcequotas"
    await transport.create(quotas, {**quota, "spec": {"hard": {"configmaps": "0"}}})
    await until(transport, quotas, lambda it: it.get("status", {}).get("hard"))
    with pytest.raises(RejectedError, match="exceeded quota") as refused:
        await transport.create(f"{path}/configmaps", config_map("it"))
    assert refused.value.code == 403


async def test_a_namespace_that_is_going_counts_as_gone(transport: Transport, path: str) -> None:
    held = f"{path}/configmaps/held"
    await transport.create(f"{path}/configmaps", config_map("held", finalizers=["example.org/hold"]))
    await transport.delete(path, uid=(await transport.get(path))["metadata"]["uid"])
    with pytest.raises(NotFoundError, match="being terminated") as refused:
        await transport.create(f"{path}/configmaps", config_map("it"))
    assert refused.value.code == 403
    await transport.merge(held, {"metadata": {"finalizers": None}})


async def test_a_value_of_a_wrong_type_in_an_apply_is_refused_for_good(
    transport: Transport, path: str
) -> None:
    """500, and it always will be."""
    with pytest.raises(RejectedError) as refused:
        await transport.apply(f"{path}/configmaps/it", {**config_map("it"), "data": {"a": 1}})
    assert refused.value.code == 500


async def test_a_version_of_the_future_is_told_from_other_trouble(transport: Transport) -> None:
    query = {"resourceVersion": "9000000000000000000", "resourceVersionMatch": "NotOlderThan"}
    with pytest.raises(TooLargeVersionError) as refused:
        await anext(transport.pages(COLLECTION, query))
    assert (refused.value.code, refused.value.retry_after) == (504, 1)


async def test_the_server_s_time_is_near_ours_on_one_machine(transport: Transport) -> None:
    await transport.get("/version")
    told = transport.server_time.now()
    assert told is not None
    ours = datetime.now(UTC)
    assert ours - timedelta(seconds=3) < told <= ours + timedelta(seconds=1)


def kubeconfig(plane: ControlPlane, path: Path, user: dict[str, Any]) -> Path:
    """As the plane's own, for another user."""
    content = json.loads(plane.kubeconfig.read_text())
    content["users"][0]["user"] = user
    path.write_text(json.dumps(content))
    return path


def right_token(plane: ControlPlane) -> str:
    token: str = json.loads(plane.kubeconfig.read_text())["users"][0]["user"]["token"]
    return token


@pytest.mark.parametrize("kind", ["a token file", "a plug-in"])
async def test_credentials_that_were_rejected_are_taken_up_anew_without_a_restart(
    plane: ControlPlane, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "RERUN_SECONDS", 0.0)
    token = tmp_path / "token"
    token.write_text("expired")
    user = {"tokenFile": "token"} if kind == "a token file" else plugin(tmp_path)
    async with Transport(await config.load(kubeconfig(plane, tmp_path / "config", user))) as transport:
        for _ in range(2):
            with pytest.raises(CredentialsRejectedError):
                await transport.get("/api/v1/namespaces/default")
        token.write_text(right_token(plane))
        async with aclosing(transport.watch(COLLECTION, {})) as events:
            assert (await anext(events))["type"] == "ADDED"
        assert (await transport.get("/api/v1/namespaces/default"))["kind"] == "Namespace"


def plugin(folder: Path) -> dict[str, Any]:
    """Prints the token that is in the file beside it."""
    version = "client.authentication.k8s.io/v1"
    answer = f'{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{"token": "%s"}}}}'
    script = folder / "login"
    script.write_text(f"#!/bin/sh\nprintf '{answer}' \"$(cat {folder}/token)\"\n")
    script.chmod(0o700)
    return {"exec": {"apiVersion": version, "command": "./login", "interactiveMode": "Never"}}
