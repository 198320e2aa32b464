"""A folder as a kubelet keeps a Secret in it, and as a careless script writes to it.

tls.crt -> ..data/tls.crt, and ..data -> a folder of its own for each version; an update makes the
next folder and then moves the one link, so that all files change at once.
"""

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

_DATA = "..data"


class SecretVolume:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = itertools.count(1)

    def swap(self, files: Mapping[str, bytes]) -> None:
        """All files at once, as the kubelet does it."""
        version = self.folder / f"..{next(self._versions)}"
        version.mkdir(parents=True)
        for name, content in files.items():
            (version / name).write_bytes(content)
        draft = self.folder / f"{_DATA}_tmp"
        draft.symlink_to(version.name)
        draft.replace(self.folder / _DATA)
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"{_DATA}/{name}")

    def overwrite(self, name: str, content: bytes) -> None:
        """One file in place: a reader may find it empty, or half of it."""
        with (self.folder / name).open("wb", buffering=0) as stream:
            half = len(content) // 2
            stream.write(content[:half])
            os.fsync(stream)
            stream.write(content[half:])
