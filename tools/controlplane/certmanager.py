"""cert-manager in a plane: its CRDs, its namespace, and the proof that its controllers work."""

import json

from tools.controlplane.api import Api

NAMESPACE = "cert-manager"
_ISSUERS = f"/apis/cert-manager.io/v1/namespaces/{NAMESPACE}/issuers"
_PROBE = "ns-provisioner-probe"


def namespace() -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})


def works(api: Api) -> bool:
    """A self-signed issuer becomes ready as soon as the controllers see it; it is removed again."""
    probe = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Issuer",
        "metadata": {"name": _PROBE},
        "spec": {"selfSigned": {}},
    }
    issuer = api.get(f"{_ISSUERS}/{_PROBE}")
    if issuer.status != 200:
        api.send("POST", _ISSUERS, probe)
        return False
    conditions = issuer.json().get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and api.send("DELETE", f"{_ISSUERS}/{_PROBE}").status == 200
