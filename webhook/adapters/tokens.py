"""Static API tokens, kept as SHA-256 digests in a file.

Each line names one token: `sha256:<64 hex digits> <subject> [group,group]`. Empty lines and lines
that begin with `#` are skipped. A digest is enough here because tokens are random, not passwords.
"""

import hashlib
import hmac
import re
from pathlib import Path

from webhook.core.errors import NsProvisionerError
from webhook.core.model import Caller

_LINE = re.compile(r"sha256:([0-9a-f]{64})[ \t]+(\S+)(?:[ \t]+([^\s,]+(?:,[^\s,]+)*))?", re.ASCII)


class TokenFileError(NsProvisionerError):
    """The token file cannot be used; the text says which line and why, never what it holds."""


class StaticTokens:
    """Implements ports.TokenVerifier."""

    def __init__(self, callers: dict[bytes, Caller]) -> None:
        self._callers = callers

    @classmethod
    def load(cls, path: Path) -> "StaticTokens":
        """Raises TokenFileError."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise TokenFileError(f"token file {path}: {reason}") from error
        callers = {}
        for number, line in enumerate(text.splitlines(), start=1):
            entry = line.strip()
            if not entry or entry.startswith("#"):
                continue
            match = _LINE.fullmatch(entry)
            if match is None:
                raise TokenFileError(
                    f"token file {path}, line {number}: must be `sha256:<64 hex digits> <subject> [groups]`"
                )
            digest, subject, groups = match.groups()
            if bytes.fromhex(digest) in callers:
                raise TokenFileError(f"token file {path}, line {number}: the token stands here twice")
            callers[bytes.fromhex(digest)] = Caller(subject, tuple(groups.split(",")) if groups else ())
        if not callers:
            raise TokenFileError(f"token file {path}: names no token")
        return cls(callers)

    def verify(self, token: str) -> Caller | None:
        """Compares digests with every known one, so that time tells nothing about a near miss."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = None
        for known, caller in self._callers.items():
            if hmac.compare_digest(known, digest):
                found = caller
        return found
