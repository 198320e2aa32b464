"""Directories of planes: new ones, and what a killed run left in an old one."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tools.controlplane import layout, proc
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.process import Process
from tools.controlplane.state import State

_SHM = Path("/dev/shm")  # noqa: S108 - memory, looked at only for its free space
_SHM_FREE_BYTES = 2 << 30
_NAME = re.compile(r"nsp-plane-(\d+)-")


def temporary() -> Path:
    """A folder of our own, in memory where there is plenty; sweeps those of harnesses that were killed."""
    bases = _bases()
    for base in bases:
        for folder in base.glob("nsp-plane-*"):
            _sweep(folder)
    return Path(tempfile.mkdtemp(prefix=f"nsp-plane-{os.getpid()}-", dir=bases[0]))


def prepare(directory: Path) -> Path:
    """A folder the user gave: made, and freed of what an earlier plane left; an error while one runs."""
    directory = directory.absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ControlPlaneError(f"cannot create the folder {directory} ({error.strerror})") from error
    if left := State.load(directory):
        _require_ended(left)
        end(left.processes)
    remove(directory, keep_logs=True)
    return directory


def remove(directory: Path, *, keep_logs: bool) -> None:
    if not keep_logs:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for name in layout.PRIVATE:
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def end(processes: Iterable[Process]) -> None:
    """Last started first: an API server whose etcd is gone hangs. The data is disposable, so no grace."""
    for process in reversed(tuple(processes)):
        process.stop(grace=0)


def _require_ended(state: State) -> None:
    """A killed run's leftover has an owner that is gone; a detached plane has none, but runs."""
    where = state.layout.directory
    if state.owner and state.owner.alive():
        raise ControlPlaneError(
            f"process {state.owner.pid} runs a plane in {where}: end it or choose another folder"
        )
    if not state.owner and any(process.alive() for process in state.processes):
        raise ControlPlaneError(f"a detached plane runs in {where}: stop it or choose another folder")


def _sweep(folder: Path) -> None:
    match = _NAME.match(folder.name)
    if match and not proc.running(int(match[1])) and folder.lstat().st_uid == os.getuid():
        with contextlib.suppress(ControlPlaneError):
            if left := State.load(folder):
                end(left.processes)
        remove(folder, keep_logs=False)


def _bases() -> list[Path]:
    """Where temporary planes may lie, the preferred place first."""
    disk = Path(tempfile.gettempdir())
    if not _SHM.is_dir():
        return [disk]
    roomy = os.access(_SHM, os.W_OK) and shutil.disk_usage(_SHM).free >= _SHM_FREE_BYTES
    return [_SHM, disk] if roomy else [disk, _SHM]
