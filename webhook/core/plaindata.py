"""Whether a document is plain data of a sensible size, before anything is made of it.

YAML can say more than JSON: keys that are no texts, dates, sets, and aliases by which a few lines mean
millions or a list holds itself.
"""

import math
from collections.abc import Iterator

from webhook.core.errors import Problem

DEPTH_LIMIT = 20
VALUES_LIMIT = 20_000
"""A catalogue of a hundred tiers has a tenth of that."""


def problems(content: object) -> Iterator[Problem]:
    """What is not plain; at the first sign of too much, that alone."""
    count = 0
    stack: list[tuple[str, object, int]] = [("", content, 0)]
    while stack:
        path, value, depth = stack.pop()
        count += 1
        if depth > DEPTH_LIMIT or count > VALUES_LIMIT:
            yield Problem(
                path[:60] or "(file)", "is too large", "anchors and aliases may mean more than they say"
            )
            return
        if isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, str):
                    yield Problem(
                        path or "(file)", f"has a key that is no text: {str(key)[:40]}", "put it in quotes"
                    )
                    continue
                yield from _text(f"{path}.{key}".strip("."), key)
                stack.append((f"{path}.{key}".strip("."), item, depth + 1))
        elif isinstance(value, list):
            stack.extend((f"{path}[{index}]", item, depth + 1) for index, item in enumerate(value))
        elif isinstance(value, str):
            yield from _text(path, value)
        elif not (
            value is None
            or isinstance(value, bool | int)
            or (isinstance(value, float) and math.isfinite(value))
        ):
            yield Problem(
                path or "(file)",
                f"is a {type(value).__name__}, which has no meaning here",
                "put it in quotes",
            )


def _text(path: str, value: str) -> Iterator[Problem]:
    try:
        value.encode()
    except UnicodeEncodeError:
        shown = path.encode(errors="replace").decode()
        yield Problem(shown, "holds half a character", "save the file as UTF-8")
