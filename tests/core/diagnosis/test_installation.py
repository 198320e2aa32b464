"""Clock, processes, catalogue, certificate and Lease."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.core.builders import POLICY
from tests.core.diagnosis.healthy import (
    BROKEN,
    FORBIDDEN,
    NOT_FOUND,
    NOW,
    configurations,
    deployment,
    findings,
    hooks,
    troubles,
)
from webhook.core.diagnosis.model import Finding, Reply

BY_URL = {"mutating": configurations(hooks()[:1]), "validating": configurations(hooks()[1:])}
PODS = "kubectl describe pods -n ns-provisioner -l app.kubernetes.io/component"


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        pytest.param(60, ("ok", "the clock here is 60 s ahead of the API server's", ""), id="a little ahead"),
        pytest.param(-60, ("ok", "the clock here is 60 s behind the API server's", ""), id="a little behind"),
        pytest.param(
            -61,
            (
                "warn",
                "the clock here is 61 s behind the API server's",
                "set the clocks by NTP, on the nodes too: certificates, expiry and tokens go by them",
            ),
            id="too far behind",
        ),
    ],
)
def test_the_clock(ahead: int, told: tuple[str, str, str]) -> None:
    assert findings("clock", local_now=NOW + timedelta(seconds=ahead)) == [told]


def test_an_api_server_that_tells_no_time() -> None:
    assert findings("clock", server_now=None) == [
        ("warn", "the API server's answers bear no Date", "compare the clocks by hand")
    ]


@pytest.mark.parametrize(
    ("role", "reply", "told"),
    [
        pytest.param(
            "admission",
            NOT_FOUND,
            [
                "fail: Deployment ns-provisioner-admission is not in namespace ns-provisioner -> install the "
                "chart, or name its namespace with --namespace; without it nobody can create namespaces"
            ],
            id="no admission",
        ),
        pytest.param(
            "controller",
            NOT_FOUND,
            [
                "fail: Deployment ns-provisioner-controller is not in namespace ns-provisioner -> "
                "install the "
                "chart, or name its namespace with --namespace; without it new namespaces get no "
                "objects, and "
                "nothing is repaired"
            ],
            id="no controller",
        ),
        pytest.param("api", NOT_FOUND, [], id="no API, which is optional"),
        pytest.param(
            "admission",
            deployment("admission", ready=0),
            [
                f"fail: ns-provisioner-admission: 0 of 2 replicas ready -> {PODS}=admission; "
                "meanwhile nobody can create namespaces"
            ],
            id="none is ready",
        ),
        pytest.param(
            "controller",
            deployment("controller", ready=0, spec={"replicas": 0}),
            [
                "fail: ns-provisioner-controller is scaled to none -> kubectl scale deployment -n "
                "ns-provisioner ns-provisioner-controller --replicas=2"
            ],
            id="none is asked for",
        ),
        pytest.param(
            "api",
            deployment("api", ready=1),
            [f"warn: ns-provisioner-api: 1 of 2 replicas ready -> {PODS}=api"],
            id="not all are ready",
        ),
        pytest.param(
            "controller",
            deployment("controller", status={}),
            [
                f"fail: ns-provisioner-controller: 0 of 2 replicas ready -> {PODS}=controller; "
                "meanwhile new namespaces get no objects, and nothing is repaired"
            ],
            id="no status yet",
        ),
        pytest.param(
            "admission",
            FORBIDDEN,
            [
                "warn: Deployment ns-provisioner-admission could not be looked at: 403 Forbidden: "
                "you cannot -> "
                "ask as somebody who may, for instance a cluster admin"
            ],
            id="not to be seen",
        ),
        pytest.param(
            "admission",
            BROKEN,
            [
                "warn: Deployment ns-provisioner-admission could not be looked at: 500 "
                "InternalError: etcd is "
                "away -> try again"
            ],
            id="trouble on the other side",
        ),
    ],
)
def test_deployments(role: str, reply: Reply, told: list[str]) -> None:
    others = {"admission": deployment("admission"), "controller": deployment("controller")}
    assert troubles("deployments", deployments={**others, role: reply}) == told


def test_processes_outside_of_the_cluster_are_no_failure() -> None:
    assert troubles("deployments", deployments={"admission": NOT_FOUND}, **BY_URL) == [
        "warn: Deployment ns-provisioner-admission is not in namespace ns-provisioner; the webhooks are "
        "registered by URL -> nothing, where it runs outside of this cluster on purpose"
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, ("ok", "ns-provisioner-admission is 0.1.0, as this nsp is", ""), id="by its label"),
        pytest.param(
            {
                "metadata": {"name": "x", "namespace": "ns-provisioner"},
                "spec": {
                    "replicas": 2,
                    "template": {
                        "spec": {"containers": [{"image": "reg:5000/x/ns-provisioner:v0.1.0@sha256:0"}]}
                    },
                },
            },
            ("ok", "ns-provisioner-admission is 0.1.0, as this nsp is", ""),
            id="by its image",
        ),
        pytest.param(
            {
                "metadata": {
                    "name": "x",
                    "namespace": "ns-provisioner",
                    "labels": {"app.kubernetes.io/version": "0.9.0"},
                }
            },
            (
                "warn",
                "ns-provisioner-admission is 0.9.0, this nsp is 0.1.0",
                "take the nsp of that version: what it holds right may be another thing",
            ),
            id="another one",
        ),
        pytest.param(
            {"metadata": {"name": "x", "namespace": "ns-provisioner"}},
            (
                "warn",
                "ns-provisioner-admission is of no stated version, this nsp is 0.1.0",
                "take the nsp of that version: what it holds right may be another thing",
            ),
            id="not stated",
        ),
    ],
)
def test_versions(changes: dict[str, Any], told: tuple[str, str, str]) -> None:
    assert findings("versions", deployments={"admission": deployment("admission", **changes)}) == [told]


def test_a_catalogue_that_is_not_good_is_told_of_with_all_its_problems() -> None:
    broken = {"policy": None, "problems": ("tiers: is missing", "policy: is missing"), "registered": ()}
    assert troubles("catalogue", **broken) == [
        f"fail: ConfigMap ns-provisioner/ns-provisioner-catalogue: {problem} -> "
        "mend it in the values: until then the last good one stays in force"
        for problem in ("tiers: is missing", "policy: is missing")
    ]
    for check in ("webhooks", "policies"):
        assert troubles(check, **broken) == [
            "warn: not compared: they are made from the catalogue -> mend the catalogue first"
        ]


def test_a_catalogue_that_is_not_there_is_taken_from_elsewhere() -> None:
    assert troubles("catalogue", catalogue=NOT_FOUND, source="file x.yaml") == [
        f"warn: the cluster's is not known, so file x.yaml: good, 4 tiers, revision {POLICY.revision} -> "
        "what follows is compared with this one: name the one in use with --catalogue"
    ]


@pytest.mark.parametrize(
    ("setting", "role"),
    [
        pytest.param("controllers", "controller", id="the controller"),
        pytest.param("requesters", "api", id="the API"),
    ],
)
def test_a_catalogue_that_does_not_name_our_accounts(setting: str, role: str) -> None:
    nobody: dict[str, Any] = {setting: frozenset({"somebody"})}
    unknown = replace(POLICY, **nobody)
    installed = {each: deployment(each) for each in ("admission", "controller", "api")}
    assert troubles("catalogue", policy=unknown, deployments=installed) == [
        f"fail: policy.{setting} does not name system:serviceaccount:ns-provisioner:ns-provisioner-{role} -> "
        f"add it there: without, the rules refuse what the {role} does"
    ]


def test_a_secret_that_is_not_there() -> None:
    assert troubles("certificate", secret=NOT_FOUND, certificate=()) == [
        "fail: Secret ns-provisioner/ns-provisioner-tls is not there -> with cert-manager: kubectl describe "
        "certificate -n ns-provisioner ns-provisioner-admission; without: put one there"
    ]


def test_a_secret_that_need_not_be_there() -> None:
    assert troubles("certificate", secret=NOT_FOUND, certificate=(), **BY_URL) == [
        "warn: Secret ns-provisioner/ns-provisioner-tls is not there, so the certificate in use was "
        "not looked "
        "at -> nsp certs check tells of one in a file"
    ]


def test_a_secret_that_the_caller_may_not_read_is_no_failure() -> None:
    assert troubles("certificate", secret=FORBIDDEN, certificate=()) == [
        "warn: Secret ns-provisioner/ns-provisioner-tls could not be looked at: 403 Forbidden: you cannot -> "
        "ask as somebody who may, for instance a cluster admin"
    ]


def test_what_is_wrong_with_the_certificate_is_passed_on() -> None:
    expired = Finding("certificate", "fail", "it expired", "issue one")
    assert troubles("certificate", certificate=(expired,)) == ["fail: it expired -> issue one"]


LOGS = "look at the controllers' logs: who wants to lead says why it cannot"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param(
            Reply({"spec": {"holderIdentity": "pod_1", "renewTime": "2026-01-02T03:03:50.000000Z"}}),
            ("ok", "pod_1 leads, renewed 15 s ago", ""),
            id="just renewed in time",
        ),
        pytest.param(
            Reply({"spec": {"holderIdentity": "pod_1", "renewTime": "2026-01-02T03:03:49.000000Z"}}),
            ("fail", "pod_1 led, and has not renewed for 16 s", LOGS),
            id="not renewed",
        ),
        pytest.param(
            Reply({"spec": {"holderIdentity": "", "renewTime": "2026-01-02T03:04:04.000000Z"}}),
            ("fail", "no controller leads: the Lease was given back", LOGS),
            id="given back",
        ),
        pytest.param(
            Reply({"spec": {"holderIdentity": "pod_1", "renewTime": "yesterday"}}),
            ("warn", "pod_1 leads, since when renewed cannot be told", "look again"),
            id="no time that can be read",
        ),
        pytest.param(
            NOT_FOUND,
            (
                "fail",
                "there is no Lease ns-provisioner-controller in namespace ns-provisioner: nobody has "
                "ever led",
                "start a controller there (--lease-namespace says where it leads)",
            ),
            id="none",
        ),
        pytest.param(
            FORBIDDEN,
            (
                "warn",
                "Lease ns-provisioner/ns-provisioner-controller could not be looked at: 403 "
                "Forbidden: you cannot",
                "ask as somebody who may, for instance a cluster admin",
            ),
            id="not to be seen",
        ),
    ],
)
def test_the_lease(reply: Reply, told: tuple[str, str, str]) -> None:
    assert findings("lease", lease=reply) == [told]
