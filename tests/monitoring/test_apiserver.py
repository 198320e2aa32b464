"""The API server's own metrics have the names, labels and buckets that alerts and dashboards ask for."""

import itertools
import json
import re
from collections.abc import Iterator

import pytest

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane

_RULES = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]


def _deaf_hooks(namespace: str) -> str:
    """Two hooks of our names that nobody answers: one that fails open, one that fails closed."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    hook = {
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": _RULES,
        "namespaceSelector": selector,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kinds = {"Mutating": ("deaf-mutate", "Ignore"), "Validating": ("deaf-validate", "Fail")}
    items = [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": f"deaf-{namespace}"},
            "webhooks": [{**hook, "name": f"{short}.ns-provisioner.io", "failurePolicy": policy}],
        }
        for kind, (short, policy) in kinds.items()
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _write_until_refused(plane: ControlPlane, namespace: str) -> None:
    """Hooks are in force a moment after they were made."""
    for number in itertools.count():
        plane.kubectl("create", "configmap", f"written-{number}", "-n", namespace)


@pytest.fixture(scope="module")
def metrics(plane: ControlPlane) -> Iterator[str]:
    """What the API server shows after calls that failed."""
    namespace = "deaf-test"
    plane.kubectl("create", "namespace", namespace)
    plane.kubectl("create", "-f", "-", stdin=_deaf_hooks(namespace))
    try:
        with pytest.raises(ControlPlaneError, match='failed calling webhook "deaf-validate'):
            _write_until_refused(plane, namespace)
        yield plane.api.get("/metrics").body.decode()
    finally:
        for kind in ("mutating", "validating"):
            plane.kubectl("delete", f"{kind}webhookconfiguration", f"deaf-{namespace}")
        plane.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(
            r'rejection_count\{error_type="calling_webhook_error",name="deaf-validate.ns-provisioner.io"',
            id="calls that failed and refused the write",
        ),
        pytest.param(
            r'fail_open_count\{name="deaf-mutate.ns-provisioner.io"',
            id="calls that failed and let the write pass",
        ),
        pytest.param(
            r'admission_duration_seconds_bucket\{name="deaf-validate.ns-provisioner.io".*le="0.1"\}',
            id="the time of calls, with a bucket at what is alarming",
        ),
    ],
)
def test_the_api_server_tells(metrics: str, series: str) -> None:
    assert re.search(rf"^apiserver_admission_webhook_{series}.* [1-9]\d*$", metrics, re.MULTILINE)
