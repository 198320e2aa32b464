"""`make bench`: run every benchmark and print its figures."""

import sys

from benchmarks import time_to_ready
from tools.controlplane import console
from tools.controlplane.errors import ControlPlaneError

try:
    sys.exit(time_to_ready.main())
except ControlPlaneError as error:
    console.error(str(error))
    sys.exit(1)
except KeyboardInterrupt:
    console.error("interrupted")
    sys.exit(130)
