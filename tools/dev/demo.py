"""`make demo`: a namespace's story on a real control plane, with what was typed and what came back."""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tools.controlplane import waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation
from tools.dev.product import Product

_LIMIT_SECONDS = 10.0
_SHOP = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {platform/tier: xl}}}\n"


def main() -> int:
    """Start everything in a temporary folder, tell the story, stop everything."""
    _title("ns-provisioner on a real Kubernetes control plane")
    begin = time.monotonic()
    with ControlPlane.start() as plane:
        _note(f"etcd, kube-apiserver and kube-controller-manager ready after {_since(begin)}")
        begin = time.monotonic()
        product = _installed(plane) if os.environ.get("NSP_CHART") else _started(plane)
        _note(f"admission pair (with its own certificate), controller and API ready after {_since(begin)}")
        try:
            _Story(plane, product).tell()
        finally:
            product.stop()
    _title("Everything is stopped again. To try it yourself: make up")
    return 0


def _started(plane: ControlPlane) -> Product:
    return Product.start(plane, plane.directory / "product")


def _installed(plane: ControlPlane) -> Installation:
    _note("installing cert-manager, then the chart: helm install ns-provisioner charts/ns-provisioner --wait")
    return Installation.start(plane, plane.directory / "product")


class _Story:
    def __init__(self, plane: ControlPlane, product: Product | Installation) -> None:
        self._plane = plane
        self._product = product
        self._folder = product.directory
        path = f"{plane.bin_dir}:{os.environ.get('PATH', '')}"
        self._environment = {**os.environ, "KUBECONFIG": str(plane.kubeconfig), "PATH": path}

    def tell(self) -> None:
        self._arrival()
        self._denials()
        self._drift()
        self._tier_change()
        self._second_way_in()

    def _arrival(self) -> None:
        _title("1. A namespace arrives with its guardrails on")
        begin = time.monotonic()
        self._type("kubectl create namespace payments")
        self._type("kubectl wait --for=condition=Provisioned namespace/payments")
        _note(f"complete {_since(begin)} after the first command began")
        self._type("kubectl label namespace payments --list")
        self._type("kubectl get limitranges,resourcequotas,networkpolicies,rolebindings -n payments -o name")

    def _denials(self) -> None:
        _title("2. What breaks a rule is refused, and told the way out")
        self._type("kubectl create namespace kube-payments", refused=True)
        (self._folder / "shop.yaml").write_text(_SHOP)
        self._type("cat shop.yaml")
        self._type("kubectl create -f shop.yaml", refused=True)

    def _drift(self) -> None:
        _title("3. What is taken away comes back")
        outage = _Outage(self._quota)
        self._type("kubectl delete resourcequota default -n payments")
        _note(f"repaired: the quota was gone for at most {outage.seconds() * 1000:.0f} ms")

    def _tier_change(self) -> None:
        _title("4. Another tier is one label")
        begin = time.monotonic()
        self._type("kubectl label namespace payments platform/tier=medium --overwrite")
        waiting.until(
            lambda: self._quota().get("spec", {}).get("hard", {}).get("pods") == "100",
            "the quota of tier medium",
            self._product.processes.values(),
            limit=_LIMIT_SECONDS,
        )
        _note(f"in force {_since(begin)} after the command began")
        self._type("kubectl get resourcequota default -n payments -o custom-columns=HARD:.spec.hard")

    def _second_way_in(self) -> None:
        _title("5. The same decision behind an HTTP API")
        self._post({"team": "analytics", "tier": "large"})
        self._post({"team": "analytics", "tier": "xl"})

    def _type(self, command: str, *, refused: bool = False) -> None:
        """Run a command as a person would, and show what it says; the story ends if it says otherwise."""
        print(_styled("1", f"$ {command}"), flush=True)
        result = subprocess.run(
            shlex.split(command),
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if (result.returncode != 0) is not refused:
            raise ControlPlaneError(f"{command}: {result.stderr.strip() or 'was not refused'}")
        _show(result.stdout or result.stderr)

    def _post(self, body: dict[str, str]) -> None:
        text = json.dumps(body)
        print(_styled("1", f"POST $NSP_URL/namespaces {text}"), flush=True)
        request = urllib.request.Request(  # noqa: S310 - our own loopback URL
            f"{self._product.api_url}/namespaces",
            text.encode(),
            {"Authorization": f"Bearer {self._product.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                _show(f"{answer.status} {answer.read().decode()}")
        except urllib.error.HTTPError as error:
            _show(f"{error.code} {json.loads(error.read())['detail']}")

    def _quota(self) -> dict[str, Any]:
        answer = self._plane.api.get("/api/v1/namespaces/payments/resourcequotas/default")
        found: dict[str, Any] = answer.json()
        return found


class _Outage:
    """Watches an object be deleted and come back: from the last sight of the old to the first of the new."""

    def __init__(self, look: Callable[[], dict[str, Any]]) -> None:
        self._look = look
        self._old = look()["metadata"]["uid"]
        self._seconds: float | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)  # Ctrl-C does not wait for it
        self._thread.start()

    def seconds(self) -> float:
        """Wait for the end of the outage; an upper bound of its length."""
        self._thread.join()
        if self._seconds is None:
            raise ControlPlaneError(f"what was deleted has not come back within {_LIMIT_SECONDS:.0f} s")
        return self._seconds

    def _watch(self) -> None:
        last = time.monotonic()
        deadline = last + _LIMIT_SECONDS
        while time.monotonic() < deadline:
            asked = time.monotonic()
            uid = (self._look() or {}).get("metadata", {}).get("uid")
            if uid == self._old:
                last = asked
            elif uid:
                self._seconds = time.monotonic() - last
                return


def _title(text: str) -> None:
    print(_styled("1;36", f"\n{text}"), flush=True)


def _note(text: str) -> None:
    print(_styled("32", f"  -> {text}"), flush=True)


def _show(text: str) -> None:
    for line in text.strip().splitlines():
        print(f"  {line}", flush=True)


def _since(begin: float) -> str:
    return f"{time.monotonic() - begin:.2f} s"


def _styled(code: str, text: str) -> str:
    """Coloured on a terminal, plain everywhere else."""
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text
