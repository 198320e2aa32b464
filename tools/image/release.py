"""What a release checks and prepares. Standard library alone: it runs before anything is installed."""

import re
import shutil
from pathlib import Path

from tools.image.errors import ImageError

_TAG = re.compile(r"v(\d+\.\d+\.\d+(?:-rc\.\d+)?)")
_IMAGE = re.compile(r"(?P<repository>[a-z0-9.:/_-]+)@(?P<digest>sha256:[0-9a-f]{64})")
# Where a version stands, and how to find it there.
_PLACES = {
    "webhook/__init__.py": r'^__version__ = "(.+)"$',
    "charts/ns-provisioner/Chart.yaml": r'^version: "?(.+?)"?$',
    "charts/ns-provisioner/Chart.yaml (appVersion)": r'^appVersion: "?(.+?)"?$',
}


def versions(root: Path) -> dict[str, str]:
    """The version that each place states."""
    return {place: _search(pattern, root / place.partition(" ")[0]) for place, pattern in _PLACES.items()}


def version(root: Path, tag: str) -> str:
    """The version of the tag, if every place states the same; else an error that names the others."""
    match = _TAG.fullmatch(tag)
    if not match:
        raise ImageError(f"tag {tag}: write v1.2.3 or v1.2.3-rc.1")
    wrong = [f"{place} says {stated}" for place, stated in versions(root).items() if stated != match[1]]
    if wrong:
        raise ImageError(f"the tag {tag} is not what the sources say: {'; '.join(wrong)}")
    return match[1]


def pin_chart(source: Path, target: Path, image: str) -> None:
    """A copy of the chart whose image is `image`, REPOSITORY@sha256:..., whatever happens to a tag."""
    match = _IMAGE.fullmatch(image)
    if not match:
        raise ImageError(f"image {image}: write REPOSITORY@sha256:DIGEST")
    shutil.copytree(source, target)
    values = target / "values.yaml"
    text = values.read_text(encoding="utf-8")
    for name in ("repository", "digest"):
        text, count = re.subn(
            rf"^(image:\n(?:  .*\n)*?  {name}:).*$", rf'\1 "{match[name]}"', text, count=1, flags=re.MULTILINE
        )
        if count != 1:
            raise ImageError(f"{source / 'values.yaml'} has no image.{name}: the chart cannot be pinned")
    values.write_text(text, encoding="utf-8")


def _search(pattern: str, file: Path) -> str:
    match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    if not match:
        raise ImageError(f"{file} states no version (looked for {pattern})")
    return match[1]
