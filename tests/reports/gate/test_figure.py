"""The figure of a gate."""

import pytest

from bench.results.gate import Clocked, Controls, Margins
from reports.gate import figure
from reports.gate.summary import report_of
from tests.reports.figure_contents import numbers_of, words_of
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import clocked, found, of, report


def test_each_arm_with_a_time_has_its_line() -> None:
    """Name, change and verdict of each, the controls, and which line is the gate's."""
    said = words_of(figure.draw(report()))
    for part in ("linear/manual cpu eager", "+7.3 % regressed", "-12.3 % improved", "+2.6 % unresolved", "controls"):
        assert part in said
    assert "+0.1 % regressed, by a counter" in said
    assert "floor 1 %" in said
    assert "gate 3 %" in said
    assert "linear/jax" not in said


def test_its_numbers_are_all_arms_and_the_controls() -> None:
    """The CSV has every arm, also those without a time, and the controls last."""
    table = numbers_of(figure.draw(report("everything")))
    assert list(table.columns) == list(figure.COLUMNS)
    assert len(table) == len(verdicts.EVERYTHING) + 1
    assert (table["arm"].iloc[-1], table["change"].iloc[-1]) == ("controls", 0.001)
    assert table.set_index("arm").loc["linear/manual cpu eager", "high"] == pytest.approx(0.0955)


def test_margins_of_their_own_are_not_named_as_everybodys() -> None:
    """Where arms have different gates, the figure names no number."""
    own = found("ok", "linear/c", clocked(0.01), margins=Margins(gate=0.1, floor=0.02))
    assert "gate 3 %" not in words_of(figure.draw(report_of(of("ok", verdicts.OK, own))))


def test_a_veto_is_seen() -> None:
    """The label of the controls says that no time is believed."""
    assert "identical code: no time is believed" in words_of(figure.draw(report("veto")))


def test_nothing_to_draw_is_said() -> None:
    """Without a single time there is a sentence and no plot."""
    assert "No arm has a time to compare" in words_of(
        figure.draw(report_of(of("nothing to race", controls=Controls())))
    )


def test_any_interval_can_be_drawn() -> None:
    """Changes of ten thousand times and of a hundredth, infinite intervals and NaN can be drawn."""
    ends = [(9999.0, 9990.0, 1e9), (-0.99, -1.5, -0.9), (0.5, float("-inf"), float("inf")), (float("nan"), 0.0, 1.0)]
    cells = [
        found("unresolved", f"linear/a{n}", Clocked(change=change, low=low, high=high, rounds=2))
        for n, (change, low, high) in enumerate(ends)
    ]
    said = words_of(figure.draw(report_of(of("unresolved", *cells))))
    assert "x 10 000" in said.replace("\N{THIN SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "linear/a3" not in said


def test_a_crowd_is_cut() -> None:
    """The figure has the first 60 arms, and says how many more the table has."""
    many = [found("ok", f"linear/a{number}", clocked(0.001)) for number in range(75)]
    said = words_of(figure.draw(report_of(of("ok", *many))))
    assert "15 more lines are in the table" in said
    assert "linear/a59 cpu" in said
    assert "linear/a60 cpu" not in said


@pytest.mark.parametrize("kind", ["everything", "empty"])
def test_equal_gates_give_equal_bytes(kind: str) -> None:
    """The bytes hold no time and no random identifier."""
    assert figure.draw(report(kind)).files == figure.draw(report(kind)).files


@pytest.mark.parametrize("text", [verdicts.HOSTILE[name] for name in ("markup", "right to left", "unbroken")])
def test_hostile_names_stay_text(text: str) -> None:
    """The SVG is well-formed and has no characters that reverse the direction of text."""
    assert "\u202e" not in words_of(figure.draw(verdicts.hostile(text)))
