"""The one exception of this package."""


class ControlPlaneError(Exception):
    """What went wrong and what to do about it in one line, followed by a log's tail where there is one."""
