"""`make up CHART=1`: the chart on the plane of `make up`, and a node for its Pods in the background."""

import json
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from tools.controlplane.process import Process
from tools.dev.installation import Installation
from tools.standin import background

_STATE = "installation.json"


def start(plane: ControlPlane, directory: Path, catalogue: Path | None) -> Installation:
    """Install the chart. The node ends with `stop`, the release with the plane."""
    directory.mkdir(parents=True, exist_ok=True)
    found = Installation(plane, directory, None)
    found.catalogue = catalogue
    found.start_cert_manager()
    background.start(plane, _node(directory))
    try:
        found.prepare()
        found.install({})
    except BaseException:
        background.stop(_node(directory))
        raise
    state = directory / _STATE
    state.touch(mode=0o600)
    state.write_text(json.dumps({"token": found.token}))
    return found


def attach(plane: ControlPlane, directory: Path) -> Installation | None:
    """What another process has installed here, while its node runs."""
    if node(directory) is None:
        return None
    found = Installation(plane, directory, None)
    try:
        found.token = json.loads((directory / _STATE).read_text())["token"]
    except (OSError, ValueError, KeyError) as error:
        raise ControlPlaneError(
            "the installation here is not complete: run make down, then this again"
        ) from error
    return found


def node(directory: Path) -> Process | None:
    """The process of the node, while it runs."""
    return background.known(_node(directory))


def stop(directory: Path) -> bool:
    """End the node and what runs on it; whether there was one."""
    (directory / _STATE).unlink(missing_ok=True)
    return background.stop(_node(directory))


def _node(directory: Path) -> Path:
    return directory / "node"
