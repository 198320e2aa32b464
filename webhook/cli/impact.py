"""`nsp catalogue impact`: what a catalogue would change in a cluster, before it does."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import click

from webhook import settings
from webhook.adapters import catalogue_file
from webhook.core import impact, labels, wording
from webhook.core.impact import Impact, Inhabitant, TierImpact
from webhook.core.policy import Policy, Rollout


@click.command("impact")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="The cluster [variable: KUBECONFIG].")
def command(file: Path, kubeconfig: Path | None) -> None:
    """Tell which namespaces of a cluster would change with FILE, and which use more than they would get.

    Nothing is written. A namespace that uses more than it would get keeps what it has, and its condition
    says so, until its use falls or an admin forces it.
    """
    policy = catalogue_file.load(file)
    found = asyncio.run(_inhabitants(kubeconfig or settings.kubeconfig()))
    for line in _lines(policy, impact.of(policy, found)):
        click.echo(line)


async def _inhabitants(kubeconfig: Path | None) -> list[Inhabitant]:
    from webhook.adapters.kube import config, inhabitants
    from webhook.adapters.kube.transport import Transport

    async with Transport(await config.load(kubeconfig)) as transport:
        return await inhabitants.load(transport)


def _lines(policy: Policy, found: Impact) -> Iterator[str]:
    changing = [tier for tier in found.tiers if tier.follow or tier.exceed]
    for tier in changing:
        yield from _tier(tier, policy.rollout)
    for name, orphans in found.orphans.items():
        yield f"tier {wording.quote(name)} is not in the file: {_names(orphans)} kept as it is, unrepaired"
    same = sum(len(tier.stay) for tier in found.tiers)
    yield (
        f"{same} namespaces have what the file says already"
        if changing or found.orphans or same
        else ("there is no managed namespace")
    )


def _tier(tier: TierImpact, rollout: Rollout) -> Iterator[str]:
    yield f"tier {tier.tier}, revision {tier.revision}:"
    if tier.follow:
        yield f"  {_names(tier.follow)} would change, {_how(tier, rollout)}"
    for name, over in tier.exceed.items():
        yield f"  {name} would stay as it is: {wording.listing(over)}"


def _how(tier: TierImpact, rollout: Rollout) -> str:
    if rollout.strategy == "manual":
        return f"each when its annotation {labels.REVISION} says {tier.revision}"
    minutes = -(-len(tier.follow) // rollout.per_minute)
    return f"{rollout.per_minute} a minute, so within {minutes} min"


def _names(names: list[str]) -> str:
    return f"{len(names)} namespaces ({wording.listing(names)})" if len(names) > 1 else names[0]
