"""`python -m tools.scale [--namespaces N] [--minutes M] [--short]`: what the Makefile calls."""

import argparse
import signal
from collections.abc import Sequence
from dataclasses import replace

from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError
from tools.scale import campaign
from tools.scale.campaign import Size


def main(arguments: Sequence[str]) -> int:
    """Returns 0, or 1 when a target was missed."""
    size = chosen(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave by the same clean way as on Ctrl-C
    try:
        report = campaign.main(size)
    except ControlPlaneError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130
    print(report)
    return 0 if report.kept else 1


def chosen(arguments: Sequence[str]) -> Size:
    parser = argparse.ArgumentParser(prog="python -m tools.scale", description="The controller under load.")
    parser.add_argument("--short", action="store_true", help="a small run of half a minute")
    parser.add_argument("--namespaces", type=int, help="how many are there from the start")
    parser.add_argument("--minutes", type=float, help="of churn")
    given = parser.parse_args(arguments)
    size = campaign.SHORT if given.short else campaign.FULL
    if given.namespaces is not None:
        size = replace(size, namespaces=given.namespaces)
    if given.minutes is not None:
        size = replace(size, churn=given.minutes * 60)
    return size
