"""The files change as a kubelet changes them, and belong to whom they should."""

import os
import threading
from pathlib import Path

import pytest

from tests.standin.support import until
from tools.standin.atomicfolder import AtomicFolder, File


def _shown(folder: Path) -> dict[str, bytes]:
    """What a reader finds; the kubelet's own folders are hidden."""
    files = (Path(where) / name for where, _, names in os.walk(folder, followlinks=True) for name in names)
    found = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    return {name: content for name, content in found.items() if not name.startswith("..")}


def test_entries_come_change_and_go(tmp_path: Path) -> None:
    kept = AtomicFolder(tmp_path / "it")
    assert kept.write({"a": File(b"1"), "sub/deep/b": File(b"2")})
    assert _shown(kept.folder) == {"a": b"1", "sub/deep/b": b"2"}
    assert os.readlink(kept.folder / "a") == "..data/a"
    assert kept.write({"a": File(b"3"), "c": File(b"4")})
    assert _shown(kept.folder) == {"a": b"3", "c": b"4"}
    assert len(list(kept.folder.glob("..[0-9]*"))) == 1
    assert kept.write({})
    assert _shown(kept.folder) == {}


def test_nothing_is_touched_when_nothing_changes(tmp_path: Path) -> None:
    kept = AtomicFolder(tmp_path / "it")
    kept.write({"a": File(b"1")})
    version = os.readlink(kept.folder / "..data")
    assert not kept.write({"a": File(b"1")})
    assert os.readlink(kept.folder / "..data") == version
    assert kept.write({"a": File(b"1", 0o600)})


def test_all_files_change_at_once(tmp_path: Path) -> None:
    kept = AtomicFolder(tmp_path / "it")
    kept.write({"crt": File(b"0"), "key": File(b"0")})
    stopping, torn = threading.Event(), []

    def read() -> None:
        while not stopping.is_set():
            try:
                folder = os.open(kept.folder / "..data", os.O_RDONLY)
            except FileNotFoundError:
                continue  # the link led to a version that has gone since
            try:
                crt, key = (_read(name, folder) for name in ("crt", "key"))
                torn.append(crt != key)
            except FileNotFoundError:
                pass  # the version that was opened has gone since
            finally:
                os.close(folder)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 200):
        kept.write({"crt": File(b"%d" % number), "key": File(b"%d" % number)})
    until(lambda: torn, "a look")
    stopping.set()
    reader.join()
    assert not any(torn)


def _read(name: str, folder: int) -> bytes:
    with open(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("group", "mode", "uid", "found"),
    [
        pytest.param(None, 0o400, None, (0o400, 0, 0), id="root's alone"),
        pytest.param(777, 0o400, None, (0o440, 0, 777), id="the group may read it"),
        pytest.param(None, 0o600, 1234, (0o600, 1234, 0), id="a user's own"),
        pytest.param(777, 0o644, 1234, (0o644, 1234, 777), id="a user's and a group's"),
    ],
)
def test_whose_a_file_is(
    tmp_path: Path, group: int | None, mode: int, uid: int | None, found: tuple[int, int, int]
) -> None:
    assert os.geteuid() == 0, "only root can give files to others: run this test as root"
    kept = AtomicFolder(tmp_path / "it", group)
    kept.write({"a": File(b"", mode, uid)})
    state = (kept.folder / "a").stat()
    assert (state.st_mode & 0o7777, state.st_uid, state.st_gid) == found
    assert (kept.folder / "..data").stat().st_mode & 0o7777 == (0o755 if group is None else 0o2755)
