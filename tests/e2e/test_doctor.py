"""`nsp doctor` on an installation that works, and on one that is broken in many ways, one after the other."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.e2e import cluster
from tools.controlplane.plane import ControlPlane
from tools.dev.product import Product
from webhook.adapters import pki
from webhook.cli import doctor as verb

CORE = "/api/v1/namespaces/ns-provisioner"
HOOKS = "/apis/admissionregistration.k8s.io/v1"
BUILT_IN = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
OUTSIDE = [
    f"[warn] deployments: Deployment ns-provisioner-{role} is not in namespace ns-provisioner; the "
    "webhooks are "
    "registered by URL"
    for role in ("admission", "controller")
]
"""True of every installation that this harness makes by itself."""

PEM = "-----BEGIN"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A plane of its own: what breaks the registration breaks it for the whole cluster."""
    with ControlPlane.start() as plane:
        product = Product.start(plane, tmp_path_factory.mktemp("examined"))
        with _objects(product):
            yield product
        product.stop()


@contextmanager
def _objects(product: Product) -> Iterator[None]:
    """The ConfigMap and the Secret that the chart would have made."""
    pair = {name: (product.directory / "certs" / name).read_bytes() for name in ("tls.crt", "tls.key")}
    data = {name: base64.b64encode(content).decode() for name, content in pair.items()}
    secret = {"metadata": {"name": "ns-provisioner-tls"}, "type": "kubernetes.io/tls", "data": data}
    assert product.plane.api.send("POST", f"{CORE}/secrets", secret).status == 201
    config_map = {"metadata": {"name": "ns-provisioner-catalogue"}, "data": {"catalogue.yaml": BUILT_IN}}
    assert product.plane.api.send("POST", f"{CORE}/configmaps", config_map).status == 201
    yield


def doctor(kubeconfig: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(verb.command, ["--kubeconfig", str(kubeconfig), *arguments])
    assert done.stderr == ""
    return done.exit_code, done.stdout


def told(product: Product) -> list[str]:
    """Everything that is not ok, without its remedy."""
    out = doctor(product.plane.kubeconfig)[1]
    return [line for line in out.splitlines() if line.startswith(("[warn]", "[fail]"))]


def wait_for(product: Product, *expected: str) -> None:
    """The API server takes a changed registration into use by and by."""

    found: list[str] = []

    def seen() -> bool:
        found[:] = [line for line in told(product) if line not in OUTSIDE]
        return len(found) == len(expected) and all(map(str.startswith, found, expected))

    try:
        cluster.eventually(seen, "doctor", seconds=30)
    except AssertionError:
        assert found == [*expected]
        raise


@contextmanager
def changed(product: Product, path: str, change: list[dict[str, Any]]) -> Iterator[None]:
    """A JSON patch, and all put right again afterwards."""
    with restored(product, path) as whole:
        headers = {"Content-Type": "application/json-patch+json"}
        answer = product.plane.api.send("PATCH", whole, change, headers=headers)
        assert answer.status == 200, answer.body
        yield


@contextmanager
def restored(product: Product, path: str) -> Iterator[str]:
    """Whatever becomes of the object at `path`, it is there again afterwards, and in force."""
    api, whole = product.plane.api, path if path.startswith("/api") else HOOKS + path
    before = api.get(whole).json()
    del before["metadata"]["resourceVersion"], before["metadata"]["uid"]
    try:
        yield whole
    finally:
        live = api.get(whole)
        if live.status == 200:
            before["metadata"]["resourceVersion"] = live.json()["metadata"]["resourceVersion"]
            assert api.send("PUT", whole, before).status == 200
        else:
            assert api.send("POST", whole.rpartition("/")[0], before).status == 201
        wait_for(product)


def replacing(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "add", "path": path, "value": value}]


VALIDATING = "/validatingwebhookconfigurations/ns-provisioner"
MUTATING = "/mutatingwebhookconfigurations/ns-provisioner"
CALLS = "[fail] calls: validate.ns-provisioner.io cannot be called: "


def test_one_that_works(running: Product) -> None:
    code, out = doctor(running.plane.kubeconfig)
    assert (code, told(running)) == (0, OUTSIDE)
    assert (
        "[ok]   calls: validate.ns-provisioner.io is called, and refuses kube-nsp-doctor by [reserved-name]"
        in out
    )
    assert "[ok]   calls: mutate.ns-provisioner.io is called, and completes nspdoctor" in out
    assert "[ok]   catalogue: ConfigMap ns-provisioner/ns-provisioner-catalogue: good, 4 tiers" in out
    assert "[ok]   certificate: it is for 127.0.0.1\n" in out
    assert "[ok]   certificate: signed by CN=ns-provisioner development CA of the CA bundle\n" in out
    assert out.endswith(", 2 warn, 0 fail\n")


def test_machines_get_the_same_and_nobody_gets_a_key(running: Product) -> None:
    code, out = doctor(running.plane.kubeconfig, "--output", "json")
    found = json.loads(out)
    assert (code, found["worst"]) == (0, "warn")
    assert {each["level"] for each in found["findings"]} == {"ok", "warn"}
    key = (running.directory / "certs" / "tls.key").read_text().splitlines()[1]
    text = doctor(running.plane.kubeconfig)[1]
    for shown in (out, text):
        assert key not in shown
        assert base64.b64encode(key.encode()).decode()[:20] not in shown
        assert PEM not in shown


def test_nothing_is_left_behind(running: Product) -> None:
    before = running.plane.kubectl("get", "namespaces", "-o", "name")
    doctor(running.plane.kubeconfig)
    assert running.plane.kubectl("get", "namespaces", "-o", "name") == before


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        pytest.param(
            VALIDATING,
            replacing("/webhooks/0/clientConfig/url", "https://127.0.0.1:1/validate"),
            [f"{CALLS}nothing listens there: "],
            id="nothing listens",
        ),
        pytest.param(
            VALIDATING,
            replacing(
                "/webhooks/0/clientConfig",
                {
                    "service": {
                        "name": "ns-provisioner-admission",
                        "namespace": "ns-provisioner",
                        "path": "/validate",
                    },
                    "caBundle": "",
                },
            ),
            [
                "[fail] webhooks: validate.ns-provisioner.io has no caBundle",
                f"{CALLS}its Service is not there: ",
                "[fail] certificate: it is not for ns-provisioner-admission.ns-provisioner.svc, only for ",
            ],
            id="a service that is not there, and no CA",
        ),
        pytest.param(
            VALIDATING,
            replacing("/webhooks/0/failurePolicy", "Ignore")
            + replacing("/webhooks/0/rules/0/operations", ["UPDATE"]),
            [
                "[warn] webhooks: validate.ns-provisioner.io has failurePolicy Ignore",
                "[fail] webhooks: validate.ns-provisioner.io is not asked about CREATE v1/namespaces",
                "[fail] calls: validate.ns-provisioner.io is not called, or may fail",
            ],
            id="not asked about creations",
        ),
        pytest.param(
            MUTATING,
            replacing("/webhooks/0/clientConfig/url", "https://127.0.0.1:1/mutate"),
            ["[fail] calls: mutate.ns-provisioner.io is not called, or fails: nspdoctor"],
            id="mutation that fails, unseen",
        ),
        pytest.param(
            "/validatingadmissionpolicies/ns-provisioner-namespaces",
            replacing("/spec/validations/0/expression", "true"),
            [
                "[fail] policies: ValidatingAdmissionPolicy ns-provisioner-namespaces differs from "
                "the catalogue's in "
            ],
            id="a policy that holds less",
        ),
    ],
)
def test_a_registration_that_is_broken(
    running: Product, path: str, change: list[dict[str, Any]], expected: list[str]
) -> None:
    with changed(running, path, change):
        wait_for(running, *expected)
        assert doctor(running.plane.kubeconfig)[0] == 1


def test_a_certificate_of_another_authority(running: Product, tmp_path: Path) -> None:
    pki.make_pair(tmp_path, ["127.0.0.1"])
    other = base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()
    with changed(running, VALIDATING, replacing("/webhooks/0/clientConfig/caBundle", other)):
        wait_for(
            running,
            f"{CALLS}its CA bundle does not vouch for the certificate: ",
            "[fail] certificate: the CA bundle does not vouch for it: ",
        )


def test_a_process_that_does_not_answer(running: Product) -> None:
    running.processes["nsp"].pause()
    try:
        found = told(running)
    finally:
        running.processes["nsp"].resume()
    assert [line for line in found if line.startswith(f"{CALLS}it does not answer in time: ")]
    wait_for(running)


def test_without_any_registration(running: Product) -> None:
    with restored(running, VALIDATING) as path:
        assert running.plane.api.send("DELETE", path).status == 200
        wait_for(
            running,
            "[fail] webhooks: validate.ns-provisioner.io is not registered",
            "[fail] webhooks: validate-delete.ns-provisioner.io is not registered",
            "[fail] calls: validate.ns-provisioner.io is not called",
        )


def test_a_catalogue_that_is_broken(running: Product) -> None:
    path = f"{CORE}/configmaps/ns-provisioner-catalogue"
    headers = {"Content-Type": "application/merge-patch+json"}

    def put(text: str) -> None:
        body = {"data": {"catalogue.yaml": text}}
        assert running.plane.api.send("PATCH", path, body, headers=headers).status == 200

    put(BUILT_IN.replace("defaultTier: small", "defaultTier: xl").replace('pods: "5"', 'pods: "many"'))
    try:
        found = [line for line in told(running) if "catalogue:" in line]
    finally:
        put(BUILT_IN)
    where = "[fail] catalogue: ConfigMap ns-provisioner/ns-provisioner-catalogue"
    assert len(found) == 2
    assert found[0].startswith(f"{where}: tiers.freemium.quota.pods: ")
    assert found[1].startswith(f'{where}: policy.defaultTier: "xl" is not a tier')


def test_rights_that_were_taken_away(running: Product) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles/ns-provisioner-controller"
    found = running.plane.api.get(roles).json()["rules"]
    less = [rule for rule in found if rule["resources"] != ["namespaces/status"]]
    assert len(less) == len(found) - 1
    with changed(running, roles, replacing("/rules", less)):
        wait_for(
            running,
            "[fail] rights: system:serviceaccount:ns-provisioner:ns-provisioner-controller may not: "
            "patch namespaces/status",
        )


def test_somebody_with_few_rights_is_told_which_are_missing(running: Product, tmp_path: Path) -> None:
    plane = running.plane
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = plane.api.send("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", request)
    plane.write_kubeconfig(tmp_path / "visitor", answer.json()["status"]["token"])
    code, out = doctor(tmp_path / "visitor")
    assert code == 0
    assert "[warn] rights: you may not: get deployments.apps in ns-provisioner, " in out
    assert "get secrets ns-provisioner-tls in ns-provisioner, " in out
    assert (
        "[warn] certificate: Secret ns-provisioner/ns-provisioner-tls could not be looked at: 403 Forbidden"
        in out
    )
    assert "[warn] calls: validation could not be tried: 403 Forbidden" in out
    assert "[fail]" not in out


def test_an_api_server_that_is_not_there(running: Product, tmp_path: Path) -> None:
    text = running.plane.kubeconfig.read_text().replace(running.plane.url, "https://127.0.0.1:1")
    (tmp_path / "nowhere").write_text(text)
    code, out = doctor(tmp_path / "nowhere")
    assert code == 1
    assert out.startswith(
        "[fail] api-server: no version from the API server: the API server cannot be reached: "
    )
    assert out.endswith("0 ok, 0 warn, 1 fail\n")
