"""`python -m tools.chaos.impatient SECONDS serve ...`: nsp with another interval between looks at its files.

Only for the short form of the rotation campaign: as installed, nsp looks every two seconds.
"""

import sys

from webhook import cli
from webhook.adapters import polling

if __name__ == "__main__":
    polling.POLL_SECONDS = float(sys.argv.pop(1))
    cli.main()
