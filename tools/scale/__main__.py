"""`python -m tools.scale`."""

import sys

from tools.scale import cli

sys.exit(cli.main(sys.argv[1:]))
