"""One image for all tests here, built as the Dockerfile says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image import running
from tests.image.running import Container
from tools.image import build
from tools.image.build import Image

ROOT = Path(__file__).parents[2]
ARGUMENTS = {
    "BASE": "docker.io/library/python:3.11-slim-bookworm@sha256:" + "0" * 64,
    "VERSION": "1.2.3",
    "REVISION": "f" * 40,
    "SOURCE": "https://git.example.com/ns-provisioner",
    "CREATED": "2026-01-02T03:04:05Z",
}


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """About 40 s, most of it for installing the pinned packages and making byte code."""
    return build.build(ROOT, tmp_path_factory.mktemp("image"), ARGUMENTS)


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The admission pair, running."""
    with running.serve(image, tmp_path_factory.mktemp("container")) as started:
        yield started
