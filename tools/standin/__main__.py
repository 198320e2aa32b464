"""`python -m tools.standin --plane DIR --directory DIR`: a node in a process of its own, until SIGTERM."""

import sys

from tools.standin import cli

sys.exit(cli.main(sys.argv[1:]))
