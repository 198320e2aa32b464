"""What is in the built image, and what is not."""

import json
import os
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.image import running
from tests.image.conftest import ARGUMENTS, ROOT
from tools.image import lockfile
from tools.image.build import Image
from webhook import __version__, settings

pytestmark = pytest.mark.timeout(600)  # the first test waits for the build, and that for the package index

_INSTALLED = """
import json
from importlib import metadata
print(json.dumps([[each.metadata["Name"], each.version] for each in metadata.distributions()]))
"""
_BYTE_CODE = """
import sys, webhook.cli.serve, webhook.wiring.admission
print(*[each.__cached__ for each in sys.modules.values() if getattr(each, "__cached__", None)])
"""


@pytest.fixture(scope="module")
def installed(image: Image, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Version by normalised name."""
    ended = running.execute(image, tmp_path_factory.mktemp("root"), ["/app/bin/python", "-c", _INSTALLED])
    return {canonicalize_name(name): version for name, version in json.loads(ended.stdout)}


def test_what_is_installed_is_what_the_lock_file_says_and_ourselves(installed: dict[str, str]) -> None:
    pinned = {each.name: each.version for each in lockfile.read(ROOT / "requirements" / "runtime.txt")}
    assert installed == pinned | {"ns-provisioner": __version__}


@pytest.mark.parametrize("python", ["/app/bin/python", "/usr/local/bin/python"])
@pytest.mark.parametrize("module", ["pip", "setuptools", "wheel", "hatchling"])
def test_there_is_no_installer(image: Image, tmp_path: Path, python: str, module: str) -> None:
    ended = running.execute(image, tmp_path, [python, "-c", f"import {module}"])
    assert f"No module named '{module}'" in ended.stderr


def test_our_package_is_complete(image: Image) -> None:
    [there] = image.root.glob("app/lib/python*/site-packages/webhook")
    mine = {path.relative_to(ROOT / "webhook") for path in (ROOT / "webhook").rglob("*") if path.is_file()}
    theirs = {path.relative_to(there) for path in there.rglob("*") if path.is_file()}
    assert {each for each in theirs if "__pycache__" not in each.parts} == {
        each for each in mine if "__pycache__" not in each.parts
    }


def test_byte_code_of_all_that_is_imported_is_there(image: Image, tmp_path: Path) -> None:
    """Made in advance, for it cannot be written later; without it every start compiles for seconds."""
    cached = running.execute(image, tmp_path, ["/app/bin/python", "-c", _BYTE_CODE]).stdout.split()
    assert len(cached) > 200
    assert [path for path in cached if not image.inside(path).exists()] == []


def test_nothing_in_the_image_can_be_written_by_its_user(image: Image) -> None:
    loose = [
        Path(folder, name)
        for folder, folders, files in os.walk(image.root)
        for name in (*folders, *files)
        if not Path(folder, name).is_symlink() and Path(folder, name).stat().st_mode & 0o6002
    ]
    assert loose == []


def test_the_build_leaves_its_tools_behind(image: Image) -> None:
    assert sorted(path.name for path in image.root.iterdir()) == ["app", "usr"]


def test_the_ports_are_those_that_the_environment_sets(image: Image) -> None:
    chosen = settings.load({"role": "admission", "tls-cert": "c", "tls-key": "k"}, image.environment)
    listeners = (chosen.admission_listen, chosen.api_listen, chosen.health_listen)
    assert image.ports == [each.port for each in listeners] == [8443, 8080, 8081]
    assert {each.host for each in listeners} == {"0.0.0.0"}  # every interface: the pod's own


def test_labels_say_what_was_built_from_what(image: Image) -> None:
    prefix = "org.opencontainers.image."
    said = {name.removeprefix(prefix): value for name, value in image.labels.items()}
    for label in ("version", "revision", "source", "created"):
        assert said.pop(label) == ARGUMENTS[label.upper()]
    assert said.pop("base.name") == ARGUMENTS["BASE"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert said.pop("licenses") == project["license"]
    assert said == {"title": project["name"], "description": project["description"].removesuffix(".")}
