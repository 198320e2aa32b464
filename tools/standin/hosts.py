"""What a cluster's DNS tells a Pod, as a hosts file: the names of the Services in its namespace."""

from collections.abc import Iterable

from tools.standin.environment import Manifest

PATH = "/etc/hosts"
_DOMAIN = "cluster.local"


def text(services: Iterable[Manifest], pod_name: str, ip: str) -> str:
    """Every name by which a Pod may call a Service that has an address."""
    lines = ["127.0.0.1 localhost", "::1 localhost", f"{ip} {pod_name}"]
    for service in services:
        name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        address = service["spec"].get("clusterIP", "None")
        if address not in ("", "None"):
            names = [name, f"{name}.{namespace}", f"{name}.{namespace}.svc"]
            lines.append(" ".join([address, *names, f"{name}.{namespace}.svc.{_DOMAIN}"]))
    return "\n".join(lines) + "\n"
