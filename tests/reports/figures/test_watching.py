"""The figure of watching: the job's seconds split into training and looking, where an arm was raced both ways."""

import pytest
from msgspec.structs import replace

from bench.results.record import Arm, Job, Record, Status
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.watching import draw
from reports.run.report import report_of
from tests.reports.figure_contents import files_of, numbers_of, words_of
from tests.reports.records import MANUAL, REFERENCE, arm, plan, race, record

PALETTE = Palette({})
DRAWN = arm("linear/nn_sgd", watch="draw")
READ = arm("linear/nn_sgd", watch="loss", every=100)


def job(one: Arm, seconds: float, status: Status = "ok") -> Record:
    """A record of an arm whose job took so many seconds."""
    told = record(one, 1, seconds / 10_000, status=status, reason="" if status == "ok" else "off")
    return replace(told, job=Job(seconds=seconds, updates=10_000, weights={}))


def drawn(*records: Record) -> Figure | None:
    """The figure of a race of these records; the first is the reference."""
    first, *others = [told.arm for told in records]
    return draw(report_of(plan(race(*others, reference=first, twin=None)), {}, list(records)).races[0], PALETTE)


def test_the_job_is_split() -> None:
    """Looking is what the watched job takes longer, in per cent and in milliseconds a look."""
    figure = drawn(job(REFERENCE, 4.0), job(DRAWN, 16.5), job(READ, 5.0))
    assert figure
    assert "76 % of 16.5 s is drawing, 125 times 100 ms; unwatched it takes 4.00 s." in figure.text
    assert "20 % of 5.00 s is reading the loss, 100 times 10.0 ms; unwatched it takes 4.00 s." in figure.text
    said = words_of(figure)
    assert "16.5 s: 76 % drawing, 125 x 100 ms" in said
    assert "5.00 s: 20 % reading the loss, 100 x 10.0 ms" in said
    assert "linear/nn_sgd cpu eager draw every 80" in said


def test_the_numbers_add_up() -> None:
    """Training and looking add up to the job; an unwatched job is all training."""
    table = numbers_of(drawn(job(REFERENCE, 4.0), job(DRAWN, 16.5), job(READ, 5.0)))
    assert list(table["job_seconds"]) == [4.0, 5.0, 16.5]
    assert list(table["training_seconds"] + table["looking_seconds"]) == [4.0, 5.0, 16.5]
    assert list(table["looks"]) == [0, 100, 125]


def test_looking_that_costs_nothing_is_not_less_than_nothing() -> None:
    """A watched job that happened to be quicker than the unwatched one is said to cost nothing."""
    figure = drawn(job(REFERENCE, 4.0), job(READ, 3.9))
    assert figure
    assert "took 3.90 s with reading the loss and 4.00 s unwatched" in figure.text
    assert "3.90 s: reading the loss takes no more than two equal jobs differ" in words_of(figure)


@pytest.mark.parametrize(
    "others",
    [
        [job(MANUAL, 5.0)],
        [job(arm("linear/manual", watch="draw"), 5.0)],
        [job(arm("linear/nn_sgd", watch="draw", mode="compile"), 5.0)],
        [job(DRAWN, 16.5, status="wrong")],
        [record(DRAWN, 2, 1e-3)],
        [job(arm("linear/nn_sgd", watch="draw", every=20_000), 5.0)],
    ],
)
def test_without_both_there_is_no_figure(others: list[Record]) -> None:
    """No figure where nothing was watched, or where the unwatched arm is missing, wrong, or in another mode."""
    assert drawn(job(REFERENCE, 4.0), *others) is None


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    records = (job(REFERENCE, 4.0), job(DRAWN, 16.5))
    assert files_of(drawn(*records)) == files_of(drawn(*records))
