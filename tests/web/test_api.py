"""The self-service API as a whole, over a cluster that is a dict."""

import dataclasses
import json
from http import HTTPStatus

import pytest

from tests.core.builders import POLICY
from tests.web import builders
from tests.web.builders import READY, TOKEN, MemoryGateway, SelfService
from webhook.core.errors import (
    ClusterError,
    ClusterUnavailableError,
    ConflictError,
    NotFoundError,
    RejectedError,
)
from webhook.core.model import Condition, ConditionStatus, Manifest

PAYMENTS = {"team": "payments"}
PROBLEM = "application/problem+json"
BUNDLE = [
    "LimitRange/default",
    "ResourceQuota/default",
    "NetworkPolicy/default-deny-all",
    "NetworkPolicy/allow-same-namespace",
    "NetworkPolicy/allow-dns-egress",
    "RoleBinding/team-edit",
]


@pytest.fixture(autouse=True)
def _jane_asks_for_any_team(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an installation's own token does: who may ask for which team is for the tests of the rules."""
    chosen = dataclasses.replace(POLICY, requesters=frozenset({"jane"}))
    monkeypatch.setattr(builders, "POLICY", chosen)


def _namespace(**labels: str) -> MemoryGateway:
    """A cluster that has the namespace payments, as this API would have made it, with changes."""
    gateway = MemoryGateway()
    SelfService(gateway).post(PAYMENTS)
    gateway.namespaces["payments"]["metadata"]["labels"] |= {
        f"platform/{name}": value for name, value in labels.items()
    }
    return gateway


def test_a_new_namespace() -> None:
    service = SelfService()
    answer = service.post(PAYMENTS)
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    assert answer.json() == {
        "namespace": "payments",
        "team": "payments",
        "tier": "small",
        "phase": "Ready",
        "resources_created": BUNDLE,
        "message": READY.message,
    }
    assert service.gateway.namespaces["payments"] == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "payments",
            "labels": {
                "app.kubernetes.io/managed-by": "ns-provisioner",
                "platform/tier": "small",
                "platform/team": "payments",
                "pod-security.kubernetes.io/enforce": "baseline",
                "pod-security.kubernetes.io/warn": "restricted",
            },
            "annotations": {"platform/requested-by": "jane"},
        },
    }
    assert json.loads(service.stream.getvalue())["message"] == "namespace requested"


def test_the_same_again() -> None:
    answer = SelfService(_namespace()).post(PAYMENTS)
    assert answer.status_code == 200
    assert answer.json()["phase"] == "Ready"
    assert answer.json()["resources_created"] == []


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        pytest.param(None, "not provisioned yet", id="no word from the controller"),
        pytest.param(
            Condition(ConditionStatus.FALSE, "Failed", "quota: refused"), "quota: refused", id="it failed"
        ),
        pytest.param(Condition(ConditionStatus.UNKNOWN, "Busy", "at it"), "at it", id="it does not know"),
    ],
)
@pytest.mark.parametrize("exists", [False, True], ids=["new", "there already"])
def test_not_complete_in_time(condition: Condition | None, message: str, *, exists: bool) -> None:
    gateway = _namespace() if exists else MemoryGateway()
    gateway.condition = condition
    answer = SelfService(gateway).post(PAYMENTS)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "5")
    assert answer.json() == {
        "namespace": "payments",
        "team": "payments",
        "tier": "small",
        "phase": "Pending",
        "resources_created": [],
        "message": message,
    }


def test_another_of_the_name() -> None:
    answer = SelfService(_namespace(tier="large")).post(PAYMENTS)
    assert (answer.status_code, answer.headers["content-type"]) == (409, PROBLEM)
    assert answer.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": 'namespace "payments" exists and differs: platform/tier is "large"; '
        "choose another name, or ask a platform admin to change it",
    }


def test_an_unmanaged_one_of_the_name() -> None:
    gateway = MemoryGateway({"payments": {"metadata": {"name": "payments"}}})
    answer = SelfService(gateway).post(PAYMENTS)
    assert answer.status_code == 409
    assert (
        "platform/tier is not set, platform/team is not set, app.kubernetes.io/managed-by is not set"
        in answer.text
    )


def test_one_that_is_being_deleted() -> None:
    gateway = _namespace()
    gateway.namespaces["payments"]["metadata"]["deletionTimestamp"] = "2026-01-02T12:00:00Z"
    gateway.namespaces["payments"]["status"] = {"phase": "Terminating"}
    assert SelfService(gateway).post(PAYMENTS).status_code == 409


def test_a_caller_of_another_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builders, "POLICY", POLICY)
    service = SelfService()
    answer = service.post(PAYMENTS)
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("/team", "team-is-callers")
    assert service.gateway.namespaces == {}


def test_a_refusal() -> None:
    answer = SelfService().post({"team": "Payments", "tier": "huge"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    problem = answer.json()
    assert problem.pop("detail").startswith("2 rules are broken:\n  [name-pattern] ")
    assert problem == {
        "type": "about:blank",
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "errors": [
            {
                "pointer": "/team",
                "rule": "name-pattern",
                "detail": '"Payments" is not a valid name',
                "allowed": "^[a-z][a-z0-9-]{1,30}$ without a trailing hyphen",
                "suggestion": 'for instance "payments"',
            },
            {
                "pointer": "/tier",
                "rule": "tier-exists",
                "detail": '"huge" is not a tier',
                "allowed": "freemium, small, medium, large",
                "suggestion": 'try platform/tier: "large"',
            },
        ],
    }


@pytest.mark.parametrize(
    ("asked", "rules", "pointer"),
    [
        pytest.param({"team": ""}, ["name-pattern", "managed-labels-complete"], "/team", id="an empty team"),
        pytest.param({"team": "kube-system"}, ["reserved-name"], "/team", id="a reserved name"),
        pytest.param({"team": "a" * 64}, ["name-pattern"], "/team", id="64 letters"),
        pytest.param({"team": "payments\n"}, ["name-pattern"], "/team", id="a newline behind"),
        pytest.param({"team": "../admin"}, ["name-pattern"], "/team", id="a path"),
        pytest.param({"team": "payments", "tier": ""}, ["tier-exists"], "/tier", id="an empty tier"),
    ],
)
def test_refused_before_the_cluster_is_asked(asked: dict[str, str], rules: list[str], pointer: str) -> None:
    service = SelfService()
    answer = service.post(asked)
    assert answer.status_code == 422
    found = [(error["rule"], error["pointer"]) for error in answer.json()["errors"]]
    assert found == [(rule, pointer) for rule in rules]
    assert service.gateway.namespaces == {}


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param([], id="missing"),
        pytest.param([""], id="empty"),
        pytest.param(["Bearer"], id="only a scheme"),
        pytest.param(["Bearer "], id="an empty token"),
        pytest.param([f"Bearer  {TOKEN}"], id="two spaces"),
        pytest.param([TOKEN], id="only a token"),
        pytest.param([f"Basic {TOKEN}"], id="another scheme"),
        pytest.param([f"Bearer {TOKEN}x"], id="an unknown token"),
        pytest.param([f"Bearer {TOKEN[:-1]}"], id="a token cut short"),
        pytest.param([f"Bearer {TOKEN},{TOKEN}"], id="two tokens in one header"),
        pytest.param([f"Bearer {TOKEN}", f"Bearer {TOKEN}"], id="two headers"),
        pytest.param(["Bearer x", f"Bearer {TOKEN}"], id="two headers, the last one good"),
    ],
)
def test_no_single_known_token(authorization: list[str]) -> None:
    service = SelfService()
    headers = [("Content-Type", "application/json"), *(("Authorization", value) for value in authorization)]
    answer = service.client.post("/namespaces", content=json.dumps(PAYMENTS), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == 'Bearer realm="ns-provisioner"'
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "send a known token as Authorization: Bearer <token>",
    }
    assert service.gateway.namespaces == {}


def test_the_scheme_is_written_in_any_case() -> None:
    assert SelfService().post(PAYMENTS, Authorization=f"bEARER {TOKEN}").status_code == 201


def test_who_is_not_known_learns_nothing_about_the_body() -> None:
    assert (
        SelfService().post(raw=b"x" * 100_000, Authorization="", Content_Type="text/plain").status_code == 401
    )


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        pytest.param(b"", "the body is empty", id="nothing"),
        pytest.param(b"team: payments", "JSON is malformed", id="YAML"),
        pytest.param(
            b'{"team": "a", "size": 1}', "Object contains unknown field `size`", id="an unknown field"
        ),
        pytest.param(b'{"tier": "small"}', "Object missing required field `team`", id="no team"),
    ],
)
def test_a_malformed_request(raw: bytes, detail: str) -> None:
    answer = SelfService().post(raw=raw)
    assert (answer.status_code, answer.json()["title"]) == (400, "Bad Request")
    assert answer.json()["detail"].startswith(detail)
    assert answer.json()["detail"].endswith('; send for instance {"team": "payments", "tier": "small"}')


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_type(content_type: str) -> None:
    answer = SelfService().post(PAYMENTS, Content_Type=content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)
    assert answer.json()["detail"] == "send the request as Content-Type: application/json"


def test_a_request_that_is_too_large() -> None:
    answer = SelfService().post(raw=b" " * (64 * 1024 + 1))
    assert (answer.status_code, answer.json()["detail"]) == (413, "the request is larger than 65536 bytes")


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        pytest.param(
            ClusterUnavailableError("connection refused"),
            503,
            "the cluster did not answer: connection refused",
            id="the cluster does not answer",
        ),
        pytest.param(RejectedError("not yours", code=403), 403, "not yours", id="the cluster forbids it"),
        pytest.param(RejectedError("bad label", code=422), 422, "bad label", id="the cluster refuses it"),
        pytest.param(
            ConflictError("being deleted", code=409, reason="Conflict"), 409, "being deleted", id="in the way"
        ),
        pytest.param(
            ClusterError("what?", code=302),
            502,
            "the cluster gave an unexpected answer, see the server's log",
            id="something unexpected",
        ),
    ],
)
def test_trouble_with_the_cluster(error: Exception, status: int, detail: str) -> None:
    service = SelfService(MemoryGateway(broken=error))
    answer = service.post(PAYMENTS)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["detail"] == detail
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)
    line = json.loads(service.stream.getvalue())
    assert (line["level"], line["message"]) == ("error", "namespace request failed")


@pytest.mark.parametrize("code", [400, 401, 405, 415])
def test_our_own_mistakes_are_not_blamed_on_the_user(code: int) -> None:
    service = SelfService(MemoryGateway(broken=RejectedError("Unauthorized", code=code)))
    assert service.post(PAYMENTS).status_code == 502


def test_a_namespace_that_vanishes_meanwhile_is_worth_another_try() -> None:
    class Vanishing(MemoryGateway):
        async def get(self, name: str) -> Manifest:
            raise NotFoundError("gone", code=404)

    answer = SelfService(Vanishing(_namespace().namespaces)).post(PAYMENTS)
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5")


def test_an_unexpected_error_is_a_bland_500() -> None:
    answer = SelfService(MemoryGateway(broken=RuntimeError("the secret is 42"))).post(PAYMENTS)
    assert (answer.status_code, answer.text) == (500, "internal error, see the server's log\n")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method(method: str) -> None:
    answer = SelfService().client.request(method, "/namespaces")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
