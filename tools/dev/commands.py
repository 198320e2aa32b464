"""`make plane`, `make up`, `make down`, `make status`: the plane and the product in the background."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.controlplane import assets, console, recipe
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane, ProcessInfo
from tools.dev import charted, runfolder
from tools.dev.installation import Installation
from tools.dev.product import Product
from webhook.adapters import catalogue_file
from webhook.core.errors import InvalidPolicyError

_PROGRAMS = (*recipe.PLANE, "helm")


def plane() -> int:
    """Start the control plane alone."""
    with runfolder.locked(), _plane() as (control_plane, found):
        runfolder.write_env(control_plane, _running(control_plane))
    return _tell("the control plane runs already" if found else "the control plane is up")


def up() -> int:
    """Start the control plane, and the product on it, unless they run already.

    `NSP_CATALOGUE` names a tier catalogue to run with; with `NSP_CHART` the product is the chart, installed.
    """
    catalogue, as_chart = _catalogue(), bool(os.environ.get("NSP_CHART"))
    with runfolder.locked(), _plane() as (control_plane, _):
        found = _running(control_plane)
        if found is not None and isinstance(found, Installation) is not as_chart:
            raise ControlPlaneError(
                "it runs already, with CHART=1 or without: run make down, then this again"
            )
        runfolder.write_env(control_plane, found or _start(control_plane, catalogue, as_chart=as_chart))
    return _tell("everything runs already" if found else "everything is up")


def down() -> int:
    """Stop the product, then the plane; only their logs stay."""
    with runfolder.locked():
        stopped = charted.stop(runfolder.PRODUCT) | Product.stop_processes(runfolder.PRODUCT)
        control_plane = runfolder.running_plane()
        if control_plane is not None:
            control_plane.stop()
        runfolder.ENV.unlink(missing_ok=True)
    console.done("everything is stopped" if stopped or control_plane else "nothing runs here")
    return 0


def status() -> int:
    """A line for every process; exit code 1 when one has ended that should run."""
    control_plane = runfolder.running_plane()
    if control_plane is None:
        print("nothing runs here; start it with: make up")
        return 0
    processes = control_plane.processes()
    product = Product.known(control_plane, runfolder.PRODUCT)
    ours = list(product.processes.values()) if product is not None else []
    node = charted.node(runfolder.PRODUCT)
    ours += [node] if node is not None else []
    processes += [ProcessInfo(each.name, each.pid, each.port, each.log, each.rss()) for each in ours]
    print(f"{'PROCESS':<24} {'STATE':<8} {'PID':>8} {'PORT':>6} {'MEMORY':>8}  LOG")
    for each in processes:
        state = "running" if each.rss_bytes else "ended"
        memory = f"{each.rss_bytes / 1e6:.0f} MB"
        print(
            f"{each.name:<24} {state:<8} {each.pid:>8} {each.port or '-':>6} {memory:>8}  {_short(each.log)}"
        )
    if node is not None:
        print("the pods of the chart run in there: kubectl get pods -n ns-provisioner")
    if all(each.rss_bytes for each in processes):
        return 0
    print("start again what has ended with: make up")
    return 1


def _running(control_plane: ControlPlane) -> Product | Installation | None:
    """What was started here before, in whichever way."""
    return charted.attach(control_plane, runfolder.PRODUCT) or Product.attach(
        control_plane, runfolder.PRODUCT
    )


def _start(control_plane: ControlPlane, catalogue: Path | None, *, as_chart: bool) -> Product | Installation:
    if as_chart:
        return charted.start(control_plane, runfolder.PRODUCT, catalogue)
    return Product.start(control_plane, runfolder.PRODUCT, detached=True, catalogue=catalogue)


def _catalogue() -> Path | None:
    """The tier catalogue asked for, read once before anything is started."""
    path = os.environ.get("NSP_CATALOGUE")
    if not path:
        return None
    try:
        catalogue_file.load(Path(path))
    except InvalidPolicyError as error:
        raise ControlPlaneError(f"the tier catalogue {path} cannot be used:\n{error}") from error
    return Path(path)


@contextmanager
def _plane() -> Iterator[tuple[ControlPlane, bool]]:
    """The plane of this checkout and whether it ran before; an error when only a part of it does.

    One that was started here is stopped again when what follows fails.
    """
    found = runfolder.running_plane()
    if found is None:
        started = _start_plane()
        try:
            yield started, False
        except BaseException:
            started.stop()
            raise
        return
    for each in found.processes():
        if not each.rss_bytes:
            raise ControlPlaneError(
                f"{each.name} has ended, its log is {_short(each.log)}: run make down, then this again"
            )
    yield found, True


def _start_plane() -> ControlPlane:
    charted.stop(runfolder.PRODUCT)
    Product.stop_processes(runfolder.PRODUCT)  # those of a plane that is gone
    assets.ensure(_PROGRAMS)
    return ControlPlane.start(runfolder.PLANE, detached=True)


def _tell(what: str) -> int:
    console.done(f"{what}; now: . {_short(runfolder.ENV)} && kubectl get namespaces")
    return 0


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
