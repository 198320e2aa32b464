"""Makes a certificate authority and a serving certificate for places without cert-manager."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from webhook.adapters.pki import files as pki_files
from webhook.adapters.pki import issue as pki_issue
from webhook.adapters.pki.issue import CA_DAYS, LEAF_DAYS, PairError

__all__ = ["CA_DAYS", "LEAF_DAYS", "PairError", "make_kept", "make_pair"]


def make_pair(folder: Path, hosts: Sequence[str], *, days: int = LEAF_DAYS) -> tuple[Path, Path, Path]:
    """Make a CA and a leaf for `hosts` (DNS names or IP addresses), ECDSA P-256, into `folder`.

    Returns the paths of ca.crt, tls.crt and tls.key; the CA's own key is thrown away, so nothing
    else can ever be signed with it. The leaf is valid for `days`. Raises PairError.
    """
    files, _ = _made(folder, hosts, days)
    authority, certificate, key = pki_files.write(folder, files)
    return authority, certificate, key


def make_kept(folder: Path, hosts: Sequence[str], *, days: int = LEAF_DAYS) -> tuple[Path, ...]:
    """As make_pair, and the CA's key stays as ca.key, so that `nsp certs renew` can sign with it."""
    files, ca_key = _made(folder, hosts, days)
    return pki_files.write(folder, {**files, "ca.key": ca_key})


def _made(
    folder: Path, hosts: Sequence[str], days: int
) -> tuple[dict[str, pki_files.Content], pki_files.Content]:
    names = pki_issue.general_names(hosts)
    _keep_a_kept_key(folder)
    begins = pki_issue.beginning(datetime.now(UTC))
    ca_key, key = pki_issue.new_key(), pki_issue.new_key()
    authority = pki_issue.authority(ca_key, begins)
    leaf = pki_issue.leaf(key.public_key(), names, authority, begins, days)
    files = {
        "ca.crt": pki_files.public(authority.certificate),
        "tls.crt": pki_files.public(leaf),
        "tls.key": pki_files.secret(key),
    }
    return files, pki_files.secret(ca_key)


def _keep_a_kept_key(folder: Path) -> None:
    """Somebody's trust hangs on a CA whose key was kept: it is not replaced in passing."""
    kept = folder / "ca.key"
    if os.path.exists(kept):  # False, too, where we may not look: writing tells that better
        raise PairError(
            f"there is a CA with its key {kept} already: `nsp certs renew` makes a new leaf from it;"
            " remove the key to begin with a new CA"
        )
