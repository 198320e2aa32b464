"""Writes certificates and keys: all of them or none, each replaced whole."""

import os
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from webhook.adapters.pki.issue import PairError

Content = tuple[bytes, int]
"""What a file holds, and its mode."""


def public(*certificates: x509.Certificate) -> Content:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates), 0o644


def secret(key: ec.EllipticCurvePrivateKey) -> Content:
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, form, serialization.NoEncryption()), 0o600


def write(folder: Path, files: Mapping[str, Content]) -> tuple[Path, ...]:
    """Put files into `folder`, which is made if need be; their paths, in order. Raises PairError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_all({folder / name: content for name, content in files.items()})
    except OSError as error:
        raise PairError(f"cannot write to {folder}: {error.strerror}") from error
    return tuple(folder / name for name in files)


def _write_all(files: Mapping[Path, Content]) -> None:
    """Write files with their modes: all of them or none, and a reader never sees half of one."""
    drafts = {path: path.with_suffix(path.suffix + ".new") for path in files}
    try:
        for path, (content, mode) in files.items():
            _draft(drafts[path], content, mode)
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _draft(draft: Path, content: bytes, mode: int) -> None:
    draft.unlink(missing_ok=True)  # a left-over would keep its own mode
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
