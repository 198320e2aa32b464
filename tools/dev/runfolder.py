"""`.run/`: where `make up` keeps the plane, the product, their logs, and `env` to be sourced.

`NSP_RUN_DIR` names another folder, for a second environment beside the first.
"""

import fcntl
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.dev.installation import Installation
from tools.dev.product import Product

FOLDER = Path(os.environ.get("NSP_RUN_DIR") or Path(__file__).resolve().parents[2] / ".run").absolute()
PLANE = FOLDER / "plane"
PRODUCT = FOLDER / "product"
ENV = FOLDER / "env"


@contextmanager
def locked() -> Iterator[None]:
    """One command at a time: two `make up` at once would each start half."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ControlPlaneError("another make up, plane or down is at work: wait for it") from None
        yield


def running_plane() -> ControlPlane | None:
    """The plane of this checkout, if any part of it runs."""
    try:
        return ControlPlane.attach(PLANE)
    except ControlPlaneError:
        return None


def write_env(plane: ControlPlane, product: Product | Installation | None) -> None:
    """The file people and scripts source; it holds a token, so only its owner can read it."""
    variables = {"KUBECONFIG": str(plane.kubeconfig)}
    if product is not None:
        variables |= {
            "NSP_URL": product.api_url,
            "NSP_TOKEN": product.token,
            "NSP_WEBHOOK_URL": product.webhook_url,
            "NSP_CA_FILE": str(product.ca_file),
            "NSP_HEALTH_URL": next(iter(product.health_urls.values())),
        }
    if isinstance(product, Installation):
        variables["CURL_HOME"] = str(product.curl_home)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    programs = shlex.quote(f"{plane.bin_dir}:{Path(sys.executable).parent}")
    lines.append(f'case ":$PATH:" in *:{programs}:*) ;; *) export PATH={programs}:"$PATH" ;; esac')
    ENV.touch(mode=0o600)
    ENV.write_text("\n".join(lines) + "\n")
