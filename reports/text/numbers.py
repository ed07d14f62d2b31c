"""Numbers as text, with no more digits than are known."""

import math

from bench.results.statistics import Estimate

DURATIONS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))
THIN = " "


def unit_for(seconds: list[float]) -> tuple[float, str]:
    """Scale and name of one unit for several durations: the largest in which the smallest of them is at least 1."""
    smallest = min(seconds, default=1.0)
    return next((unit for unit in DURATIONS if smallest >= unit[0]), DURATIONS[-1])


def number(value: float, half_width: float) -> str:
    """A value with as many decimals as two digits of its half-width have; with two digits for an unknown half-width."""
    if not math.isfinite(value):
        return str(value)
    known = half_width if 0 < half_width < math.inf else abs(value) or 1.0
    decimals = max(0, 1 - math.floor(math.log10(known)))
    return f"{value:,.{min(decimals, 12)}f}".replace(",", THIN)


def estimate(measured: Estimate, scale: float = 1.0) -> str:
    """ "402.0 ± 8.0": the value and half its 95 % interval; the value alone, in two digits, when one round gives none.

    An interval wider than the value is not symmetric: then its ends are given, "7.0 (0.13 to 380)".
    """
    if measured.low is None or measured.high is None:
        return number(measured.value / scale, math.inf)
    if measured.half_width > 0.5:
        low, middle, high = (count(edge / scale) for edge in (measured.low, measured.value, measured.high))
        return f"{middle} ({low} to {high})"
    half = (measured.high - measured.low) / 2 / scale
    return f"{number(measured.value / scale, half)} ± {number(half, half)}"


def own_unit(measured: Estimate) -> str:
    """An estimate of seconds in its own unit: "402.0 ± 8.0 µs"."""
    scale, unit = unit_for([measured.value])
    return f"{estimate(measured, scale)} {unit}"


def value(measured: Estimate, scale: float = 1.0) -> str:
    """The value without its interval, in the digits that the interval supports."""
    return number(measured.value / scale, measured.half_width * measured.value / scale)


def seconds(duration: float | None) -> str:
    """A single duration in a unit of its own, three digits: "4.03 s", "2.48 ms"; a dash for None."""
    if duration is None:
        return "-"
    scale, unit = unit_for([duration])
    scaled = duration / scale
    return f"{scaled:.{max(0, 2 - math.floor(math.log10(max(scaled, 1))))}f} {unit}"


def size(amount: float) -> str:
    """An amount of memory in a unit of its own, three digits: "1.20 MB", "340 bytes"."""
    scale, unit = next((unit for unit in SIZES if amount >= unit[0]), SIZES[-1])
    scaled = amount / scale
    decimals = 0 if scale == 1 else max(0, 2 - math.floor(math.log10(max(scaled, 1))))
    return f"{scaled:.{decimals}f} {unit}"


def count(number: float, digits: int = 2) -> str:
    """A number in this many digits, grouped in threes: "2 300"; without decimals where it is whole."""
    if not number:
        return "0"
    if not math.isfinite(number):  # a stranger's times may be as far apart as no numbers are
        return "∞"
    decimals = digits - 1 - math.floor(math.log10(abs(number)))
    whole = decimals <= 0 or float(number).is_integer()
    return f"{round(number, decimals):,.{0 if whole else decimals}f}".replace(",", THIN)


def times(factor: float) -> str:
    """A factor for a sentence: "2.14 times", "13.4 times"."""
    return f"{count(factor, 3)} times"


def percent(share: float) -> str:
    """A share in whole per cent: "48 %"; "<1 %" for less than half a per cent that is not nothing."""
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def percent_off(ratio: float) -> str:
    """How far a ratio is from 1, with its sign: "+1.2 %"."""
    return f"{100 * (ratio - 1):+.1f} %"


def duration(seconds: float) -> str:
    """Seconds, from two minutes on in minutes, because an estimate is no better."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
