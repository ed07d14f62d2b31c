"""The kinds of values that a setting is made of: which of them are allowed, and how a person writes one."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | float
ParameterValue = str | int | float | bool  # of a step's parameter

LARGEST = 2**64 - 1  # the largest whole number that a file of records can hold
DIGITS = re.compile(r"[+-]?\d+(_\d+)*")
POWER = re.compile(r"[+-]?\d+(\.\d+)?[eE]\+?\d{1,2}")


class SettingError(ValueError):
    """A setting lies outside its domain; the message names the setting, the value and the domain."""


def whole_number(text: str) -> int:
    """A whole number written as 100000, 100_000 or 1e5. Raises ValueError for anything else."""
    text = text.strip()
    if DIGITS.fullmatch(text):
        return int(text[:80])  # longer ones are too large anyway
    if POWER.fullmatch(text) and (number := Decimal(text)) == number.to_integral_value():
        return int(number)
    raise ValueError(f"{text!r} is not a whole number")


@dataclass(frozen=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]
    metavar = "NAME"

    @property
    def meaning(self) -> str:
        """The allowed values, after "must be"."""
        return f"one of {', '.join(self.words)}"

    def accepts(self, value: object) -> bool:
        """Whether the value is one of them."""
        return isinstance(value, str) and value in self.words

    def read(self, text: str) -> Value:
        """The word itself."""
        return text


@dataclass(frozen=True)
class Count:
    """A whole number from `least` to LARGEST, or one of the words that may stand for one."""

    least: int = 1
    words: tuple[str, ...] = ()
    metavar = "N"

    @property
    def meaning(self) -> str:
        """The allowed values, after "must be"."""
        return "".join(f"{word} or " for word in self.words) + f"a whole number of at least {self.least}"

    def accepts(self, value: object) -> bool:
        """Whether the value is such a number or word; True and 2.0 are no whole numbers."""
        if isinstance(value, str):
            return value in self.words
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= LARGEST

    def read(self, text: str) -> Value:
        """Raises ValueError for what is neither."""
        return text if text in self.words else whole_number(text)


@dataclass(frozen=True)
class Positive:
    """A finite number above 0."""

    meaning = "a positive number"
    metavar = "X"

    def accepts(self, value: object) -> bool:
        """Whether the value is such a number."""
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf

    def read(self, text: str) -> Value:
        """Raises ValueError for what is no number."""
        return float(text)


Kind = OneOf | Count | Positive


def checked(name: str, kind: Kind, value: object) -> None:
    """Raises SettingError, which names the setting, the value and the domain, for a value that is not of its kind."""
    if not kind.accepts(value):
        bound = f" and at most {LARGEST}" if isinstance(value, int) and value > LARGEST else ""
        raise SettingError(f"{name} must be {kind.meaning}{bound}; got {value!r}.")
