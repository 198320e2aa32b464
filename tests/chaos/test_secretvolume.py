"""The folder changes as a mounted Secret does."""

import os
import threading
from pathlib import Path

import pytest

from tools.chaos.secretvolume import SecretVolume
from tools.controlplane import waiting


@pytest.fixture
def volume(tmp_path: Path) -> SecretVolume:
    made = SecretVolume(tmp_path / "secret")
    made.swap({"tls.crt": b"0", "tls.key": b"0"})
    return made


def test_the_files_are_links_through_one_link(volume: SecretVolume) -> None:
    assert os.readlink(volume.folder / "tls.crt") == "..data/tls.crt"
    before = os.readlink(volume.folder / "..data")
    volume.swap({"tls.crt": b"1", "tls.key": b"1"})
    assert os.readlink(volume.folder / "..data") != before
    assert (volume.folder / "tls.crt").read_bytes() == b"1"


def test_a_reader_never_finds_a_file_missing_or_one_older_than_it_has_seen(volume: SecretVolume) -> None:
    stopping, seen = threading.Event(), []

    def read() -> None:
        while not stopping.is_set():
            seen.append(int((volume.folder / "tls.crt").read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    waiting.until(lambda: bool(seen), "a first look", [])
    for number in range(1, 300):
        volume.swap({"tls.crt": b"%d" % number, "tls.key": b"%d" % number})
    waiting.until(lambda: seen[-1] == 299 or not reader.is_alive(), "the last version to be seen", [])
    stopping.set()
    reader.join()
    assert seen == sorted(seen)
    assert seen[-1] == 299


def test_overwriting_changes_the_file_that_the_link_leads_to(volume: SecretVolume) -> None:
    version = os.readlink(volume.folder / "..data")
    volume.overwrite("tls.crt", b"another")
    assert os.readlink(volume.folder / "..data") == version
    assert (volume.folder / version / "tls.crt").read_bytes() == b"another"
    assert (volume.folder / "tls.key").read_bytes() == b"0"
