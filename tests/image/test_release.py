"""What a release checks and prepares before it builds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.image.conftest import ROOT
from tools.image import release
from tools.image.errors import ImageError
from webhook import __version__

CHART = ROOT / "charts" / "ns-provisioner"
IMAGE = "ghcr.io/someone/ns-provisioner@sha256:" + "a1" * 32


def test_code_and_chart_state_one_version() -> None:
    assert set(release.versions(ROOT).values()) == {__version__}
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_a_tag_is_its_version_without_any_package_installed() -> None:
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})"]
    command[-1] += f"; from tools.image import cli; sys.exit(cli.main(['version', 'v{__version__}']))"
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, f"{__version__}\n"), ended.stderr


@pytest.mark.parametrize("tag", ["v1", "1.2.3", "v1.2.3-beta", "v1.2.3 ", "refs/tags/v1.2.3"])
def test_another_form_of_tag_is_refused(tag: str) -> None:
    with pytest.raises(ImageError, match=re.escape(f"tag {tag}: write v1.2.3 or v1.2.3-rc.1")):
        release.version(ROOT, tag)


def test_a_tag_that_the_sources_do_not_state_is_refused_with_every_place() -> None:
    with pytest.raises(ImageError) as error:
        release.version(ROOT, "v99.0.0")
    for place in ("webhook/__init__.py", "Chart.yaml says", "Chart.yaml (appVersion) says"):
        assert place in str(error.value)


def test_the_chart_of_a_release_installs_its_own_image_and_is_otherwise_the_same(tmp_path: Path) -> None:
    release.pin_chart(CHART, tmp_path / "ns-provisioner", IMAGE)
    pinned = yaml.safe_load((tmp_path / "ns-provisioner" / "values.yaml").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    repository, _, digest = IMAGE.partition("@")
    assert pinned == values | {"image": values["image"] | {"repository": repository, "digest": digest}}
    names = {path.relative_to(CHART) for path in CHART.rglob("*") if path.is_file()} - {Path("values.yaml")}
    assert [
        name
        for name in names
        if (tmp_path / "ns-provisioner" / name).read_bytes() != (CHART / name).read_bytes()
    ] == []


@pytest.mark.parametrize("image", ["ghcr.io/a/b:1.0", "ghcr.io/a/b@sha256:abc", "b@sha1:" + "a" * 64])
def test_the_chart_is_pinned_by_digest_alone(tmp_path: Path, image: str) -> None:
    with pytest.raises(ImageError, match="write REPOSITORY@sha256:DIGEST"):
        release.pin_chart(CHART, tmp_path / "chart", image)


def test_a_chart_without_an_image_to_pin_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("other:\n  digest: x\n")
    with pytest.raises(ImageError, match=r"has no image\.repository"):
        release.pin_chart(tmp_path, tmp_path / "copy" / "chart", IMAGE)
