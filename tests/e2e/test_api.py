"""POST /namespaces on a real cluster: the second way in to the same decision."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.e2e import cluster
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation
from tools.dev.product import Product


def test_a_new_namespace_is_answered_when_its_bundle_is_complete(
    plane: ControlPlane, product: Installation, name: str
) -> None:
    status, answer = post(product, {"team": name, "tier": "large"})
    assert status == 201
    assert (answer["namespace"], answer["team"], answer["tier"], answer["phase"]) == (
        name,
        name,
        "large",
        "Ready",
    )
    assert set(answer["resources_created"]) == set(cluster.bundle(plane, name))
    assert cluster.condition(plane, name)["status"] == "True"


def test_the_namespace_names_the_caller_as_who_asked(
    plane: ControlPlane, product: Installation, name: str
) -> None:
    post(product, {"team": name, "tier": "small"})
    live = cluster.get(plane, f"/api/v1/namespaces/{name}")
    assert live is not None
    assert live["metadata"]["annotations"]["platform/requested-by"] == "developer"


def test_asking_again_is_answered_with_what_is_there(product: Installation, name: str) -> None:
    body = {"team": name, "tier": "small"}
    assert post(product, body)[0] == 201
    status, answer = post(product, body)
    assert (status, answer["phase"], answer["resources_created"]) == (200, "Ready", [])


def test_asking_for_another_tier_is_a_conflict_that_changes_nothing(
    plane: ControlPlane, product: Installation, name: str
) -> None:
    post(product, {"team": name, "tier": "small"})
    status, answer = post(product, {"team": name, "tier": "large"})
    assert status == 409
    assert 'platform/tier is "small"' in answer["detail"]
    live = cluster.get(plane, f"/api/v1/namespaces/{name}")
    assert live is not None
    assert live["metadata"]["labels"]["platform/tier"] == "small"


@pytest.mark.parametrize(
    ("body", "status", "pointer", "said"),
    [
        pytest.param(
            {"team": "shop", "tier": "xl"}, 422, "/tier", "freemium, small, medium, large", id="no such tier"
        ),
        pytest.param({"team": "MyTeam", "tier": "small"}, 422, "/team", "myteam", id="no such name"),
        pytest.param(
            {"team": "kube-system", "tier": "small"}, 422, "/team", "reserved", id="a reserved name"
        ),
    ],
)
def test_a_refusal_points_at_the_field(
    product: Installation, body: dict[str, str], status: int, pointer: str, said: str
) -> None:
    found, answer = post(product, body)
    assert found == status
    assert [error["pointer"] for error in answer["errors"]] == [pointer]
    assert said in json.dumps(answer["errors"])


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="no token"),
        pytest.param("Bearer ", id="an empty token"),
        pytest.param("Bearer wrong", id="an unknown token"),
        pytest.param("Basic {token}", id="another scheme"),
    ],
)
def test_nobody_unknown_is_answered(product: Installation, header: str | None) -> None:
    authorization = header.format(token=product.token) if header else None
    assert post(product, {"team": "shop", "tier": "small"}, authorization=authorization)[0] == 401


def post(
    product: Installation | Product, body: Any, *, authorization: str | None = ""
) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer; `authorization` None sends no header, empty the right one."""
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization or f"Bearer {product.token}"
    request = urllib.request.Request(f"{product.api_url}/namespaces", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
