"""`nsp policy vap`: the rules that the API server keeps by itself."""

from pathlib import Path

import click
import msgspec

from webhook.adapters import catalogue_file
from webhook.cli import options
from webhook.codec import admissionpolicy


@click.group("policy")
def command() -> None:
    """What guards namespaces inside the API server."""


@command.command("vap")
@options.catalogue()
def vap(catalogue_path: Path | None) -> None:
    """Print the ValidatingAdmissionPolicies and bindings as a JSON List.

    They keep the labels of managed namespaces and the objects of bundles safe while every replica of
    the admission pair is down, and on the namespaces that the webhooks skip. Print and apply them
    anew when the catalogue changes; pruning takes away those that it has no use for any more:

    \b
    nsp policy vap | kubectl apply -f - --prune \\
      -l app.kubernetes.io/managed-by=ns-provisioner \\
      --prune-allowlist=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy \\
      --prune-allowlist=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding
    """
    items = admissionpolicy.manifests(catalogue_file.load(catalogue_path))
    content = msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": items})
    click.echo(msgspec.json.format(content, indent=2).decode())
