"""The sentence about one arm of a gate: its verdict, its numbers with the right digits, its counters."""

import pytest
from msgspec.structs import replace

from bench.results.gate import CellVerdict, Clocked, Count, Margins
from reports.gate import changes, text
from reports.text.numbers import THIN
from reports.text.sanitize import one_line
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import clocked, counts, found

EXCLUDED = "a slowdown of 3 % or more is excluded"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (
            verdicts.REGRESSED,
            "A is slower by 7.3 %, 95 % interval 5.0 to 9.6; confirmed by fresh processes",
        ),
        (
            verdicts.IMPROVED,
            "A is faster by 12.3 %, 95 % interval 11.0 to 13.6; confirmed by fresh processes",
        ),
        (verdicts.OK, f"A: +0.4 % (-0.9 to +1.7): {EXCLUDED}"),
        (
            verdicts.OPEN,
            "A: +2.6 % (-1.9 to +7.1): about 4 more minutes decide it; a slowdown of 8.1 % would have been caught",
        ),
        (verdicts.BROKEN, "A: graph breaks 0 -> 1: fails by itself; measured time +0.1 % (-1.9 to +2.1)"),
        (
            verdicts.PASSED,
            f"A: +0.4 % (-0.9 to +1.7): {EXCLUDED}; operations 412 -> 436, allocations 3 -> 4: the measured time passed",
        ),
        (
            verdicts.CLEARED,
            f"A: -0.2 % (-1.4 to +1.0): {EXCLUDED}; the screening measured +4.1 %, which fresh processes do not confirm",
        ),
        (verdicts.WRONG, "A: wrong on the head: a weight is 0.3 away from the oracle; right on the base"),
        (verdicts.WRONG_ON_BOTH, "A: wrong on the head: off; wrong on the base: off"),
        (verdicts.FAILED, "A: crashed on the head: no compiler; it runs on the base"),
        (verdicts.MENDED, "A: failed on the base: no cache; right on the head"),
        (verdicts.TIMELESS, "A: the sides were given different data, so their times cannot be compared"),
        (verdicts.UNAVAILABLE, "A: neither side can run it here: unsupported: no CUDA device"),
        (verdicts.NEW, "A: the base does not have it, so there is nothing to compare it with"),
        (verdicts.MISSING, "A: the head no longer has it, so it cannot be compared"),
        (verdicts.SAME, "A: its code is the same on both sides, so it was not raced"),
        (verdicts.DOUBTED, "A: +5.0 % (+3.0 to +7.0): the controls differ, so measured times are not believed"),
    ],
)
def test_each_verdict_has_its_sentence(seen: CellVerdict, said: str) -> None:
    """A reader learns what was found, how sure it is and what decided it."""
    assert text.sentence("A", seen) == said


@pytest.mark.parametrize(
    ("seen", "change", "interval"),
    [
        (None, "-", "-"),
        (clocked(0.07312, 0.02251), "+7.3 %", "+5.1 to +9.6 %"),
        (clocked(0.07312, 0.0004), "+7.312 %", "+7.272 to +7.352 %"),
        (clocked(0.07312, 0.21), "+7 %", "-14 to +28 %"),
        (clocked(-0.00001, 0.02), "0.0 %", "-2.0 to +2.0 %"),
        (clocked(0.026, None), "+2.6 %", "-"),
        (clocked(2.2, 0.05), "x 3.200", "3.150 to 3.250"),
        (clocked(-0.8, 0.01), "x 0.200", "0.190 to 0.210"),
        (Clocked(change=float("nan"), low=float("-inf"), high=float("inf"), rounds=2), "-", "-"),
    ],
)
def test_a_change_has_the_digits_its_interval_supports(seen: Clocked | None, change: str, interval: str) -> None:
    """Two digits of the half-width are kept; beyond twice or half it is a multiple; zero has no sign."""
    assert (changes.change(seen), changes.interval(seen, " %")) == (change, interval)


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        (0.2, "about a minute more decides it"),
        (1.0, "about a minute more decides it"),
        (1.1, "about 2 more minutes decide it"),
        (119, "about 119 more minutes decide it"),
        (121, "about 3 more hours decide it"),
        (None, "how much longer it needs cannot be estimated"),
        (float("inf"), "how much longer it needs cannot be estimated"),
    ],
)
def test_how_long_it_would_take_is_rounded_up(needed: float | None, said: str) -> None:
    """The estimate is rounded up to minutes or hours; a missing estimate is said to be missing."""
    assert text.statement(replace(verdicts.OPEN, minutes_to_resolve=needed, smallest_detectable=None)).endswith(
        f": {said}"
    )


def test_a_confirmation_is_claimed_only_where_there_was_one() -> None:
    """An improvement by the screening alone is not called confirmed."""
    seen = replace(verdicts.IMPROVED, screened=None)
    assert text.statement(seen) == "faster by 12.3 %, 95 % interval 11.0 to 13.6"


def test_a_counter_that_fails_by_itself_does_not_hide_what_else_is_wrong() -> None:
    """Other reasons stand beside the counter, and so do the reasons of the compiler."""
    broken = replace(verdicts.BROKEN, reasons=(*verdicts.BROKEN.reasons, verdicts.ended("head", "wrong", "off")))
    assert broken.counts
    said = text.statement(replace(broken, counts=replace(broken.counts, breaks=("print is called",))))
    assert said.startswith(
        "graph breaks 0 -> 1: fails by itself: print is called; wrong on the head: off; measured time"
    )


@pytest.mark.parametrize(
    ("count", "sides"),
    [
        (Count(base=412, head=436), ("412", "436")),
        (Count(base=1234567, head=1234568), ("1 234 567", "1 234 568")),
        (Count(base=None, head=3), ("not counted", "3")),
        (Count(base=0.333333333, head=12.5), ("0.333333", "12.5")),
        (Count(base=0.1234567, head=0.12345671), ("0.1234567", "0.12345671")),
        (Count(base=float("nan"), head=1), ("not counted", "1")),
    ],
)
def test_counters_have_all_digits_that_tell_them_apart(count: Count, sides: tuple[str, str]) -> None:
    """A counter is never rounded so far that both sides look alike."""
    assert tuple(side.replace(THIN, " ") for side in text.sides(count)) == sides


def test_counters_that_are_the_same_are_not_listed() -> None:
    """Only counters that differ are listed, those that fail by themselves first."""
    seen = found("ok", counts=counts("recompiles", operations=(1, 2), graphs=(3, 3), recompiles=(0, 1)))
    assert text.listed(text.changed(seen)) == "recompiles 0 -> 1, operations 1 -> 2"
    assert text.listed({}) == "-"


def test_an_arms_own_gate_is_said() -> None:
    """What is excluded is a slowdown of the arm's own gate, as it was set."""
    seen = replace(verdicts.OK, cell=verdicts.cell(margins=Margins(gate=0.105, floor=0.02)))
    assert text.statement(seen).endswith("a slowdown of 10.5 % or more is excluded")


def test_what_could_not_be_counted_is_said() -> None:
    """A cell without counters says why."""
    seen = replace(verdicts.OK, counts=replace(counts(), reason="it takes too long"))
    assert text.statement(seen).endswith("; nothing could be counted: it takes too long")


@pytest.mark.parametrize("hostile", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_a_text_is_cut_and_tame(hostile: str) -> None:
    """No line of it can begin with a workflow command, none steers a terminal, and it is not long."""
    said = one_line(hostile)
    assert said.isprintable()
    assert len(said) <= 600
    assert not any(word.startswith("::") for word in said.split())
    assert "##[" not in said
