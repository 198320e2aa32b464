"""Pods on the real API server, run by the stand-in: what a cluster's user would see."""

import base64
import json
import os
import time
from pathlib import Path

import pytest

from tests.standin.conftest import Clock
from tests.standin.support import Manifest, Namespace, pod, until
from tools.controlplane.plane import ControlPlane
from tools.standin import scheduler
from tools.standin.errors import StandinError
from tools.standin.node import Standin

FOREVER = "while :; do sleep 0.05; done"
WORD = {"volumes": [{"name": "word", "secret": {"secretName": "word", "optional": True}}]}
SEES_WORD = {"volumeMounts": [{"name": "word", "mountPath": "/word"}]}
NEVER = {"restartPolicy": "Never"}


def test_a_pod_is_told_of_itself_and_of_what_it_refers_to(here: Namespace) -> None:
    here.secret("word", word="sesame")
    environment = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "word", "key": "word"}}},
        {"name": "LISTEN", "value": ":8443"},
    ]
    script = (
        "echo $(NAME) $ADDRESS $LISTEN $(WORD) $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT $HOSTNAME"
    )
    here.create(pod("told", script, more=NEVER, container={"env": environment}))
    assert here.ended("told") == "Succeeded"
    address, server = here.status("told")["podIP"], here.plane.url.removeprefix("https://")
    assert here.log("told") == f"told {address} {address}:8443 sesame {server} told\n"


@pytest.mark.parametrize(("code", "phase"), [(0, "Succeeded"), (3, "Failed")])
def test_a_pod_that_is_not_restarted_ends_with_its_code(here: Namespace, code: int, phase: str) -> None:
    here.create(pod("once", f"exit {code}", more=NEVER))
    assert here.ended("once") == phase
    assert here.container("once")["state"]["terminated"]["exitCode"] == code
    assert not here.node.pods()


def test_a_container_that_ends_is_started_again_after_a_while(here: Namespace) -> None:
    here.create(pod("crashing", "echo no way; exit 3"))
    until(lambda: here.container("crashing").get("restartCount", 0) >= 2, "a second restart")
    until(lambda: "waiting" in here.container("crashing")["state"], "the next pause")
    found = here.container("crashing")
    assert found["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert found["lastState"]["terminated"]["exitCode"] == 3
    assert here.phase("crashing") == "Running"
    assert any(
        "CrashLoopBackOff: back-off" in problem and problem.endswith("no way")
        for problem in here.node.problems()
    )


def test_a_process_that_is_killed_is_started_again_at_the_same_address(here: Namespace) -> None:
    here.create(pod("killed", FOREVER))
    before = here.running("killed")
    before.process.stop(grace=0)
    until(lambda: here.container("killed").get("restartCount") == 1, "the restart to be counted")
    after = here.running("killed")
    assert (after.ip, after.restarts) == (before.ip, 1)
    assert after.process.pid != before.process.pid
    assert here.container("killed")["lastState"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        pytest.param({"image": "busybox:1.36"}, "ErrImagePull", id="an image that is not ours"),
        pytest.param(
            {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}},
            "CreateContainerConfigError",
            id="root where that is refused",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "a"}}}]},
            "CreateContainerConfigError",
            id="a variable from nowhere",
        ),
    ],
)
def test_what_cannot_be_run_says_why(here: Namespace, container: dict[str, object], reason: str) -> None:
    here.create(pod("stuck", "true", container=container))
    until(lambda: "waiting" in here.container("stuck").get("state", {}), "a reason")
    until(lambda: here.container("stuck")["state"]["waiting"]["reason"] == reason, reason)
    assert here.phase("stuck") == "Pending"
    assert any(f"pod stuck, container main: {reason}: " in problem for problem in here.node.problems())
    assert not here.node.pods()


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"hostPath": {"path": "/"}}, "volume it: the stand-in has no hostPath"),
        ({"secret": {"secretName": "word"}}, 'secrets "word" not found'),
    ],
)
def test_a_volume_that_cannot_be_had_holds_up_the_start(
    here: Namespace, volume: dict[str, object], said: str
) -> None:
    here.create(pod("waits", FOREVER, more={"volumes": [{"name": "it"} | volume]}))
    until(lambda: here.node.problems(), "a problem")
    assert here.node.problems() == [f"pod waits: FailedMount: {said}"]
    assert not here.node.pods()


def test_a_pod_starts_as_soon_as_its_secret_is_there(here: Namespace) -> None:
    more = {"volumes": [{"name": "word", "secret": {"secretName": "word"}}]} | NEVER
    here.create(pod("patient", "cat /word/word", more=more, container=SEES_WORD))
    until(lambda: here.node.problems(), "a problem")
    here.secret("word", word="sesame")
    assert here.ended("patient") == "Succeeded"
    assert here.log("patient") == "sesame"


def test_a_changed_secret_reaches_the_process_as_late_as_asked(here: Namespace) -> None:
    here.secret("word", word="one")
    script = "while :; do cat /word/word; echo; sleep 0.05; done"
    here.create(pod("reader", script, more=WORD, container=SEES_WORD))
    until(lambda: "one\n" in here.log("reader"), "the first word")
    here.node.kubelet_delay = 3600
    here.secret("word", word="two")
    here.create(pod("later", "cat /word/word", more=WORD | NEVER, container=SEES_WORD))
    assert here.ended("later") == "Succeeded"
    assert here.log("later") == "two"
    assert "two" not in here.log("reader")
    here.node.kubelet_delay = 0.1
    until(lambda: here.log("reader").endswith("two\n"), "the second word")


@pytest.mark.parametrize(
    ("context", "phase"), [({"fsGroup": 777}, "Succeeded"), ({}, "Failed")], ids=["fsGroup", "without"]
)
def test_a_key_only_its_owner_may_read_takes_an_fs_group(
    here: Namespace, context: dict[str, int], phase: str
) -> None:
    assert os.geteuid() == 0, "only root can give files to others: run this test as root"
    here.secret("word", word="sesame")
    volume = {"name": "word", "secret": {"secretName": "word", "defaultMode": 0o400}}
    more = {"volumes": [volume], "securityContext": {"runAsUser": 1234} | context} | NEVER
    here.create(pod("reader", "id -u; cat /word/word", more=more, container=SEES_WORD))
    assert here.ended("reader") == phase
    assert here.log("reader").startswith("1234\n")
    assert ("sesame" in here.log("reader")) == (phase == "Succeeded")


def test_a_token_is_renewed_when_four_fifths_of_its_life_are_over(here: Namespace, clock: Clock) -> None:
    token = {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}}
    more = {"volumes": [{"name": "word", "projected": {"sources": [token]}}]}
    here.create(pod("bearer", FOREVER, more=more, container=SEES_WORD))
    here.running("bearer")
    (file,) = here.node.directory.glob("pods/*/volumes/word/token")
    first, shown = file.read_text(), Path(os.path.realpath(file))
    assert _claims(first)["aud"] == ["vault"]
    assert _claims(first)["kubernetes.io"]["pod"]["name"] == "bearer"
    clock.ahead = 470
    here.create(pod("after", "true", more=NEVER))
    here.ended("after")
    assert file.read_text() == first
    clock.ahead = 481
    until(lambda: file.read_text() != first, "another token")
    assert not shown.exists()


def _claims(token: str) -> Manifest:
    claims: Manifest = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def test_only_a_ready_pod_is_an_endpoint_and_one_that_ends_is_none(here: Namespace) -> None:
    probe = {"exec": {"command": ["test", "-e", "/word/open"]}, "periodSeconds": 1}
    served = {"readinessProbe": probe, "ports": [{"name": "web", "containerPort": 8000}]} | SEES_WORD
    here.create(pod("door", "trap '' TERM; " + FOREVER, more=WORD, container=served))
    port = {"port": 8443, "targetPort": "web"}
    service = {"metadata": {"name": "door"}, "spec": {"selector": {"app": "door"}, "ports": [port]}}
    here.create({"apiVersion": "v1", "kind": "Service"} | service)
    running = here.running("door")
    until(lambda: any("readinessProbe" in problem for problem in here.node.problems()), "a refusal")
    assert here.node.balancer("door").known == ()
    assert here.node.balancer("door").address.endswith(":8443")
    here.secret("word", open="")
    until(lambda: here.node.balancer("door").known == (f"{running.ip}:8000",), "the endpoint")
    here.delete("door", "--wait=false")
    until(lambda: here.node.balancer("door").known == (), "the endpoint to be left out")
    assert [each.terminating for each in here.node.pods("app=door")] == [True]


def test_a_container_that_is_not_alive_is_started_again(here: Namespace) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    here.create(pod("dead", FOREVER, container={"livenessProbe": probe}))
    until(lambda: here.container("dead").get("restartCount", 0) >= 1, "a restart")


def test_a_deleted_pod_has_its_grace_and_no_more(here: Namespace) -> None:
    here.create(pod("deaf", "trap 'echo asked' TERM; echo begun; " + FOREVER))
    until(lambda: "begun" in here.log("deaf"), "it to listen")
    began = time.monotonic()
    here.delete("deaf", "--grace-period=1")
    assert time.monotonic() - began >= 1
    assert "asked" in here.log("deaf")
    until(lambda: not here.node.pods(), "the process to be gone")


def test_a_pod_deleted_by_force_is_killed_at_once(here: Namespace) -> None:
    stubborn = "trap '' TERM; echo begun; " + FOREVER
    here.create(pod("stubborn", stubborn, more={"terminationGracePeriodSeconds": 600}))
    until(lambda: "begun" in here.log("stubborn"), "it to listen")
    process = here.running("stubborn").process
    here.delete("stubborn", "--wait=false")
    here.delete("stubborn", "--force", "--grace-period=0")
    until(lambda: not process.alive(), "the process to be killed")
    assert not here.node.problems()


def test_what_fails_inside_is_raised_by_every_question(
    here: Namespace, monkeypatch: pytest.MonkeyPatch, own_plane: ControlPlane, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("out of order")

    here.node.stop()
    node = Standin.start(own_plane, tmp_path / "other", namespaces=(here.name,))
    monkeypatch.setattr(scheduler, "bind", fail)
    here.create(pod("unlucky", "true"))
    until(lambda: node.problems() == ["the stand-in has failed: out of order"], "the failure")
    with pytest.raises(StandinError, match="out of order"):
        node.pods()
    node.stop()
    with pytest.raises(StandinError, match="out of order"):
        node.__exit__(None, None, None)


def test_a_plane_has_one_node(here: Namespace, tmp_path: Path) -> None:
    with pytest.raises(StandinError, match=f"another stand-in \\(process {os.getpid()}\\) serves"):
        Standin.start(here.plane, tmp_path / "second")


def test_nothing_is_left_when_it_ends_and_the_next_one_goes_on(
    here: Namespace, own_plane: ControlPlane, tmp_path: Path
) -> None:
    here.secret("word", word="sesame")
    here.create(pod("lasting", "trap '' TERM; sleep 600 & " + FOREVER, more=WORD, container=SEES_WORD))
    before = here.running("lasting")
    until(lambda: here.phase("lasting") == "Running", "it to be reported")
    here.node.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(before.process.pid, 0)
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert [path.name for path in here.node.directory.iterdir()] == ["logs"]
    assert own_plane.api.get("/api/v1/nodes/standin").status == 404
    with Standin.start(own_plane, tmp_path / "node", namespaces=(here.name,)) as following:
        until(lambda: following.pods("app=lasting"), "it to run again")
        until(lambda: here.container("lasting")["restartCount"] == 1, "the restart to be counted")
        assert following.pods()[0].ip == before.ip


def test_an_api_server_that_goes_away_and_comes_back_finds_all_as_it_was(here: Namespace) -> None:
    here.create(pod("steady", FOREVER))
    before = here.running("steady")
    until(lambda: here.phase("steady") == "Running", "it to be reported")
    here.plane.restart_apiserver()
    here.create(pod("after", "true", more=NEVER))
    assert here.ended("after") == "Succeeded"
    (after,) = here.node.pods("app=steady")
    assert (after.process.pid, after.restarts) == (before.process.pid, 0)
