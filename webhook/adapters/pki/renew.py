"""A new leaf from a CA whose key was kept, for a server that follows its files."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from webhook.adapters.pki import facts as pki_facts
from webhook.adapters.pki import files as pki_files
from webhook.adapters.pki import issue as pki_issue
from webhook.adapters.pki import names as pki_names
from webhook.adapters.pki import pem as pki_pem
from webhook.adapters.pki.issue import LEAF_DAYS, Authority, PairError, Signer
from webhook.adapters.tls import CertificateError

_NEW_CA = (
    "make a new CA in another folder with `nsp certs make --keep-ca-key`,"
    " and give its ca.crt to whoever trusts the old one (caBundle) before its leaf serves"
)


def renew(
    folder: Path, hosts: Sequence[str] = (), *, ca_folder: Path | None = None, days: int = LEAF_DAYS
) -> tuple[Path, ...]:
    """Replace tls.crt and tls.key in `folder`, signed by ca.crt with ca.key of `ca_folder` (or `folder`).

    The leaf is for `hosts`; without any, for those of the present tls.crt. ca.crt is written, too, when
    the CA is kept elsewhere. It never outlives its CA. Returns what was written; raises PairError, and
    nothing has changed then.
    """
    home = ca_folder or folder
    names = _names(folder, hosts)
    authority = _authority(home)
    now = datetime.now(UTC)
    begins = max(pki_issue.beginning(now), authority.certificate.not_valid_before_utc)
    _refuse_unusable(authority.certificate, home / "ca.crt", now, begins + timedelta(days=days), days)
    key = pki_issue.new_key()
    leaf = pki_issue.leaf(key.public_key(), names, authority, begins, days)
    files = {"ca.crt": (_read(home / "ca.crt"), 0o644)} if ca_folder else {}
    return pki_files.write(
        folder, {**files, "tls.crt": pki_files.public(leaf), "tls.key": pki_files.secret(key)}
    )


def _names(folder: Path, hosts: Sequence[str]) -> list[x509.GeneralName]:
    if hosts:
        return pki_issue.general_names(hosts)
    path = folder / "tls.crt"
    try:
        present = pki_names.of(pki_pem.certificates(pki_pem.read(path))[0])
    except CertificateError as error:
        raise PairError(
            f"the hosts cannot be taken from {_named(path, error)}; name them with --host"
        ) from error
    if not present:
        raise PairError(f"{path} is for no host; name them with --host")
    return pki_issue.general_names(present)


def _authority(folder: Path) -> Authority:
    """The certificate of ca.crt that belongs to ca.key; of several, the one that lasts longest."""
    key = _key(folder / "ca.key")
    path = folder / "ca.crt"
    try:
        known = pki_pem.certificates(_read(path))
    except CertificateError as error:
        raise PairError(_named(path, error)) from error
    own = [each for each in known if pki_pem.same_key(each.public_key(), key.public_key())]
    if not own:
        raise PairError(f"{path} does not belong to {folder / 'ca.key'}: put the two of one CA there")
    latest = max(own, key=lambda each: each.not_valid_after_utc)
    if not pki_facts.is_authority(latest):
        raise PairError(f"{path} is no certificate authority: {_NEW_CA}")
    return Authority(latest, key)


def _key(path: Path) -> Signer:
    try:
        key = pki_pem.private_key(pki_pem.read(path))
    except CertificateError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise PairError(
                f"there is no {path}: the CA's key was thrown away when it was made; {_NEW_CA}"
            ) from error
        raise PairError(_named(path, error)) from error
    if not isinstance(key, Signer):
        raise PairError(f"{path} is a key that cannot sign: {_NEW_CA}")
    return key


def _refuse_unusable(ca: x509.Certificate, path: Path, now: datetime, leaf_ends: datetime, days: int) -> None:
    begins, ends = ca.not_valid_before_utc, ca.not_valid_after_utc
    if now < begins:
        raise PairError(f"{path} is valid only from {pki_facts.moment(begins)}: compare the clocks")
    if now > ends:
        raise PairError(f"{path} expired at {pki_facts.moment(ends)}: {_NEW_CA}")
    if leaf_ends > ends:
        left = (ends - now).days
        way_out = f"ask for --days {left} at most, or {_NEW_CA}" if left else _NEW_CA
        raise PairError(
            f"{path} expires at {pki_facts.moment(ends)}, before a leaf of {days} days would: {way_out}"
        )


def _read(path: Path) -> bytes:
    try:
        return pki_pem.read(path)
    except CertificateError as error:
        raise PairError(str(error)) from error


def _named(path: Path, error: CertificateError) -> str:
    """Some texts begin with the path already."""
    return str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
