"""A folder whose files change all at once, as the kubelet keeps Secrets, ConfigMaps and tokens.

NAME -> ..data/NAME, and ..data -> a folder for each version; an update makes the next folder, moves that one
link, and removes the former version and the links that lead nowhere.
"""

import itertools
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_DATA = "..data"
_GROUP_READS, _GROUP_ENTERS, _GROUP_INHERITED = 0o440, 0o110, 0o2000


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    mode: int = 0o644
    uid: int | None = None  # root's, when None


class AtomicFolder:
    """`group` is the Pod's fsGroup: it owns everything and may read it. Needs root; ignored without."""

    def __init__(self, folder: Path, group: int | None = None) -> None:
        self.folder = folder
        self._group = group if os.geteuid() == 0 else None
        self._versions = itertools.count(1)
        self._now: dict[str, File] | None = None
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self._own_folder(folder)

    def write(self, files: Mapping[str, File]) -> bool:
        """Whether there was something to change. Names may have folders: "certs/tls.crt"."""
        if files == self._now:
            return False
        former = self.folder / os.readlink(self.folder / _DATA) if self._now is not None else None
        self._move_to(self._version(files))
        links = {name.partition("/")[0] for name in files}
        for name in links:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"{_DATA}/{name}")
        for entry in list(self.folder.iterdir()):
            if not entry.name.startswith("..") and entry.name not in links:
                entry.unlink()
        if former is not None:
            shutil.rmtree(former)
        self._now = dict(files)
        return True

    def _version(self, files: Mapping[str, File]) -> Path:
        version = self.folder / f"..{next(self._versions)}"
        self._make(version)
        for name, file in files.items():
            for parent in reversed((version / name).relative_to(version).parents[:-1]):
                self._make(version / parent)
            self._write_file(version / name, file)
        return version

    def _move_to(self, version: Path) -> None:
        draft = self.folder / f"{_DATA}_tmp"
        draft.symlink_to(version.name)
        draft.replace(self.folder / _DATA)

    def _make(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
            self._own_folder(folder)

    def _own_folder(self, folder: Path) -> None:
        if self._group is not None:
            os.chown(folder, -1, self._group)
            folder.chmod(folder.stat().st_mode | _GROUP_READS | _GROUP_ENTERS | _GROUP_INHERITED)

    def _write_file(self, path: Path, file: File) -> None:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(file.content)
        if os.geteuid() == 0:
            os.chown(path, -1 if file.uid is None else file.uid, -1 if self._group is None else self._group)
        path.chmod(file.mode | (0 if self._group is None else _GROUP_READS))
