"""The steps from started processes to a plane that behaves like a cluster."""

import json
import socket

from tools.controlplane import credentials
from tools.controlplane.api import Api, get_insecure
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.layout import Layout

_IDENTITY = "/api/v1/namespaces/kube-system/configmaps"
_IDENTITY_NAME = "ns-provisioner-plane"


def etcd_healthy(layout: Layout) -> bool:
    answer = get_insecure(layout.etcd_url + "/health")
    return answer.status == 200 and json.loads(answer.body).get("health") == "true"


def apiserver_listens(layout: Layout) -> bool:
    """The port is ours alone, so whoever listens is our server, and its certificate is on disk by then."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", layout.apiserver_port)) == 0


def adopt_authority(layout: Layout, *, admin: str, controller: str) -> None:
    """The server made its certificate itself: hand the authority to everybody who will call it."""
    layout.ca_file.write_bytes((layout.file("certs") / "apiserver.crt").read_bytes())
    credentials.write_kubeconfig(layout, layout.kubeconfig, admin)
    credentials.write_kubeconfig(layout, layout.file("controller.kubeconfig"), controller)


def apiserver_ready(api: Api) -> bool:
    return api.get("/readyz").status == 200


def controllers_healthy(layout: Layout) -> bool:
    return get_insecure(f"https://127.0.0.1:{layout.controller_port}/healthz").status == 200


def roles_aggregated(api: Api) -> bool:
    role = api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/admin")
    return role.status == 200 and bool(role.json().get("rules"))


def default_account_exists(api: Api) -> bool:
    return api.get("/api/v1/namespaces/default/serviceaccounts/default").status == 200


def leave_identity(api: Api, nonce: str) -> bool:
    """A mark in the new cluster; one that is there already would be somebody else's."""
    mark = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _IDENTITY_NAME},
        "data": {"nonce": nonce},
    }
    status = api.send("POST", _IDENTITY, mark).status
    if status == 409:
        require_identity(api, nonce)  # an earlier try of ours may have been served without an answer
    return status in (201, 409)


def require_identity(api: Api, nonce: str) -> None:
    mark = api.get(f"{_IDENTITY}/{_IDENTITY_NAME}")
    if mark.status != 200 or mark.json()["data"]["nonce"] != nonce:
        raise ControlPlaneError("the server that answers is not this plane's: end it and start again")
