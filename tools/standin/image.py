"""What our image says of itself, read from the Dockerfile: nothing is pulled, this checkout is what runs."""

import json
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"
NAME = "ns-provisioner"

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Image:
    uid: int
    gid: int
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def argv(self, command: list[str], args: list[str]) -> list[str]:
        """What a container with these runs: a command replaces the image's arguments, too."""
        if command:
            return [*command, *args]
        return [*self.entrypoint, *(args or self.arguments)]


def is_ours(reference: str) -> bool:
    """registry:port/path/ns-provisioner:tag@digest, by the last part of its repository."""
    repository = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return repository == NAME


def ours(dockerfile: Path = DOCKERFILE) -> Image:
    """Of the last stage. The programs on the image's PATH are those of this Python's environment."""
    stage = re.split(r"^FROM .*$", dockerfile.read_text().replace("\\\n", " "), flags=re.MULTILINE)[-1]
    words = dict(re.findall(r"^(USER|ENTRYPOINT|CMD) +(.+)$", stage, re.MULTILINE))
    assignments = [shlex.split(line) for line in re.findall(r"^ENV +(.+)$", stage, re.MULTILINE)]
    environment = dict(word.split("=", 1) for line in assignments for word in line)
    environment["PATH"] = f"{sys.prefix}/bin:{_SYSTEM_PATH}"
    uid, _, gid = words["USER"].partition(":")
    entrypoint, arguments = (tuple(json.loads(words[name])) for name in ("ENTRYPOINT", "CMD"))
    return Image(int(uid), int(gid or 0), entrypoint, arguments, environment)
