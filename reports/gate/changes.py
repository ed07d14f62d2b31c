"""A change of a time as text: the numbers that stand in tables and sentences of a gate."""

import math

from bench.results.gate import Clocked
from reports.text.columns import NOTHING
from reports.text.numbers import count, number


def half(clocked: Clocked) -> float:
    """Half the interval, as a fraction of the base's time; infinite without one."""
    return math.inf if clocked.low is None or clocked.high is None else (clocked.high - clocked.low) / 2


def is_times(clocked: Clocked) -> bool:
    """Whether it is shown as a multiple: from twice as long on, and from half as long down."""
    return not -0.5 < clocked.change < 1


def change(clocked: Clocked | None) -> str:
    """ "+7.3 %", or "x 3.20" beyond twice or half; a dash for None."""
    if clocked is None or not math.isfinite(clocked.change):
        return NOTHING
    if is_times(clocked):
        return f"x {number(1 + clocked.change, half(clocked))}"
    return f"{signed(100 * clocked.change, 100 * half(clocked))} %"


def interval(clocked: Clocked | None, unit: str = "") -> str:
    """ "+5.1 to +9.6", in the same form as `change`, with a unit where it has one; a dash for no interval."""
    if clocked is None or clocked.low is None or clocked.high is None or not math.isfinite(half(clocked)):
        return NOTHING
    if is_times(clocked):
        return " to ".join(number(1 + end, half(clocked)) for end in (clocked.low, clocked.high))
    return " to ".join(signed(100 * end, 100 * half(clocked)) for end in (clocked.low, clocked.high)) + unit


def measured(clocked: Clocked | None) -> str:
    """ "+0.4 % (-0.9 to +1.7)"."""
    if clocked is None or change(clocked) == NOTHING:
        return "no time"
    between = interval(clocked)
    return f"{change(clocked)} ({'no interval yet' if between == NOTHING else between})"


def signed(value: float, half_width: float) -> str:
    """With its sign, but for what is nothing in the digits that it has."""
    text = number(abs(value), half_width)
    return f"{'-' if value < 0 else '+'}{text}" if text.strip("0.") else text


def margin(fraction: float) -> str:
    """ "3 %": what somebody has set."""
    return f"{round(100 * fraction, 4):g} %"


def rough(fraction: float) -> str:
    """ "8.1 %": what was computed, in two digits."""
    return f"{100 * fraction:.2g} %" if fraction < 0.99 else f"{count(100 * fraction)} %"
