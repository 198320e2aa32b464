"""What the cluster sink asks of the API server for each kind of change."""

from collections.abc import AsyncIterator

import pytest

from tests.adapters.kube import faults
from tests.adapters.kube.faults import FaultServer, access, manifest
from tests.controller.support import StoppedClock
from webhook.adapters.cluster_sink import ClusterSink
from webhook.adapters.kube.transport import Transport
from webhook.core.errors import ConflictError, ForeignObjectError, NotFoundError, RejectedError
from webhook.core.model import Action, Change, Condition, ConditionStatus, Manifest

pytestmark = pytest.mark.anyio

QUOTAS = "/api/v1/namespaces/payments/resourcequotas"
PATH = f"{QUOTAS}/default"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/payments/rolebindings"
BINDING = f"{BINDINGS}/default"
STATUS = "/api/v1/namespaces/payments/status"

EXISTS = faults.failure(409, "AlreadyExists", 'resourcequotas "default" already exists')


class Setup:
    def __init__(self, server: FaultServer, transport: Transport) -> None:
        self.server = server
        self.wrote: list[Manifest] = []
        self.sink = ClusterSink(transport, clock=StoppedClock(), wrote=self.wrote.append)

    def requests(self) -> list[tuple[str, str, str | None]]:
        return [(seen.verb, seen.path, seen.query.get("force")) for seen in self.server.requests]


@pytest.fixture
async def setup(anyio_backend: object) -> AsyncIterator[Setup]:
    async with FaultServer() as server, Transport(access(server.url)) as transport:
        yield Setup(server, transport)


def quota(version: int = 0, *, managers: tuple[str, ...] = ()) -> Manifest:
    """Without a version: the object as we want it."""
    found = manifest("default", version, namespace="payments", kind="ResourceQuota")
    found["spec"] = {"hard": {"pods": "20"}}
    if not version:
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            del found["metadata"][key]
    if managers:
        found["metadata"]["managedFields"] = [{"manager": name, "operation": "Apply"} for name in managers]
    return found


def create() -> Change:
    return Change(Action.CREATE, quota())


async def test_create_touches_nothing_that_is_there(setup: Setup) -> None:
    setup.server.script("POST", QUOTAS, faults.ok(quota(7), code=201))
    await setup.sink.write(create())
    assert setup.requests() == [("POST", QUOTAS, None)]
    assert setup.server.requests[0].body == quota()
    assert setup.wrote == [quota(7)]


@pytest.mark.parametrize(
    "managers",
    [
        pytest.param((), id="of nobody known"),
        pytest.param(("kubectl", "helm"), id="of other managers"),
        pytest.param(("ns-provisioner-2",), id="of a manager whose name begins with ours"),
    ],
)
async def test_create_gives_way_to_an_object(setup: Setup, managers: tuple[str, ...]) -> None:
    setup.server.script("POST", QUOTAS, EXISTS)
    setup.server.script("GET", PATH, faults.ok(quota(5, managers=managers)))
    with pytest.raises(ForeignObjectError, match="was not made by ns-provisioner") as raised:
        await setup.sink.write(create())
    assert isinstance(raised.value, ConflictError)
    assert (raised.value.code, raised.value.reason) == (409, "AlreadyExists"), "as the server says"
    assert setup.requests() == [("POST", QUOTAS, None), ("GET", PATH, None)]
    assert setup.wrote == []


def stripped(*, pods: str = "20", managers: tuple[str, ...] = ()) -> Manifest:
    """What a tenant makes of our quota: no label, no trace of who made it, and a limit of its own."""
    found = quota(5, managers=managers)
    del found["metadata"]["labels"]
    found["spec"]["hard"]["pods"] = pods
    return found


def at_version(version: str) -> Manifest:
    wanted = quota()
    wanted["metadata"]["resourceVersion"] = version
    return wanted


MINE = ("kubectl", "ns-provisioner")
GET, APPLY, PUT = ("GET", PATH, None), ("PATCH", PATH, "true"), ("PUT", PATH, None)


@pytest.mark.parametrize(
    ("live", "write"),
    [
        pytest.param(quota(5, managers=MINE), [], id="that is as it should be"),
        pytest.param(stripped(managers=MINE), [APPLY], id="that has lost its label"),
        pytest.param(stripped(pods="999", managers=MINE), [PUT], id="that says something else"),
    ],
)
async def test_create_takes_back_an_object_that_was_ours(
    setup: Setup, live: Manifest, write: list[tuple[str, str, str | None]]
) -> None:
    """Somebody took our label away, and with it our knowledge of the object; the fields remember."""
    setup.server.script("POST", QUOTAS, EXISTS)
    setup.server.script("GET", PATH, faults.ok(live))
    for verb in ("PATCH", "PUT"):
        setup.server.script(verb, PATH, faults.ok(quota(9)))
    await setup.sink.write(create())
    assert setup.requests() == [("POST", QUOTAS, None), GET, *write]
    assert setup.wrote == [quota(9) if write else live]


async def test_create_goes_on_when_the_object_in_its_way_is_gone_by_now(setup: Setup) -> None:
    """A NotFoundError would tell the reconciler that the namespace is gone, and nobody would come back."""
    setup.server.script("POST", QUOTAS, EXISTS, faults.ok(quota(9), code=201))
    await setup.sink.write(create())
    assert [request[0] for request in setup.requests()] == ["POST", "GET", "POST"]
    assert setup.wrote == [quota(9)]


async def test_create_does_not_overwrite_what_came_where_its_own_object_was(setup: Setup) -> None:
    """Gone at the first look, there again at the second: a conflict to try again, not a foreign object."""
    setup.server.script("POST", QUOTAS, EXISTS)
    with pytest.raises(ConflictError) as raised:
        await setup.sink.write(create())
    assert not isinstance(raised.value, ForeignObjectError)
    assert setup.wrote == []


def restore() -> Change:
    return Change(Action.RESTORE, quota())


async def test_restore_makes_what_is_not_there(setup: Setup) -> None:
    setup.server.script("POST", QUOTAS, faults.ok(quota(7), code=201))
    await setup.sink.write(restore())
    assert setup.requests() == [GET, ("POST", QUOTAS, None)]
    assert setup.server.requests[1].body == quota()
    assert setup.wrote == [quota(7)]


@pytest.mark.parametrize(
    ("live", "write", "body"),
    [
        pytest.param(quota(5), [], None, id="as it should be"),
        pytest.param(stripped(), [APPLY], quota(), id="without its label and managedFields"),
        pytest.param(stripped(managers=("kubectl",)), [APPLY], quota(), id="of another manager"),
        pytest.param(stripped(pods="999"), [PUT], at_version("5"), id="stripped, with another limit"),
    ],
)
async def test_restore_puts_right_whatever_stands_there(
    setup: Setup, live: Manifest, write: list[tuple[str, str, str | None]], body: Manifest | None
) -> None:
    """The place is ours: who strips our object of its label and its managedFields does not get it."""
    setup.server.script("GET", PATH, faults.ok(live))
    for verb in ("PATCH", "PUT"):
        setup.server.script(verb, PATH, faults.ok(quota(9)))
    await setup.sink.write(restore())
    assert setup.requests() == [GET, *write]
    if body is not None:
        assert setup.server.requests[1].body == body
    assert setup.wrote == [quota(9) if write else live]


async def test_restore_of_a_binding_to_another_role_deletes_it_and_makes_it_anew(setup: Setup) -> None:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    wanted = {**quota(), "kind": "RoleBinding", "roleRef": role}
    live = {**stripped(), "kind": "RoleBinding", "roleRef": {**role, "name": "admin"}}
    setup.server.script("GET", BINDING, faults.ok(live))
    setup.server.script("DELETE", BINDING, faults.ok(faults.status(200, "", "")))
    setup.server.script("POST", BINDINGS, faults.ok(quota(9), code=201))
    await setup.sink.write(Change(Action.RESTORE, wanted))
    assert [seen.verb for seen in setup.server.requests] == ["GET", "DELETE", "POST"]
    assert setup.server.requests[1].body == {"preconditions": {"uid": "uid-default"}}
    assert setup.wrote == [quota(9)]


async def test_restore_in_a_namespace_that_is_gone_says_so(setup: Setup) -> None:
    setup.server.script("POST", QUOTAS, faults.failure(404, "NotFound", 'namespaces "payments" not found'))
    with pytest.raises(NotFoundError):
        await setup.sink.write(restore())
    assert setup.wrote == []


@pytest.mark.parametrize(
    ("live", "verb", "path"),
    [
        pytest.param(faults.failure(404, "NotFound", "not found"), "POST", QUOTAS, id="made meanwhile"),
        pytest.param(faults.ok(stripped(pods="999")), "PUT", PATH, id="changed meanwhile"),
    ],
)
async def test_restore_of_what_has_changed_meanwhile_is_a_conflict_to_try_again(
    setup: Setup, live: faults.Answer, verb: str, path: str
) -> None:
    setup.server.script("GET", PATH, live)
    setup.server.script(verb, path, faults.failure(409, "Conflict", "modified"))
    with pytest.raises(ConflictError) as raised:
        await setup.sink.write(restore())
    assert not isinstance(raised.value, ForeignObjectError)
    assert setup.wrote == []


async def test_apply_is_forced(setup: Setup) -> None:
    setup.server.script("PATCH", PATH, faults.ok(quota(8)))
    await setup.sink.write(Change(Action.APPLY, quota(), quota(7)))
    assert setup.requests() == [("PATCH", PATH, "true")]
    assert setup.wrote == [quota(8)]


async def test_replace_sends_the_version_it_was_decided_on(setup: Setup) -> None:
    setup.server.script("PUT", PATH, faults.ok(quota(8)))
    await setup.sink.write(Change(Action.REPLACE, quota(), quota(7)))
    [seen] = setup.server.requests
    wanted = quota()
    wanted["metadata"]["resourceVersion"] = "7"
    assert seen.body == wanted
    assert setup.wrote == [quota(8)]
    assert "resourceVersion" not in quota()["metadata"], "the bundle is left alone"


async def test_replace_of_what_has_changed_meanwhile_is_a_conflict_to_try_again(setup: Setup) -> None:
    setup.server.script("PUT", PATH, faults.failure(409, "Conflict", "the object has been modified"))
    with pytest.raises(ConflictError) as raised:
        await setup.sink.write(Change(Action.REPLACE, quota(), quota(7)))
    assert raised.value.reason == "Conflict"
    assert setup.wrote == []


def recreate() -> Change:
    return Change(Action.RECREATE, {**quota(), "kind": "RoleBinding"}, {**quota(7), "kind": "RoleBinding"})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.ok(faults.status(200, "", "")), id="what is there"),
        pytest.param(faults.failure(404, "NotFound", "not found"), id="what is gone already"),
    ],
)
async def test_recreate_deletes_exactly_the_observed_object_and_makes_it_anew(
    setup: Setup, answer: faults.Answer
) -> None:
    setup.server.script("DELETE", BINDING, answer)
    setup.server.script("POST", BINDINGS, faults.ok(quota(9), code=201))
    await setup.sink.write(recreate())
    deleted, made = setup.server.requests
    assert (deleted.verb, made.verb) == ("DELETE", "POST")
    assert deleted.body == {"preconditions": {"uid": "uid-default"}}
    assert "resourceVersion" not in made.body["metadata"]
    assert setup.wrote == [quota(9)]


async def test_recreate_leaves_a_namesake_alone(setup: Setup) -> None:
    setup.server.script(
        "DELETE", BINDING, faults.failure(409, "Conflict", "Precondition failed: UID uid-default")
    )
    with pytest.raises(ConflictError) as raised:
        await setup.sink.write(recreate())
    assert not isinstance(raised.value, ForeignObjectError)
    assert setup.requests() == [("DELETE", BINDING, None)]


@pytest.mark.parametrize("action", [Action.CREATE, Action.RESTORE, Action.APPLY])
async def test_a_refusal_is_passed_on(setup: Setup, action: Action) -> None:
    for verb, path in (("POST", QUOTAS), ("PATCH", PATH)):
        setup.server.script(verb, path, faults.failure(422, "Invalid", "spec.hard: bad"))
    with pytest.raises(RejectedError, match=r"spec\.hard: bad"):
        await setup.sink.write(Change(action, quota(), quota(7) if action is Action.APPLY else None))
    assert setup.wrote == []


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        pytest.param("", "2026-03-01T12:00:10Z", id="as of now"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", id="as of an earlier time"),
    ],
)
async def test_the_condition_is_applied_to_the_status_of_the_namespace_and_nothing_else(
    setup: Setup, since: str, expected: str
) -> None:
    setup.server.script("PATCH", STATUS, faults.ok(manifest(version=8)))
    await setup.sink.set_condition(
        manifest(version=7), Condition(ConditionStatus.TRUE, "BundleComplete", "6 objects in place", since)
    )
    [seen] = setup.server.requests
    assert seen.query == {"fieldManager": "ns-provisioner", "fieldValidation": "Strict", "force": "true"}
    assert seen.body == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "payments", "uid": "uid-payments"},
        "status": {
            "conditions": [
                {
                    "type": "Provisioned",
                    "status": "True",
                    "reason": "BundleComplete",
                    "message": "6 objects in place",
                    "lastTransitionTime": expected,
                }
            ]
        },
    }
    assert setup.wrote == [manifest(version=8)]


@pytest.mark.parametrize(
    ("adoption", "pods", "ours"),
    [
        pytest.param("Never", "20", False, id="never, whatever it says"),
        pytest.param("IfIdentical", "20", True, id="identical"),
        pytest.param("IfIdentical", "21", False, id="identical is asked for, and it is not"),
        pytest.param("Always", "21", True, id="always"),
    ],
)
async def test_somebody_elses_object_becomes_ours_where_the_catalogue_says_so(
    setup: Setup, adoption: str, pods: str, ours: bool
) -> None:
    setup.server.script("POST", QUOTAS, EXISTS)
    setup.server.script("GET", PATH, faults.ok(stripped(pods=pods, managers=("kubectl",))))
    setup.server.script("PATCH", PATH, faults.ok(quota(8)))
    setup.server.script("PUT", PATH, faults.ok(quota(8)))
    change = Change(Action.CREATE, quota(), adoption=adoption)
    if not ours:
        with pytest.raises(ForeignObjectError):
            await setup.sink.write(change)
        assert setup.wrote == []
        return
    await setup.sink.write(change)
    assert setup.requests()[-1][0] == ("PATCH" if pods == "20" else "PUT")
    assert setup.wrote == [quota(8)]


PRUNE = Change(Action.PRUNE, quota(5), quota(5))


async def test_prune_deletes_exactly_what_was_seen(setup: Setup) -> None:
    setup.server.script("GET", PATH, faults.ok(quota(5, managers=("ns-provisioner",))))
    setup.server.script("DELETE", PATH, faults.ok(faults.status(200, "", "")))
    await setup.sink.write(PRUNE)
    assert [seen.verb for seen in setup.server.requests] == ["GET", "DELETE"]
    assert setup.server.requests[1].body["preconditions"]["uid"] == quota(5)["metadata"]["uid"]


async def test_prune_leaves_alone_what_only_bears_our_labels(setup: Setup) -> None:
    setup.server.script("GET", PATH, faults.ok(quota(5, managers=("kubectl",))))
    with pytest.raises(ForeignObjectError, match="has our labels and was not made by ns-provisioner"):
        await setup.sink.write(PRUNE)


@pytest.mark.parametrize("at", ["GET", "DELETE"])
async def test_prune_is_content_with_what_is_gone(setup: Setup, at: str) -> None:
    setup.server.script("GET", PATH, faults.ok(quota(5, managers=("ns-provisioner",))))
    setup.server.script("DELETE", PATH, faults.ok(faults.status(200, "", "")))
    setup.server.script(at, PATH, faults.failure(404, "NotFound", "not found"))
    await setup.sink.write(PRUNE)


@pytest.mark.parametrize("action", [Action.PRUNE, Action.RECREATE])
async def test_what_has_to_go_is_freed_of_what_would_keep_it(setup: Setup, action: Action) -> None:
    tied = quota(5, managers=("ns-provisioner",))
    tied["metadata"]["finalizers"] = ["example.com/mine"]
    setup.server.script("GET", PATH, faults.ok(tied))
    setup.server.script("PATCH", PATH, faults.ok(quota(6)))
    setup.server.script("DELETE", PATH, faults.ok(faults.status(200, "", "")))
    setup.server.script("POST", QUOTAS, faults.ok(quota(7), code=201))
    await setup.sink.write(Change(action, tied if action is Action.PRUNE else quota(), tied))
    verbs = [seen.verb for seen in setup.server.requests if seen.verb != "GET"]
    assert verbs[:2] == ["PATCH", "DELETE"]
    assert setup.server.seen("PATCH")[0].body["metadata"]["finalizers"] is None
