"""Options that several verbs have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def catalogue(purpose: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--catalogue FILE`, as the argument `catalogue_path`; `purpose` is what it is read for."""
    return click.option(
        "--catalogue",
        "catalogue_path",
        type=click.Path(path_type=Path),
        help=f"Tier catalogue file{purpose}; the built-in one when not given.",
    )
