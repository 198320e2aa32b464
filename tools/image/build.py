"""Builds the image without an engine, instruction by instruction, as the Dockerfile says.

What differs from an engine: the base is this machine's Python (base.py), layers are folders, and a RUN may
write into /usr/local and the top-level folders that its stage names, not anywhere.
"""

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.image import base, boxed, dockerfile, dockerignore
from tools.image.dockerfile import Instruction, Stage
from tools.image.errors import ImageError

_TOP = re.compile(r"(?<![\w.})/-])/(\w+)")
_SYSTEM = {"usr", "bin", "sbin", "lib", "etc", "proc", "dev", "tmp", "root"}


@dataclass(slots=True)
class Image:
    """One stage: `root` is its / (of the base only /usr/local is in it), the rest its configuration."""

    root: Path
    environment: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def inside(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / (Path(self.workdir) / path).as_posix().lstrip("/")

    def scope(self) -> dict[str, str]:
        return self.variables | self.environment


@dataclass(frozen=True, slots=True)
class _Build:
    context: Path
    given: Mapping[str, str]
    base: Path
    stages: dict[str, Image] = field(default_factory=dict)


def build(context: Path, folder: Path, given: Mapping[str, str]) -> Image:
    """The image of the last stage; `given` are build arguments. `folder` is empty and takes all stages."""
    read = dockerfile.parse((context / "Dockerfile").read_text())
    files = dockerignore.let_through(context, (context / ".dockerignore").read_text())
    sent = folder / "context"
    for file in files:
        (sent / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(context / file, sent / file)
    defaults = [dockerfile.declared(each, given) for each in read.arguments]
    known = {name: value for each in defaults for name, value in each.items()}
    running = _Build(sent, known | dict(given), folder / "base")
    base.lay_out(running.base)
    for number, stage in enumerate(read.stages):
        made = _stage(stage, folder / f"stage-{number}", running)
        running.stages[stage.name or str(number)] = made
    return made


def _stage(stage: Stage, root: Path, running: _Build) -> Image:
    shutil.copytree(running.base, root, symlinks=True)
    image = Image(root, dict(base.ENVIRONMENT))
    for name in _named(stage):
        (root / name).mkdir(exist_ok=True)
    for instruction in stage.instructions:
        _STEPS[instruction.keyword](image, instruction, running)
    return image


def _named(stage: Stage) -> set[str]:
    """The top-level folders that the stage writes: they have to be there before it does."""
    texts = [each.rest for each in stage.instructions if each.keyword in {"RUN", "WORKDIR", "COPY"}]
    return set(_TOP.findall(" ".join(texts))) - _SYSTEM


def _arg(image: Image, instruction: Instruction, running: _Build) -> None:
    image.variables |= dockerfile.declared(instruction, running.given)


def _env(image: Image, instruction: Instruction, _: _Build) -> None:
    image.environment |= instruction.pairs(image.scope())


def _workdir(image: Image, instruction: Instruction, _: _Build) -> None:
    image.workdir = instruction.rest
    image.inside(".").mkdir(parents=True, exist_ok=True)


def _copy(image: Image, instruction: Instruction, running: _Build) -> None:
    """Files go into the target, a folder's content becomes the target's."""
    *words, target = instruction.words()
    origin = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else ""
    into = image.inside(target)
    for word in words:
        source = running.stages[origin].inside(word) if origin else running.context / word
        if not source.exists():
            raise ImageError(f"COPY {instruction.rest}: {word} is not there, or .dockerignore keeps it out")
        into.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(source, into)


def _run(image: Image, instruction: Instruction, _: _Build) -> None:
    shell = ["/bin/sh", "-c", f"cd {image.workdir} && {instruction.rest}"]
    environment = base.package_index() | image.scope()
    boxed.run(shell, image.root, environment=environment, what=f"RUN {instruction.rest}")


def _label(image: Image, instruction: Instruction, _: _Build) -> None:
    image.labels |= instruction.pairs(image.scope())


def _expose(image: Image, instruction: Instruction, _: _Build) -> None:
    image.ports += [int(port) for port in instruction.words()]


def _user(image: Image, instruction: Instruction, _: _Build) -> None:
    image.user = instruction.rest


def _entrypoint(image: Image, instruction: Instruction, _: _Build) -> None:
    image.entrypoint = instruction.form()


def _command(image: Image, instruction: Instruction, _: _Build) -> None:
    image.command = instruction.form()


_STEPS: dict[str, Callable[[Image, Instruction, _Build], None]] = {
    "ARG": _arg,
    "ENV": _env,
    "WORKDIR": _workdir,
    "COPY": _copy,
    "RUN": _run,
    "LABEL": _label,
    "EXPOSE": _expose,
    "USER": _user,
    "ENTRYPOINT": _entrypoint,
    "CMD": _command,
}
