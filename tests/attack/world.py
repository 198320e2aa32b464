"""A plane of the attackers' own, and what stands in their way on it: webhooks, policies, or both.

The product runs without its controller here, which would mend in a moment what an attack has broken.
"""

import contextlib
import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.attack.actors import ADMIN
from tests.attack.client import Client, Request
from tests.attack.recorder import NAME, Recorder
from tests.attack.stage import Stage
from tests.attack.words import Manifest
from tools.controlplane import waiting
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import child_environment
from tools.dev.installation import Installation
from tools.dev.product import PRUNE, nsp

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
HOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
POLICIES = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
_PROBE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-probe"}}


class World:
    """`catalogue` is the file that the product runs with."""

    def __init__(self, plane: ControlPlane, product: Installation, catalogue: Path) -> None:
        self.plane = plane
        self.product = product
        self.catalogue = catalogue
        self.client = Client(plane)
        self._numbers = itertools.count(1)

    def stage(self) -> Stage:
        stage = Stage(self.client, f"attack-{next(self._numbers)}")
        stage.open()
        return stage

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """All is registered, and no process of ours answers."""
        self.product.stop_admission()
        try:
            yield
        finally:
            self.product.start_admission()

    @contextlib.contextmanager
    def unhooked(self) -> Iterator[None]:
        """The webhook configurations are gone; only the policies are left."""
        for kind in HOOKS:
            self.client.must(Request("DELETE", f"{REGISTRATION}/{kind}/ns-provisioner"))
        try:
            waiting.until(self._is_free, "the webhooks to be called no more", [])
            yield
        finally:
            self.impose([])
            self.product.register()

    def impose(self, manifests: list[Manifest]) -> None:
        """Make these the policies in force, and the only ones."""
        for kind in POLICIES:
            for item in self.client.must(Request("GET", f"{REGISTRATION}/{kind}"))["items"]:
                self.client.must(Request("DELETE", f"{REGISTRATION}/{kind}/{item['metadata']['name']}"))
        for manifest in manifests:
            self.client.must(Request("POST", _collection(manifest), manifest))
        self._settle()

    def apply(self, manifests: list[Manifest]) -> None:
        """As `nsp policy vap --help` has it: what is there already and is not among these goes."""
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        self.plane.kubectl("apply", "-f", "-", *PRUNE, stdin=items)
        self._settle()

    @contextlib.contextmanager
    def recorded(self) -> Iterator[Recorder]:
        """With a webhook that allows and keeps what it is asked."""
        with Recorder(self.product.directory / "recorder") as recorder:
            path = f"{REGISTRATION}/{HOOKS[1]}"
            self.client.must(Request("POST", path, recorder.configuration()))
            probe = Request("POST", "/api/v1/namespaces", _PROBE)

            def called() -> bool:
                recorder.reviews.pop("probe", None)
                self.client.send(probe, ADMIN, dry_run=True, case="probe")
                return "probe" in recorder.reviews

            try:
                waiting.until(called, "the recorder to be called", [])
                yield recorder
            finally:
                self.client.must(Request("DELETE", f"{path}/{NAME}"))
                waiting.until(lambda: not called(), "the recorder to be called no more", [])

    def _settle(self) -> None:
        """Wait until the API server acts on every policy as it stands.

        It reads policies one after another as they change: when it acts on one that was made last, it
        has read all that were changed before.
        """
        name = f"marker-{next(self._numbers)}"
        marker = _marker(name)
        for manifest in marker:
            self.client.must(Request("POST", _collection(manifest), manifest))
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        probe = Request("POST", "/api/v1/namespaces/default/configmaps", config_map)
        waiting.until(
            lambda: self.client.send(probe, dry_run=True).refused, "the policies to be in force", []
        )
        for manifest in marker:
            self.client.must(Request("DELETE", f"{_collection(manifest)}/{name}"))

    def _is_free(self) -> bool:
        """A name that our webhooks refuse is not refused."""
        return self.client.send(Request("POST", "/api/v1/namespaces", _PROBE), dry_run=True).status == 201


def rendered(catalogue: Path | None = None) -> list[Manifest]:
    """The policies as a user gets them, from the command line."""
    flags = [] if catalogue is None else ["--catalogue", str(catalogue)]
    command = [nsp(), "policy", "vap", *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment())
    items: list[Manifest] = json.loads(result.stdout)["items"]
    return items


def _collection(manifest: Manifest) -> str:
    policy = manifest["kind"] == "ValidatingAdmissionPolicy"
    return f"{REGISTRATION}/{POLICIES[0] if policy else POLICIES[1]}"


def _marker(name: str) -> list[Manifest]:
    """A policy of the tests' own that refuses one ConfigMap."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"object.metadata.name != '{name}'"}],
    }
    bound = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"ValidatingAdmissionPolicy{suffix}",
            "metadata": {"name": name},
            "spec": content,
        }
        for suffix, content in (("", spec), ("Binding", bound))
    ]
