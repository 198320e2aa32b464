"""The decisions of ns-provisioner as pure functions.

Nothing here awaits, reads a clock, a file or the environment, logs, or draws a random number:
everything a decision needs arrives as an argument. The import linter holds this.
"""
