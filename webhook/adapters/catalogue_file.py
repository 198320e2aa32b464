"""Reads the tier catalogue from its file, and again when it has changed."""

from importlib import resources
from pathlib import Path

from webhook import telemetry
from webhook.codec import catalogue
from webhook.core.errors import InvalidPolicyError, Problem
from webhook.core.policy import Policy


def load(path: Path | None) -> Policy:
    """Read and validate the catalogue at `path`, or the built-in one for None.

    Raises InvalidPolicyError with every problem found; a file that cannot be read is one, too.
    """
    if path is None:
        return catalogue.parse(
            resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
        )
    return _parse(path, _read(path))


class CatalogueInForce:
    """Implements ports.PolicySource: the last catalogue of the file that was good."""

    def __init__(self, path: Path | None, *, metrics: telemetry.Metrics, log: telemetry.Log) -> None:
        """Raises InvalidPolicyError when there is none to begin with."""
        self._path = path
        self._metrics = metrics
        self._log = log
        self._good = self._tried = b"" if path is None else _read(path)
        self._policy = load(None) if path is None else _parse(path, self._good)
        self.trouble = ""
        """Why the file as it is now is not in force; empty when it is."""
        metrics.catalogue_loaded(self._policy.revision)

    def __call__(self) -> Policy:
        return self._policy

    def state(self) -> str:
        """One line for people."""
        line = f"revision {self._policy.revision}, {len(self._policy.tiers)} tiers"
        return f"{line}; the file has changed and is not good: {self.trouble}" if self.trouble else line

    def look(self) -> bool:
        """Take the file into force if it has changed and is good; whether it was taken."""
        if self._path is None:
            return False
        try:
            content = _read(self._path)
            if content == self._good and self.trouble:
                self.trouble = ""
                self._metrics.catalogue_reload_success.set(1)
            if content in (self._good, self._tried):
                return False
            self._tried = content
            fresh = _parse(self._path, content)
        except InvalidPolicyError as error:
            self._keep(error)
            return False
        changed, self._policy = fresh != self._policy, fresh
        self._good, self.trouble = content, ""
        self._metrics.catalogue_loaded(fresh.revision)
        self._log.info("catalogue reloaded", revision=fresh.revision, tiers=list(fresh.tiers))
        return changed

    def _keep(self, error: InvalidPolicyError) -> None:
        """Every problem is logged once for each content of the file; the old catalogue stays in force."""
        trouble = "; ".join(str(problem) for problem in error.problems)
        if trouble != self.trouble:
            self._metrics.catalogue_reload_success.set(0)
            problems = [str(problem) for problem in error.problems]
            self._log.error("catalogue not reloaded, the old one stays", problems=problems)
        self.trouble = trouble


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidPolicyError(
            [Problem("(file)", f"cannot be read: {error.strerror}")], source=str(path)
        ) from error


def _parse(path: Path, content: bytes) -> Policy:
    try:
        return catalogue.parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        problems = [Problem("(file)", "cannot be read: not UTF-8 text")]
        raise InvalidPolicyError(problems, source=str(path)) from error
    except InvalidPolicyError as error:
        raise InvalidPolicyError(error.problems, source=str(path)) from error
