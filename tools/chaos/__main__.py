"""`python -m tools.chaos`."""

import sys

from tools.chaos import cli

sys.exit(cli.main(sys.argv[1:]))
