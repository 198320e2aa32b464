"""The command `nsp` (also `kubectl nsp`): one file per verb, imported when it is called."""

from webhook.cli.app import main

__all__ = ["main"]
