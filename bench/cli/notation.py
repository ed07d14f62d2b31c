"""How what a person typed becomes values: a choice of arms, ranges of sizes, and times."""

import math
from collections.abc import Iterable, Mapping

from bench.results.quantity import amount
from impls.contract.coordinates import BY_NAME
from impls.contract.setting import SettingError
from impls.contract.values import Value, whole_number
from reports.formats import EXPORTS, FIGURES, Formats


def setting(typed: Mapping[str, str | None]) -> dict[str, tuple[Value, ...]]:
    """The values of each coordinate that was typed; an empty option is as good as none. Raises SettingError."""
    values = {name: BY_NAME[name].read(text) for name, text in typed.items() if text is not None}
    return {name: read for name, read in values.items() if read}


def parameters(typed: Iterable[str]) -> dict[str, str]:
    """ "hidden=256" as {"hidden": "256"}. Raises SettingError for text without a name or a value."""
    pairs = [text.partition("=") for text in typed]
    for text, (name, _, value) in zip(typed, pairs, strict=True):
        if not name.strip().isidentifier() or not value.strip():
            raise SettingError(f"--set takes a parameter and its value, e.g. --set hidden=256; got {text!r}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def names(option: str, text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The names typed with commas between them. Raises SettingError for one that is not known."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    known = tuple(known)
    for part in parts:
        if part not in known:
            raise SettingError(f"{option} takes {', '.join(known)}; got {part!r}.")
    return parts


def formats(figures: str | None, exports: str | None) -> Formats:
    """What was typed for --formats and --export. Raises SettingError for a format that is not known."""
    return Formats(
        names("--formats", figures or "", FIGURES),
        names("--export", exports or "", EXPORTS),
    )


def count(option: str, text: str) -> int:
    """A whole number of at least 1: "12", "1e3". Raises SettingError for anything else."""
    try:
        number = whole_number(text)
    except ValueError:
        number = 0
    if number < 1:
        raise SettingError(f"{option} takes a whole number of at least 1, e.g. 12 or 1e3; got {text!r}.")
    return number


def sweep(text: str) -> tuple[str, tuple[int, ...]]:
    """ "rows=1e2:1e7" as ("rows", (100, 316, ... 10 000 000)): evenly spaced by ratio, two values a decade.

    A third number is how many values: "rows=1e2:1e7:6". Raises SettingError for what cannot be read so.
    """
    name, _, span = text.partition("=")
    try:
        first, last, *more = (whole_number(part) for part in span.split(":"))
        number = more[0] if more else 1 + max(1, round(2 * math.log10(last / first)))
        if not (1 <= first < last and 2 <= number <= 100 and len(more) <= 1):
            raise ValueError
    except (ValueError, ZeroDivisionError, OverflowError):
        raise SettingError(
            f"--sweep takes a size and its range, for example rows=1e2:1e7 or features=1:1024:6; got {text!r}."
        ) from None
    values = (round(first * (last / first) ** (step / (number - 1))) for step in range(number))
    return name.strip(), tuple(dict.fromkeys(values))


def duration(option: str, text: str) -> float:
    """ "90s", "5m" or "1h" in seconds. Raises SettingError for anything but a positive time with its unit."""
    text = text.strip()
    if (seconds := _seconds(text)) is not None:
        return seconds
    if _seconds(f"{text}s") is not None:
        raise SettingError(f"{option} takes a time with its unit: {text}s, {text}m or {text}h?")
    raise SettingError(f"{option} takes a time such as 90s, 5m or 1h; got {text!r}.")


def _seconds(text: str) -> float | None:
    """Seconds; None for what is no time."""
    try:
        kind, seconds = amount(text)
    except ValueError:
        return None
    return seconds if kind == "time" else None
