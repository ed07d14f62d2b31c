"""The published score: its table, its figure and its CSV."""

import csv
import io
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from bench.results.record import Arm
from bench.results.scores.gate import AtLevel, Method, Score, Share
from impls.contract.catalogue import workloads
from reports.gate.score import figure, table
from tests.reports.figure_contents import numbers_of, words_of

ARM = Arm(workload="linear/line", implementation="linear/no_grad", setting=workloads()["linear/line"].setting())


def share(count: int, of: int, low: float = 0.0, high: float = 1.0) -> Share:
    """A count out of a total."""
    return Share(count=count, of=of, low=low, high=high)


def method(name: str, levels: Mapping[float, Share], faster: int = 0, unresolved: int = 0) -> Method:
    """A row."""
    return Method(
        name=name,
        rule="it is",
        way="it was",
        levels=tuple(AtLevel(level=level, slower=each, faster=1, passed=3) for level, each in levels.items()),
        faster=share(faster, 80),
        unresolved=share(unresolved, 80),
        seconds=29.6,
    )


def made_up() -> Score:
    """Our gate, and another one with one level and a name that has characters of Markdown."""
    return Score(
        sessions=10,
        trials=80,
        budget=30.0,
        arms=(ARM,),
        machine="a processor, 2 cores",
        versions={"python": "3.12.1"},
        methods=(
            method("ours", {0.0: share(0, 40, 0.0, 0.0881), 0.05: share(39, 40, 0.8684, 0.9994)}, unresolved=1),
            method("a|rival_10%", {0.0: share(7, 36, 0.082, 0.3602)}, faster=2),
        ),
    )


def test_the_table_has_a_row_a_method() -> None:
    """Counts have intervals, a missing level is a dash, and a name stays in its cell."""
    text = table.render(made_up())
    assert (
        "| method | false alarms on no change | caught at 5 % | wrongly called faster | unresolved | seconds a comparison |"
        in text
    )
    assert (
        "| ours | 0 of 40 (0 to 8.8 %) | 39 of 40 (87 to 100 %) | 0 of 80 (0 to 100 %) | 1 of 80 (0 to 100 %) | 30 |"
        in text
    )
    assert "| a\\|rival\\_10% | 7 of 36 (8.2 to 36 %) | - | 2 of 80 (0 to 100 %) |" in text


def test_the_table_says_how_and_who_is_favoured() -> None:
    """Rules, ways, machine and budget."""
    text = table.render(made_up())
    assert "- **ours**: it is. Measured: it was." in text
    assert "a processor, 2 cores; python 3.12.1. 10 sessions, 80 trials of linear/no\\_grad cpu eager" in text
    assert "30 s of wall time" in text
    assert all(note.split(":")[0] in text for note in table.notes())


def test_one_session_is_not_more() -> None:
    """It has no plural."""
    assert "1 session, 80" in table.render(replace(made_up(), sessions=1))


def test_the_picture_has_every_count() -> None:
    """And its CSV a row for each method and level, with the slowdown."""
    score = made_up()
    drawn = figure.draw(score)
    said = words_of(drawn)
    for text in ("0 of 40", "39 of 40", "7 of 36", "a|rival_10%", "false alarms", "5 % slower"):
        assert text in said
    numbers = numbers_of(drawn)
    assert list(numbers.columns) == list(table.COLUMNS)
    assert numbers[["method", "slowdown", "slower", "trials"]].values.tolist() == [
        ["ours", 0.0, 0, 40],
        ["ours", 0.05, 39, 40],
        ["a|rival_10%", 0.0, 7, 36],
    ]
    assert "ours: false alarms in 0 of 40, caught 5 % in 39 of 40." in drawn.text


def test_all_that_is_published_is_made_at_once() -> None:
    """The same bytes for the same score."""
    made = figure.files(made_up())
    assert sorted(made) == ["score.csv", "score.svg", "summary.md"]
    assert made == figure.files(made_up())
    assert len(list(csv.reader(io.StringIO(made["score.csv"].decode())))) == 4


@pytest.mark.parametrize(("part", "said"), [(0.0, "0"), (0.0881, "8.8"), (0.0999, "10"), (0.36, "36"), (0.0025, "0.2")])
def test_percents_have_two_digits(part: float, said: str) -> None:
    """Per cent have two digits."""
    assert table.share(share(1, 2, part, 1.0)) == f"1 of 2 ({said} to 100 %)"
