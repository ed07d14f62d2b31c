"""Numbers and durations as text."""

import math

import pytest

from bench.results.statistics import Estimate
from reports.text import numbers
from reports.text.sanitize import plain


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [
        ([2.0, 3.0], "s"),
        ([1.0], "s"),
        ([0.999], "ms"),
        ([3e-3, 5.0], "ms"),
        ([4e-4, 4e-3], "µs"),
        ([1e-6], "µs"),
        ([5e-8, 1.0], "ns"),
        ([1e-12], "ns"),
        ([], "s"),
    ],
)
def test_a_columns_unit_keeps_its_smallest_value_above_one(seconds: list[float], unit: str) -> None:
    """The unit of a column is the largest in which its smallest value is at least 1; nanoseconds below that."""
    assert unit == numbers.unit_for(seconds)[1]


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (402.345, 8.3, "402.3"),
        (402.345, 83.0, "402"),
        (402.345, 0.083, "402.345"),
        (0.47503, 0.0031, "0.4750"),
        (7994.2, 502.0, "7 994"),
        (1234567.8, 1000.0, "1 234 568"),
        (0.5, 0.0, "0.50"),
        (0.5, math.inf, "0.50"),
        (402.345, math.inf, "402"),
        (0.0, math.inf, "0.0"),
        (-0.25, 0.01, "-0.250"),
        (math.nan, 1.0, "nan"),
        (math.inf, 1.0, "inf"),
    ],
)
def test_a_number_is_rounded_where_its_uncertainty_begins(value: float, half_width: float, text: str) -> None:
    """A number keeps two digits of its half-width, and two of its own where no width is known."""
    assert text == numbers.number(value, half_width)


def test_an_estimate_is_a_value_and_half_its_interval() -> None:
    """An estimate is said as value ± half its interval, both cut at the same digit, in the unit asked for."""
    found = Estimate(402e-6, 394e-6, 411e-6, 5)
    assert numbers.estimate(found, 1e-6) == "402.0 ± 8.5"
    assert numbers.value(found, 1e-6) == "402.0"
    assert numbers.estimate(Estimate(0.4751, 0.472, 0.4782, 5)) == "0.4751 ± 0.0031"


def test_a_very_wide_interval_is_said_by_its_ends() -> None:
    """Two rounds that disagree give an interval of many times the value: no ± of it would be true."""
    assert numbers.estimate(Estimate(6.84e-9, 1.3e-10, 3.6e-7, 2), 1e-9) == "6.8 (0.13 to 360)"


def test_an_estimate_of_one_round_has_no_interval() -> None:
    """Where one round gives no interval, none is shown, and no more than two decimals of a value below 1."""
    found = Estimate(0.4751, None, None, 1)
    assert numbers.estimate(found) == "0.48"
    assert numbers.value(found) == "0.48"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (None, "-"),
        (4.031, "4.03 s"),
        (40.31, "40.3 s"),
        (403.1, "403 s"),
        (4031.0, "4031 s"),
        (2.484e-3, "2.48 ms"),
        (398.2e-6, "398 µs"),
        (1e-9, "1.00 ns"),
        (3e-10, "0.30 ns"),
        (0.0, "0.00 ns"),
    ],
)
def test_a_duration_has_a_unit_of_its_own_and_three_digits(duration: float | None, text: str) -> None:
    """A single duration is said in the unit that fits it, with three digits; what was not measured is a dash."""
    assert text == numbers.seconds(duration)


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (2_345.0, 2, "2 300"),
        (2_346.0, 3, "2 350"),
        (999.6, 3, "1 000"),
        (0.0, 2, "0"),
        (5.0, 2, "5"),
        (5.26, 2, "5.3"),
        (0.004321, 2, "0.0043"),
        (123_456_789.0, 2, "120 000 000"),
        (7, 3, "7"),
    ],
)
def test_a_count_has_so_many_digits(number: float, digits: int, text: str) -> None:
    """A count keeps the digits asked for, in groups of three, and has no decimals when it is whole."""
    assert text == numbers.count(number, digits)


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (2.136, "2.14 times"),
        (33.42, "33.4 times"),
        (1.25, "1.25 times"),
        (0.31, "0.310 times"),
        (66_667, "66 700 times"),
    ],
)
def test_a_factor_is_said_in_words(factor: float, text: str) -> None:
    """A factor has three digits, whether it is a fraction or tens of thousands."""
    assert text == numbers.times(factor)


@pytest.mark.parametrize(
    "steering", ["\x1b[31m", "\r", "\n", "\x00", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\ud800"]
)
def test_plain_text_has_no_steering_characters(steering: str) -> None:
    """Characters that steer a terminal or turn the direction of writing become spaces; letters stay."""
    said = plain(f"before{steering}after é µ ± 日本")
    assert said.isprintable()
    assert said.startswith("before ")
    assert said.endswith("after é µ ± 日本")
