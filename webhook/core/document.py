"""Reads an untyped document part by part and notes every problem instead of stopping at one."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from webhook.core import lifetime, quantity, quotakeys, wording
from webhook.core.errors import InvalidQuantityError, Problem
from webhook.core.pattern import InvalidPatternError, Pattern

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(slots=True)
class Document:
    """Each method returns a usable value even when the part is wrong, so that reading goes on."""

    problems: list[Problem] = field(default_factory=list)
    _missing: set[str] = field(default_factory=set)

    def problem(self, path: str, detail: str, suggestion: str = "") -> None:
        self.problems.append(Problem(path or "(file)", detail, suggestion))

    def mapping(
        self,
        path: str,
        value: object,
        *,
        required: Collection[str] = (),
        optional: Collection[str] | None = None,
    ) -> Mapping[object, object]:
        """A mapping that has all `required` keys; with `optional`, no others than these two are known."""
        if not isinstance(value, Mapping):
            self._wrong_shape(path, "a mapping", value)
            return {}
        for key in sorted(set(required) - set(value)):
            self._missing.add(_join(path, key))
            self.problem(_join(path, key), "is missing")
        known = None if optional is None else {*required, *optional}
        for key in value:
            if known is not None and key not in known:
                self.choice(_join(path, key), str(key), known, what="a known key")
        return value

    def text(self, path: str, value: object) -> str:
        if isinstance(value, str) and value:
            if not value.isprintable():
                self.problem(path, f"{wording.quote(value)} holds a character that cannot be seen")
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

    def flag(self, path: str, value: object) -> bool:
        if not isinstance(value, bool):
            self._wrong_shape(path, "true or false", value)
        return value is True

    def count(self, path: str, value: object, *, least: int = 0, most: int = 1_000_000) -> int:
        """A whole number between two bounds."""
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._wrong_shape(path, f"a whole number from {least} to {most}", value)
            return least
        return value

    def pattern(self, path: str, value: object) -> Pattern:
        try:
            return Pattern(self.text(path, value))
        except InvalidPatternError as error:
            detail = f"is not a regular expression of RE2: {wording.cut(error)}"
            self.problem(path, detail, "look-around and backreferences are not known, see its syntax page")
            return Pattern("")

    def patterns(self, path: str, value: object) -> dict[str, Pattern]:
        """Keys of labels or annotations, each with the pattern of its values."""
        return {
            str(key): self.pattern(_join(path, key), item) for key, item in self.mapping(path, value).items()
        }

    def lifetime(self, path: str, value: object) -> str | None:
        """A lifetime such as 7d; None is for ever."""
        if value is None:
            return None
        text = self.text(path, value)
        try:
            lifetime.parse(text)
        except lifetime.InvalidLifetimeError as error:
            if text:
                self.problem(path, f"{wording.quote(text)} is no lifetime", str(error))
            return None
        return text

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
                value = quantity.parse(text)
                if value < 0:
                    self.problem(place, f"{text} is negative")
                elif not quantity.is_exact(value):
                    self.problem(
                        place,
                        f"{text} is finer than a thousandth, or above 2^63",
                        "the API server would round it",
                    )
                else:
                    found[str(key)] = text
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
