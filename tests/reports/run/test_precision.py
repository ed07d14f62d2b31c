"""What is said of how well the ratios of a race are known."""

import re

from msgspec.structs import replace

from reports.run.report import report_of
from tests.reports.records import MANUAL, REFERENCE, TWIN, plan, race, record


def said(factors: list[float], settled: int = 8) -> list[str]:
    """What is said of rounds in which one arm takes these multiples of the reference."""
    records = [
        replace(record(each, number, 1e-3 * times), round_seconds=10.0)
        for number, factor in enumerate(factors, 1)
        for each, times in ((REFERENCE, 1.0), (TWIN, 1.0), (MANUAL, factor))
    ]
    of = replace(plan(race(MANUAL)), settled=settled, precision=0.02)
    return [each.text for each in report_of(of, {}, records).races[0].findings if each.kind == "rounds"]


def test_ratios_that_are_known_need_no_more_rounds() -> None:
    """And by how much identical code differs between rounds, each elsewhere in memory, is said."""
    (text,) = said([0.5] * 8)
    assert text.startswith("In 8 rounds every ratio came to be known to ± 2 %: more would tell nothing new; each round")
    assert re.search(r"identical code differed by 0\.\d+ % between them\.$", text)


def test_a_ratio_that_is_not_known_says_how_long_it_would_take() -> None:
    """Where only its digits would change, that is said, too."""
    (told,) = said([0.5, 0.6, 0.4, 0.5])
    assert re.search(r"0 of 1 ratios came to be known to ± 2 %, and that of linear/manual cpu eager to ± \d+ %", told)
    assert re.search(r"about \d+ rounds more \(\d+ min\), and change no more than its digits", told)
    (open_,) = said([0.95, 1.05, 0.9, 1.1])
    assert "no more than its digits" not in open_


def test_runs_of_before_say_nothing_of_it() -> None:
    """Their arms did not rest, and their reports stay as they were."""
    assert said([0.5, 0.6, 0.4, 0.5], settled=0) == []
