"""cert-manager for real: a certificate is issued and its authority reaches a webhook configuration."""

import json

from tests.controlplane.support import Eventually
from tools.controlplane.plane import ControlPlane

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: issuing}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: root, namespace: issuing}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: authority, namespace: issuing}
spec:
  isCA: true
  commonName: authority
  secretName: authority
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {name: root}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: authority, namespace: issuing}
spec: {ca: {secretName: authority}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: leaf, namespace: issuing}
spec:
  dnsNames: [hook.issuing.svc]
  secretName: leaf
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {name: authority}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: issuing
  annotations: {cert-manager.io/inject-ca-from: issuing/leaf}
webhooks:
- name: hook.issuing.svc
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {namespace: issuing, name: hook}}
"""


def test_a_leaf_is_issued_and_its_authority_is_injected(
    audited_plane: ControlPlane, eventually: Eventually
) -> None:
    audited_plane.start_cert_manager()
    audited_plane.kubectl("apply", "--server-side", "-f", "-", stdin=MANIFESTS)
    audited_plane.kubectl(
        "wait", "--for=condition=Ready", "--timeout=30s", "--namespace=issuing", "certificate/leaf"
    )
    hook = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/issuing"
    secret = json.loads(audited_plane.kubectl("get", "secret", "authority", "-nissuing", "-ojson"))

    def injected() -> bool:
        client = audited_plane.api.get(hook).json()["webhooks"][0]["clientConfig"]
        return bool(client.get("caBundle") == secret["data"]["tls.crt"])

    eventually(injected, "the authority's certificate is the hook's caBundle")
    assert audited_plane.processes()[-1].name == "cert-manager"
