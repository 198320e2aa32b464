"""The one exception of this package."""


class ImageError(Exception):
    """What went wrong and what to do about it in one line, followed by a tool's output where there is one."""
