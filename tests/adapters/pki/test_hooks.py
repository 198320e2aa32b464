"""A serving certificate against the webhook configurations that are live in a cluster."""

import base64
from typing import Any

import pytest

from tests.adapters.authority import NOW
from tests.adapters.pki.test_check import BUNDLE, FOREIGN, NAME, ROOT, chain
from webhook.adapters.pki import hooks as certhooks
from webhook.adapters.pki.check import Finding
from webhook.core.errors import NotFoundError, RejectedError
from webhook.core.model import Manifest

INSTALL = "install the chart, or apply the output of `nsp webhooks`"
INJECT = (
    "look whether cert-manager's CA injector runs and the annotation cert-manager.io/inject-ca-from names"
    " the Certificate, or set caBundle to the CA's PEM text in base64"
)
SERVICE = {"name": "nsp", "namespace": "guard", "path": "/mutate"}
LEAF = chain(ROOT.issue("leaf", hosts=["nsp.guard.svc", "localhost"]))
SIGNED = "signed by CN=root of the CA bundle"


def _bundle(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def _manifest(*configs: dict[str, Any]) -> Manifest:
    return {"webhooks": [{"name": f"w{n}.io", "clientConfig": config} for n, config in enumerate(configs)]}


def _found(manifest: Manifest | None, leaf: bytes = LEAF) -> list[Finding]:
    return certhooks.check(leaf, {"MutatingWebhookConfiguration": manifest}, now=NOW, days=14)


def test_a_service_is_dialled_by_its_name_in_the_cluster() -> None:
    assert _found(_manifest({"service": SERVICE, "caBundle": _bundle(chain(ROOT))})) == [
        Finding(True, f"w0.io: {SIGNED}"),
        Finding(True, "w0.io: it is for nsp.guard.svc"),
    ]


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"service": SERVICE}, "nsp.guard.svc"),
        ({"url": "https://localhost:8443/mutate"}, "localhost"),
        ({"url": "https://127.0.0.1/mutate"}, "127.0.0.1"),
        ({"url": "https://[::1]:8443/mutate"}, "::1"),
        ({}, ""),
    ],
)
def test_which_host_is_dialled(config: dict[str, Any], host: str) -> None:
    assert certhooks.host(config) == host


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "another CA": (
        {"service": SERVICE, "caBundle": _bundle(chain(FOREIGN))},
        "w0.io: the CA bundle does not vouch for it:"
        " it is not signed by the key of CN=root, only by one of that name",
        BUNDLE,
    ),
    "another service": (
        {"service": {**SERVICE, "namespace": "other"}, "caBundle": _bundle(chain(ROOT))},
        "w0.io: it is not for nsp.other.svc, only for nsp.guard.svc, localhost",
        NAME,
    ),
    "another host": (
        {"url": "https://127.0.0.1:8443/mutate", "caBundle": _bundle(chain(ROOT))},
        "w0.io: it is not for 127.0.0.1, only for nsp.guard.svc, localhost",
        NAME,
    ),
    "no caBundle": (
        {"service": SERVICE},
        "w0.io: it has no caBundle: only public authorities are trusted",
        INJECT,
    ),
    "a caBundle that is null": (
        {"service": SERVICE, "caBundle": None},
        "w0.io: it has no caBundle: only public authorities are trusted",
        INJECT,
    ),
    "a caBundle that is not base64": (
        {"service": SERVICE, "caBundle": "-----BEGIN"},
        "w0.io: its caBundle is not base64",
        INJECT,
    ),
    "a caBundle without a certificate": (
        {"service": SERVICE, "caBundle": _bundle(b"hello")},
        "w0.io: the CA bundle cannot be read: there is no certificate in PEM form",
        "give the PEM text, which begins with -----BEGIN CERTIFICATE-----",
    ),
}


@pytest.mark.parametrize(("config", "what", "remedy"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_webhook(config: dict[str, Any], what: str, remedy: str) -> None:
    assert [each for each in _found(_manifest(config)) if not each.ok] == [Finding(False, what, remedy)]


def test_every_webhook_is_looked_at() -> None:
    good = {"service": SERVICE, "caBundle": _bundle(chain(FOREIGN) + chain(ROOT))}
    found = _found(_manifest(good, {"service": SERVICE}, good))
    assert [(each.ok, each.what.partition(":")[0]) for each in found] == [
        (True, "w0.io"),
        (True, "w0.io"),
        (False, "w1.io"),
        (True, "w1.io"),
        (True, "w2.io"),
        (True, "w2.io"),
    ]


@pytest.mark.parametrize(
    ("manifest", "state"),
    [(None, "is not there"), ({}, "has no webhooks"), ({"webhooks": None}, "has no webhooks")],
)
def test_a_configuration_that_registers_nothing(manifest: Manifest | None, state: str) -> None:
    what = f"MutatingWebhookConfiguration ns-provisioner {state}"
    assert _found(manifest) == [Finding(False, what, INSTALL)]


def test_a_certificate_that_cannot_be_read_is_told_once() -> None:
    assert [each.what for each in _found(_manifest({}, {}), b"hello")] == [
        "the certificate cannot be read: there is no certificate in PEM form"
    ]


class Cluster:
    """Answers from a table; what is not in it is not there."""

    def __init__(self, objects: dict[str, Manifest | Exception]) -> None:
        self._objects = objects

    async def get(self, path: str) -> Manifest:
        found = self._objects.get(path, NotFoundError("not there", code=404))
        if isinstance(found, Exception):
            raise found
        return found


_ROOT = "/apis/admissionregistration.k8s.io/v1"


@pytest.mark.anyio
async def test_both_configurations_are_read_whether_they_are_there_or_not() -> None:
    mine = _manifest()
    cluster: Any = Cluster({f"{_ROOT}/mutatingwebhookconfigurations/ns-provisioner": mine})
    assert await certhooks.load(cluster) == {
        "MutatingWebhookConfiguration": mine,
        "ValidatingWebhookConfiguration": None,
    }


@pytest.mark.anyio
async def test_a_refusal_is_not_taken_for_absence() -> None:
    refusal = RejectedError("forbidden", code=403)
    cluster: Any = Cluster({f"{_ROOT}/validatingwebhookconfigurations/ns-provisioner": refusal})
    with pytest.raises(RejectedError):
        await certhooks.load(cluster)
