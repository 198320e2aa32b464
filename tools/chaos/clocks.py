"""The controller's clock is wrong, or the API server's: nothing is deleted early, and the brake holds.

The controller's own is shifted inside its process; the API server's is what a proxy makes of the Date
of its answers. Each case has a controller of its own and namespaces whose lifetimes end at different
times; those of before are there as well.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib import resources
from pathlib import Path

import yaml

from tools.chaos import controllers, damage, exact
from tools.chaos.apiproxy import Faults
from tools.chaos.controllers import Controller, Scene
from tools.chaos.report import Report
from tools.controlplane import console, waiting
from tools.controlplane.errors import ControlPlaneError
from tools.controlplane.plane import ControlPlane
from webhook.core import labels

MINUTES_10 = 600
YEAR = 365 * 86_400
LATE_SECONDS = 60.0
GIVEN_UP_SECONDS = 90.0

MAX_PERCENT = 20
QUIET = 12
"""Namespaces without an end: two that are due are then no reason to halt."""

TOLERANCE = "5m"
"""A lifetime that ends within the 15 minutes by which a clock that leaps ahead may deceive us."""

LASTING = ("1h", "30d")


@dataclass(frozen=True, slots=True)
class Case:
    """By how many seconds each clock is ahead. `ends`: what is over by the right time is deleted."""

    name: str
    own: int = 0
    server: int = 0
    ends: bool = True
    halts: bool = False


EVERY = (
    Case("own clock +10 min", own=MINUTES_10),
    Case("own clock -10 min", own=-MINUTES_10),
    Case("own clock +1 year", own=YEAR),
    Case("own clock -1 year", own=-YEAR, ends=False),
    Case("API server's clock +10 min", server=MINUTES_10),
    Case("API server's clock -10 min", server=-MINUTES_10, ends=False),
    Case("API server's clock +1 year", server=YEAR, halts=True, ends=False),
    Case("both clocks +1 year", own=YEAR, server=YEAR, ends=False, halts=True),
)
