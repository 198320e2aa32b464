"""The real thing: etcd, API server and controllers as processes, started and ended in every way there is."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.controlplane.support import Eventually, Python
from tools.controlplane import folders, ports, proc, recipe
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

PLANE = ["etcd", "kube-apiserver", "kube-controller-manager"]

# Says where its plane is, then waits to be ended.
HARNESS = """
import json, signal, sys
from tools.controlplane.plane import ControlPlane
with ControlPlane.start() as plane:
    pids = [process.pid for process in plane.processes()]
    print(json.dumps([str(plane.directory), pids]), flush=True)
    signal.pause()
"""


def test_kubectl_and_the_users_own_tools_reach_it(audited_plane: ControlPlane) -> None:
    assert "kube-system" in audited_plane.kubectl("get", "namespaces", "--output=name")
    kubectl = [str(audited_plane.bin_dir / "kubectl"), f"--kubeconfig={audited_plane.kubeconfig}"]
    shown = subprocess.run([*kubectl, "config", "current-context"], capture_output=True, text=True)
    assert shown.stdout == "ns-provisioner\n"
    with pytest.raises(ControlPlaneError, match=r'kubectl get ns nope: .*"nope" not found'):
        audited_plane.kubectl("get", "ns", "nope")


def test_it_reports_the_version_it_was_built_from(audited_plane: ControlPlane) -> None:
    version = audited_plane.api.get("/version").json()
    assert version["gitVersion"] == recipe.module_version("k8s.io/kubernetes")


@pytest.mark.parametrize("thing", ["serviceaccounts/default", "configmaps/kube-root-ca.crt"])
def test_a_namespace_gets_what_a_cluster_gives(
    audited_plane: ControlPlane, eventually: Eventually, thing: str
) -> None:
    audited_plane.kubectl("create", "namespace", name := f"gets-{thing.partition('/')[0]}")
    eventually(lambda: audited_plane.api.get(f"/api/v1/namespaces/{name}/{thing}").status == 200, thing)


def test_its_processes_are_listed_in_order_with_their_memory(audited_plane: ControlPlane) -> None:
    processes = audited_plane.processes()
    assert [process.name for process in processes][:3] == PLANE
    assert all(process.rss_bytes > 10 << 20 and process.log.exists() for process in processes)


def test_requests_are_counted_by_verb_and_resource(audited_plane: ControlPlane) -> None:
    before = audited_plane.counters().get(("POST", "secrets"), 0)
    audited_plane.kubectl("create", "secret", "generic", "counted")
    assert audited_plane.counters()["POST", "secrets"] == before + 1


def test_the_audit_log_says_who_did_what_but_not_the_contents(audited_plane: ControlPlane) -> None:
    audited_plane.kubectl("create", "secret", "generic", "audited", "--from-literal=key=hush-hush")
    events = [json.loads(line) for line in (audited_plane.directory / "audit.log").read_text().splitlines()]
    posts = [event for event in events if event.get("objectRef", {}).get("name") == "audited"]
    assert [(event["verb"], event["user"]["username"]) for event in posts] == [
        ("create", "ns-provisioner-admin")
    ]
    assert "hush-hush" not in json.dumps(events)


def test_a_restarted_api_server_keeps_data_and_identity(audited_plane: ControlPlane) -> None:
    audited_plane.kubectl("create", "configmap", "kept")
    before = {process.name: process.pid for process in audited_plane.processes()}
    audited_plane.restart_apiserver()
    after = {process.name: process.pid for process in audited_plane.processes()}
    assert audited_plane.kubectl("get", "configmap", "kept", "--output=name") == "configmap/kept\n"
    assert [name for name in before if before[name] != after[name]] == ["kube-apiserver"]


def test_a_paused_process_answers_nothing_until_it_is_resumed(audited_plane: ControlPlane) -> None:
    slow = ("get", "--raw=/readyz", "--request-timeout=500ms")
    audited_plane.pause("kube-apiserver")
    with pytest.raises(ControlPlaneError, match="kubectl get"):
        audited_plane.kubectl(*slow)
    audited_plane.resume("kube-apiserver")
    audited_plane.wait_ready()
    with pytest.raises(ControlPlaneError, match="no process scheduler here: choose from etcd"):
        audited_plane.pause("scheduler")


def test_secrets_stay_out_of_sight(audited_plane: ControlPlane) -> None:
    assert audited_plane.admin_token not in repr(audited_plane)
    assert audited_plane.kubeconfig.stat().st_mode & 0o777 == 0o600
    command_lines = [Path(f"/proc/{each.pid}/cmdline").read_text() for each in audited_plane.processes()]
    assert not any(audited_plane.admin_token in line for line in command_lines)


def test_a_stopped_plane_leaves_no_process_and_no_folder() -> None:
    with ControlPlane.start() as plane:
        pids = [process.pid for process in plane.processes()]
        assert plane.directory.name.startswith(f"nsp-plane-{os.getpid()}-")
        assert all(map(proc.running, pids))
    plane.stop()
    assert not any(map(proc.running, pids))
    assert not plane.directory.exists()


def _harness(python: Python) -> tuple["subprocess.Popen[str]", Path, list[int]]:
    child = python("-c", HARNESS)
    assert child.stdout
    directory, pids = json.loads(child.stdout.readline())
    assert all(map(proc.running, pids))
    return child, Path(directory), pids


def test_a_killed_harness_leaves_no_process_and_the_next_start_removes_its_folder(
    python: Python, eventually: Eventually
) -> None:
    child, directory, pids = _harness(python)
    child.kill()
    child.wait()
    eventually(lambda: not any(map(proc.running, pids)), "the processes are gone")
    assert directory.exists()
    folders.remove(folders.temporary(), keep_logs=False)
    assert not directory.exists()


def test_ctrl_c_leaves_no_process_and_no_folder(python: Python) -> None:
    child = python("-m", "tools.controlplane", "run")
    assert child.stdout
    directory = Path(child.stdout.readline().removeprefix("export KUBECONFIG=")).parent
    pids = [each["pid"] for each in json.loads((directory / "plane.json").read_text())["processes"]]
    child.send_signal(signal.SIGINT)
    assert child.wait() == 130
    assert not any(map(proc.running, pids))
    assert not directory.exists()


def test_a_detached_plane_is_attached_and_stopped_by_another_process(python: Python, tmp_path: Path) -> None:
    plane_class = "from tools.controlplane.plane import ControlPlane as C"
    start = f"from pathlib import Path; {plane_class}; D = Path({str(tmp_path)!r});"
    with ports.reserve() as reservation:
        port = reservation.port
    assert python("-c", f"{start} C.start(D, detached=True, apiserver_port={port})").wait() == 0
    plane = ControlPlane.attach(tmp_path)
    pids = [process.pid for process in plane.processes()]
    assert plane.url == f"https://127.0.0.1:{port}"
    plane.restart_apiserver()
    assert "default" in plane.kubectl("get", "namespaces")
    with pytest.raises(ControlPlaneError, match=f"port {port} on 127.0.0.1 is taken"):
        ControlPlane.start(apiserver_port=port)
    assert python("-c", f"{start} C.attach(D).stop()").wait() == 0
    plane.stop()
    assert not any(map(proc.running, pids))
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    with pytest.raises(ControlPlaneError, match="no control plane runs in"):
        ControlPlane.attach(tmp_path)


def test_a_detached_plane_must_be_given_a_directory() -> None:
    with pytest.raises(ControlPlaneError, match="a detached plane needs a directory"):
        ControlPlane.start(detached=True)


def test_a_binary_that_fails_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    for name in recipe.PLANE:
        (ready / name).write_text("#!/bin/sh\nseq 100; echo no such luck; exit 3\n")
        (ready / name).chmod(0o755)
    with pytest.raises(ControlPlaneError) as caught:
        ControlPlane.start(tmp_path / "plane", assets=ready)
    first, second, *log = str(caught.value).splitlines()
    assert first == "etcd ended with code 3 while waiting for etcd to be healthy"
    assert second == f"--- the end of {tmp_path}/plane/logs/etcd.log"
    assert (len(log), log[-1]) == (40, "no such luck")
    assert [path.name for path in (tmp_path / "plane").iterdir()] == ["logs"]
