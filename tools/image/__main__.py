"""`python -m tools.image`: see cli.py."""

import sys

from tools.image import cli

sys.exit(cli.main(sys.argv[1:]))
