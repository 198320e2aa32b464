"""Reads an untyped document part by part and notes every problem instead of stopping at one."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from webhook.core import quantity, quotakeys, wording
from webhook.core.errors import InvalidQuantityError, Problem

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(slots=True)
class Document:
    """Each method returns a usable value even when the part is wrong, so that reading goes on."""

    problems: list[Problem] = field(default_factory=list)
    _missing: set[str] = field(default_factory=set)

    def problem(self, path: str, detail: str, suggestion: str = "") -> None:
        self.problems.append(Problem(path or "(file)", detail, suggestion))

    def mapping(
        self, path: str, value: object, *, keys: Collection[str] | None = None
    ) -> Mapping[object, object]:
        """A mapping; with `keys`, exactly these are required and no others are known."""
        if not isinstance(value, Mapping):
            self._wrong_shape(path, "a mapping", value)
            return {}
        if keys is None:
            return value
        for key in sorted(set(keys) - set(value)):
            self._missing.add(_join(path, key))
            self.problem(_join(path, key), "is missing")
        for key in value:
            if key not in keys:
                self.choice(_join(path, key), str(key), keys, what="a known key")
        return value

    def text(self, path: str, value: object) -> str:
        if isinstance(value, str) and value:
            return value
        self._wrong_shape(path, "a text", value, "put it in quotes")
        return ""

    def texts(self, path: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            self._wrong_shape(path, "a list", value)
            return ()
        return tuple(self.text(f"{path}[{index}]", item) for index, item in enumerate(value))

    def names(self, path: str, value: object) -> tuple[str, ...]:
        """Names in the form of a DNS label: they become label values and parts of selectors."""
        found = self.texts(path, value)
        for name in found:
            if name and not _NAME.fullmatch(name):
                self.problem(
                    f"{path}.{name}"[:100],
                    "is not a name",
                    "use lower-case letters, digits and '-', at most 63",
                )
        return found

    def choice(self, path: str, sent: str, allowed: Collection[str], *, what: str = "known") -> None:
        if sent not in allowed:
            words = sorted(allowed)
            self.problem(
                path,
                f"{wording.quote(sent)} is not {what}; allowed: {wording.listing(words)}",
                f"did you mean `{wording.nearest(sent, words)}`?",
            )

    def pattern(self, path: str, value: object) -> re.Pattern[str]:
        try:
            return re.compile(self.text(path, value), re.ASCII)
        except re.error as error:
            self.problem(path, f"is not a regular expression: {error}")
            return re.compile("")

    def quantities(self, path: str, value: object) -> dict[str, str]:
        """Quantities by resource name, as written; at least one, and bare numbers are fine."""
        found = {}
        if value == {}:
            self.problem(path, "is empty", "the API server drops it, so it would never look complete")
        for key, item in self.mapping(path, value).items():
            text = str(item) if isinstance(item, int | float) and not isinstance(item, bool) else item
            place = _join(path, key)
            if not isinstance(text, str):
                self.problem(place, f"must be a quantity, not {_shown(item)}", "such as 500m, 4 or 16Gi")
                continue
            try:
                if quantity.parse(text) >= 0:
                    found[str(key)] = text
                else:
                    self.problem(place, f"{text} is negative")
            except InvalidQuantityError as error:
                self.problem(place, str(error))
        return found

    def quota(self, path: str, value: object) -> dict[str, str]:
        found = self.quantities(path, value)
        for key, amount in found.items():
            if not quotakeys.is_known(key):
                detail = f"{wording.quote(key)} is not a quota key"
                self.problem(f"{path}.{key}", detail, quotakeys.advice(key))
            elif quotakeys.is_counted(key) and quantity.parse(amount).denominator != 1:
                self.problem(
                    f"{path}.{key}", f"{amount} is not a whole number", "these are counted in pieces"
                )
        return found

    def _wrong_shape(self, path: str, shape: str, value: object, suggestion: str = "") -> None:
        """What is missing has been said already."""
        if value is not None or path not in self._missing:
            self.problem(path, f"must be {shape}, not {_shown(value)}", suggestion)


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _shown(value: object) -> str:
    return "nothing" if value is None else wording.quote(str(value))
