"""What the fixtures here hand out."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

Eventually = Callable[[Callable[[], object], str], None]
Python = Callable[..., "subprocess.Popen[str]"]


@dataclass(frozen=True)
class FakeGo:
    cache: Path
    log: Path
    gate: Path

    def builds(self) -> list[int]:
        """The pid of every build so far."""
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []
