"""`python3 -m tools.controlplane`: refuse an old Python in one line, then hand over to `cli`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this line exists for the Pythons below the minimum
    sys.exit("error: Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2])  # noqa: UP031

from tools.controlplane import cli

sys.exit(cli.main(sys.argv[1:]))
