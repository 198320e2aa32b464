"""`nsp certs show`: what certificates say of themselves. It never reads a private key's content out."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from webhook.cli import certs_source

if TYPE_CHECKING:
    from webhook.adapters.pki.facts import Facts


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@certs_source.options
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    file: Path | None, folder: Path | None, secret: str | None, kubeconfig: Path | None, output: str
) -> None:
    """Show the certificates of FILE, or tls.crt and ca.crt of a folder or a Secret."""
    if [file, folder, secret].count(None) != 2:
        raise click.UsageError("Give one of FILE, --dir and --secret.")
    shown = list(_shown(_texts(file, folder, secret, kubeconfig)))
    if output == "json":
        items = [{"file": where, **msgspec.to_builtins(facts)} for where, facts in shown]
        click.echo(msgspec.json.format(msgspec.json.encode(items), indent=2).decode())
        return
    click.echo("\n\n".join("\n".join([where, *_lines(facts)]) for where, facts in shown))


def _texts(
    file: Path | None, folder: Path | None, secret: str | None, kubeconfig: Path | None
) -> Mapping[str, bytes]:
    """PEM texts by where they were found. Raises CertificateError when the first is missing."""
    from webhook.adapters.pki import pem as pki_pem
    from webhook.adapters.pki import source as certsource
    from webhook.adapters.tls import CertificateError

    if file is not None:
        return {str(file): pki_pem.read(file)}
    source = certs_source.load(folder, secret, kubeconfig)
    if certsource.CERTIFICATE in source.missing:
        raise CertificateError(source.missing[certsource.CERTIFICATE])
    names = (certsource.CERTIFICATE, certsource.AUTHORITY)
    return {f"{source.where}/{name}": source.found[name] for name in names if name in source.found}


def _shown(texts: Mapping[str, bytes]) -> Iterator[tuple[str, "Facts"]]:
    from webhook.adapters.clock import SystemClock
    from webhook.adapters.pki import facts as pki_facts
    from webhook.adapters.pki import pem as pki_pem
    from webhook.adapters.tls import CertificateError

    now = SystemClock().now()
    for where, pem in texts.items():
        try:
            found = pki_pem.certificates(pem)
        except CertificateError as error:
            raise CertificateError(f"{where}: {error}") from error
        yield from ((where, pki_facts.of(certificate, now)) for certificate in found)


def _lines(facts: "Facts") -> Iterator[str]:
    from webhook.adapters.pki.facts import moment

    rows = {
        "subject": facts.subject,
        "issuer": facts.issuer,
        "names": ", ".join(facts.names) or "none",
        "authority": "yes" if facts.authority else "no",
        "key": facts.key,
        "valid from": moment(facts.begins),
        "valid until": moment(facts.ends),
        "days left": str(facts.days_left) if facts.days_left >= 0 else "none: it has expired",
        "SHA-256": facts.fingerprint,
    }
    width = max(map(len, rows))
    return (f"  {label:{width}}  {value}" for label, value in rows.items())
