"""A command in a box like a container's: its own root, its own user, nothing of the host but what is given.

The box has a private mount namespace with a new root: the host's programs and libraries (`/usr`), the few
files of `/etc` that every image has, `/proc`, a small `/dev`, an empty `/tmp`, the given trees at their own
paths and the given mounts. Network and process ids are the host's. The command runs without capabilities
and can gain none. Without root's rights a user namespace is used, where the command sees itself as the
wanted user but has our rights on files.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import webhook

_BOX = Path(__file__).with_name("box.py")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the host, and whether the command may only read it."""

    source: Path
    read_only: bool = False


def command(
    argv: Sequence[str],
    *,
    root: Path,
    mounts: Mapping[str, Mount | Path],
    uid: int | None = None,
    gid: int | None = None,
    groups: Sequence[int] = (),
    read_only: bool = True,
    trees: Sequence[Path] | None = None,
) -> list[str]:
    """What to execute, so that `argv` runs in a box.

    `root` is an empty folder; it stays empty on the host. `mounts` are by path in the box, a bare path is
    read-only. `uid` and `gid` are ours when not given, `groups` the further ones. `read_only` is the root:
    mounts stay as they are. `trees` are read-only at their own paths; by default those that `nsp` needs.
    The environment, the working directory "/" and the first word of `argv`, looked up on the box's PATH,
    are what the command sees. It keeps the process id, and dies with us if its starter asked for that.
    """
    box = {
        "argv": list(argv),
        "root": str(root),
        "trees": [str(tree) for tree in (product_trees() if trees is None else trees)],
        "mounts": [_entry(path, mount) for path, mount in sorted(mounts.items())],
        "uid": uid,
        "gid": gid,
        "groups": list(groups),
        "read_only": read_only,
    }
    return [sys.executable, "-I", "-S", str(_BOX), json.dumps(box)]


def product_trees() -> list[Path]:
    """The Python that runs `nsp`, its virtual environment, and the package where it is installed editable."""
    trees = [Path(sys.base_prefix), Path(sys.prefix), Path(webhook.__file__).parent]
    return [tree for tree in trees if not any(tree.is_relative_to(other) for other in trees if other != tree)]


def _entry(path: str, mount: Mount | Path) -> list[object]:
    given = mount if isinstance(mount, Mount) else Mount(mount, read_only=True)
    return [path, str(given.source), given.read_only]
