"""`python -m tools.chaos.shifted SECONDS ARGUMENTS...`: nsp with a wall clock that is ahead by so much.

Nothing of ours reads the time of day but through this one class, which the linter sees to.
"""

import sys
from datetime import datetime, timedelta
from unittest import mock

from webhook.adapters.clock import SystemClock
from webhook.cli import main


def shift(seconds: float) -> None:
    """From now on, for the whole process."""
    right = SystemClock.now

    def wrong(clock: SystemClock) -> datetime:
        return right(clock) + timedelta(seconds=seconds)

    mock.patch.object(SystemClock, "now", wrong).start()


if __name__ == "__main__":
    _, by, *arguments = sys.argv
    shift(float(by))
    sys.argv = ["nsp", *arguments]
    main()
