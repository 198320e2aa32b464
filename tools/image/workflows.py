"""Checks the workflow files: actionlint (they work), zizmor (they are safe), and the rules of ours below.

A pin is a full commit with the version beside it: a tag can be moved to other code, a commit cannot.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tools.controlplane import assets
from tools.image.errors import ImageError

_PIN = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
_USES = re.compile(r"^\s*(?:- )?uses: *(.+?)\s*$", re.MULTILINE)
# They run somebody else's code with our rights.
_REFUSED_EVENTS = {"pull_request_target", "workflow_run"}


def files(root: Path) -> list[Path]:
    return sorted((root / ".github" / "workflows").glob("*.y*ml"))


def check(paths: Sequence[Path]) -> None:
    """Raises ImageError with every finding of all three."""
    if not paths:
        raise ImageError("there are no workflow files to check")
    found = [f"{path}: {each}" for path in paths for each in findings(path.read_text(encoding="utf-8"))]
    found += [*_said(_actionlint(), paths), *_said(_zizmor(), paths)]
    if found:
        raise ImageError("the workflow files are not in order:\n" + "\n".join(found))


def findings(text: str) -> Iterable[str]:
    """What breaks the rules of ours in one workflow file."""
    # YAML 1.1 reads the key `on` as a truth value; BaseLoader leaves every scalar a text.
    workflow: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - builds nothing but texts
    yield from (
        f"uses {pin}: write OWNER/NAME@COMMIT # vX.Y.Z" for pin in uses(text) if not _PIN.fullmatch(pin)
    )
    yield from (f"event {name}: not here" for name in sorted(_REFUSED_EVENTS & set(workflow["on"])))
    if workflow.get("permissions") != {}:
        yield "permissions: must be {} at the top; each job says what it needs"
    if "concurrency" not in workflow:
        yield "concurrency: say what happens to two runs at once"
    for name, job in workflow["jobs"].items():
        yield from (f"jobs.{name}: {key} is missing" for key in _missing(job))


def uses(text: str) -> list[str]:
    """Every action that is used, with the comment behind it."""
    return _USES.findall(text)


def _missing(job: Mapping[str, Any]) -> list[str]:
    return [key for key in ("permissions", "timeout-minutes") if key not in job]


def _actionlint() -> list[str]:
    """Without the linters of shell and Python that it would use where they happen to be installed."""
    return [str(assets.ensure(["actionlint"]) / "actionlint"), "-no-color", "-shellcheck=", "-pyflakes="]


def _zizmor() -> list[str]:
    """Offline: it asks no server whether a pinned commit is on the action's main line."""
    program = str(Path(sys.executable).with_name("zizmor"))
    return [program, "--offline", "--no-progress", "--color=never", "--quiet", "--persona=pedantic"]


def _said(command: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Nothing when all is well. A linter that cannot run is a finding, too."""
    ended = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)
    return [] if ended.returncode == 0 else [f"{Path(command[0]).name}:\n{ended.stdout}{ended.stderr}"]
