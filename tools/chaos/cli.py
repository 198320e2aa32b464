"""`python -m tools.chaos [NAME ...] [--short]`: what the Makefile calls."""

import signal
from collections.abc import Callable, Mapping, Sequence

from tools.chaos import (
    bodies,
    certificates,
    clocks,
    crash,
    down,
    failover,
    freeze,
    install,
    kill,
    outage,
    rival,
    rollout,
    rotation,
    streams,
    trickle,
)
from tools.chaos.report import Report
from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError

Campaigns = Mapping[str, Callable[[], Report]]

FULL: Campaigns = {
    "rollout": lambda: rollout.main(rollout.FULL),
    "rotation": lambda: rotation.main(rotation.FULL),
    "certificates": lambda: certificates.main(certificates.FULL),
    "rekey": lambda: certificates.main(certificates.REKEY),
    "install": lambda: install.main(install.FULL),
    "trickle": lambda: trickle.main(trickle.FULL),
    "crowd": lambda: trickle.main(trickle.CROWD),
    "bodies": lambda: bodies.main(bodies.FULL),
    "down": lambda: down.main(down.FULL),
    "kill": lambda: kill.main(kill.FULL),
    "crash": lambda: crash.main(crash.FULL),
    "rival": lambda: rival.main(rival.FULL),
    "freeze": lambda: freeze.main(freeze.FULL),
    "failover": lambda: failover.main(failover.FULL),
    "outage": lambda: outage.main(outage.FULL),
    "streams": lambda: streams.main(streams.FULL),
    "clocks": lambda: clocks.main(clocks.FULL),
}
SHORT: Campaigns = {
    "rollout": lambda: rollout.main(rollout.SHORT),
    "rotation": lambda: rotation.main(rotation.SHORT),
    "certificates": lambda: certificates.main(certificates.SHORT),
    "install": lambda: install.main(install.SHORT),
    "trickle": lambda: trickle.main(trickle.SHORT),
    "bodies": lambda: bodies.main(bodies.SHORT),
    "down": lambda: down.main(down.SHORT),
    "kill": lambda: kill.main(kill.SHORT),
    "crash": lambda: crash.main(crash.SHORT),
    "rival": lambda: rival.main(rival.SHORT),
    "freeze": lambda: freeze.main(freeze.SHORT),
    "failover": lambda: failover.main(failover.SHORT),
    "outage": lambda: outage.main(outage.SHORT),
    "streams": lambda: streams.main(streams.SHORT),
    "clocks": lambda: clocks.main(clocks.SHORT),
}


def main(arguments: Sequence[str]) -> int:
    """Run the campaigns named, or all. Returns 0, 1 when a target was missed, or 2 for a wrong name."""
    campaigns = SHORT if "--short" in arguments else FULL
    names = [argument for argument in arguments if argument != "--short"] or list(campaigns)
    if unknown := [name for name in names if name not in campaigns]:
        console.error(f"no campaign {unknown[0]}: name some of {', '.join(campaigns)}, or none for all")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave by the same clean way as on Ctrl-C
    try:
        kept = [_run(name, campaigns[name]) for name in names]  # one that fails stops none that follows
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130
    return 0 if all(kept) else 1


def _run(name: str, campaign: Callable[[], Report]) -> bool:
    console.say(f"campaign {name} begins")
    try:
        report = campaign()
    except ControlPlaneError as error:
        console.error(str(error))
        return False
    print(f"{report}\n", flush=True)
    return report.kept
