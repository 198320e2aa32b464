"""`python -m tools.dev COMMAND`: what the Makefile calls. Errors are one line and exit code 1."""

import signal
import sys

from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError
from tools.dev import commands, demo

COMMANDS = {
    "plane": commands.plane,
    "up": commands.up,
    "down": commands.down,
    "status": commands.status,
    "demo": demo.main,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        console.error(f"say one of: {', '.join(COMMANDS)}")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave by the same clean way as on Ctrl-C
    try:
        return COMMANDS[arguments[0]]()
    except ControlPlaneError as error:
        console.error(str(error))
        return 1
    except OSError as error:
        console.error(f"{error.filename or 'the system'}: {error.strerror}; NSP_RUN_DIR names another folder")
        return 1
    except KeyboardInterrupt:
        console.error("interrupted")
        return 130


sys.exit(main(sys.argv[1:]))
