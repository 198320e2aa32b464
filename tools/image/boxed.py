"""Commands inside an image that is a plain folder. The box itself is tools/standin's."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.image.errors import ImageError
from tools.standin import container

_PIP_CACHE = Path.home() / ".cache" / "pip"


def run(argv: Sequence[str], root: Path, *, environment: Mapping[str, str], what: str) -> str:
    """What a step of the build prints. It may write into the image's folders and nowhere else.

    pip's cache is lent to it, so that a second build downloads nothing.
    """
    lent = {path: container.Mount(Path(path)) for path in _pip_files()}
    with tempfile.TemporaryDirectory() as empty:
        command = container.command(
            argv, root=Path(empty), mounts=_folders(root, read_only=False) | lent, trees=[], read_only=False
        )
        given = {"HOME": str(Path.home()), **environment}
        ended = subprocess.run(
            command, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    if ended.returncode:
        raise ImageError(f"{what} ended with code {ended.returncode}:\n{ended.stdout[-4000:]}")
    return ended.stdout


def command(
    argv: Sequence[str], root: Path, *, empty: Path, uid: int, mounts: Mapping[str, Path]
) -> list[str]:
    """What to execute, so that `argv` runs in the image as `uid`, with nothing that can be written."""
    return container.command(
        argv,
        root=empty,
        mounts={**_folders(root, read_only=True), **mounts},
        uid=uid,
        gid=uid,
        trees=[],
        read_only=True,
    )


def _folders(root: Path, *, read_only: bool) -> dict[str, container.Mount | Path]:
    """The image's top-level folders; /usr is the host's but for /usr/local."""
    tops = [root / "usr" / "local" if top.name == "usr" else top for top in sorted(root.iterdir())]
    return {f"/{top.relative_to(root)}": container.Mount(top, read_only=read_only) for top in tops}


def _pip_files() -> list[str]:
    _PIP_CACHE.mkdir(parents=True, exist_ok=True)
    configuration = [Path("/etc/pip.conf"), Path.home() / ".config" / "pip"]
    return [str(path) for path in (_PIP_CACHE, *configuration) if path.exists()]
