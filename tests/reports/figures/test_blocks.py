"""The figure of raw blocks, in the order they were run and over their arm's median; it names spikes and disturbed rounds."""

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from bench.results.record import Record
from reports.figures.blocks import MANY, blocks_of, draw
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.run.report import RaceResult, report_of
from tests.reports.figure_contents import files_of, numbers_of, words_of
from tests.reports.records import LAPS, MANUAL, REFERENCE, TWIN, arm, plan, race, record, rounds

PALETTE = Palette({"linear/nn_sgd": "#E69F00"})


def steady(one: Record, factor: float = 1.0, spike: tuple[int, float] | None = None) -> Record:
    """A record whose blocks each take a second times a factor, one of them longer."""
    blocks = [factor] * LAPS
    if spike:
        blocks[spike[0] - 1] *= spike[1]
    return replace(one, blocks=tuple(blocks))


def result(records: Sequence[Record]) -> RaceResult:
    """The race of these records."""
    arms = dict.fromkeys(told.arm for told in records)
    this = race(*(one for one in arms if one.role == "arm"), twin=TWIN if TWIN in arms else None)
    return report_of(plan(this), {}, records).races[0]


def drawn(records: Sequence[Record], palette: Palette = PALETTE) -> Figure | None:
    """The figure of the race of these records."""
    return draw(result(records), palette)


def test_blocks_are_in_the_order_they_were_run() -> None:
    """Blocks are sorted by round and lap, whatever the order of the records; a lap has one place for all arms."""
    records = [steady(record(one, n, 1e-3)) for n in (3, 1, 2) for one in (REFERENCE, MANUAL)]
    table = blocks_of(result(records)).table
    assert list(table["place"].unique()) == list(range(3 * LAPS))
    assert list(table["round"]) == sorted(table["round"])
    assert (table.groupby("place")["arm"].count() == 2).all()


def test_a_block_is_shown_over_its_arms_median() -> None:
    """An arm that is ten times as slow has the same ratios."""
    records = [steady(record(one, n, 1e-3), f) for n in (1, 2) for one, f in ((REFERENCE, 1.0), (MANUAL, 10.0))]
    table = numbers_of(drawn(records))
    np.testing.assert_allclose(table["over_its_median"], 1)
    assert set(table["seconds_per_update"].round(9)) == {1 / 40, 10 / 40}


def test_a_quiet_run_is_said_to_be_quiet() -> None:
    """A quiet run has no spike and no disturbed round."""
    figure = drawn([steady(record(one, n, 1e-3)) for n in (1, 2) for one in (REFERENCE, MANUAL)])
    assert figure
    assert figure.text == (
        "48 blocks of 2 arms in 2 rounds: nine of ten within +0.0 % and +0.0 % of their arm's median. "
        "No round's median is more than 5 % off."
    )
    assert "round 2" in words_of(figure)


def test_a_disturbed_round_and_a_spike_are_told() -> None:
    """A disturbed round is named with its deviation, the slowest block with its arm, round and lap."""
    records = [
        steady(record(one, n, 1e-3), 1.4 if n == 3 else 1.0, (7, 20.0) if (one, n) == (MANUAL, 1) else None)
        for n in range(1, 6)
        for one in (REFERENCE, MANUAL)
    ]
    figure = drawn(records)
    assert figure
    assert "Disturbed rounds, by their median: round 3 (+40.0 %)." in figure.text
    assert "1 block took more than 1.5 times" in figure.text
    assert "the slowest 20 times (linear/manual cpu eager, round 1, lap 7)" in figure.text
    assert "Diamonds at the edge are blocks beyond the plot: 1 block, up to 20 times." in words_of(figure)


def test_the_twin_and_wrong_arms_are_shown_too() -> None:
    """Blocks of wrong arms are drawn too: they ran on the same machine."""
    wrong = rounds(MANUAL, 1e-4, status="wrong", reason="off")
    table = numbers_of(drawn([*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *wrong]))
    assert set(table["role"]) == {"reference", "twin", "arm"}
    assert set(table["implementation"]) == {"linear/nn_sgd", "linear/manual"}


def test_very_many_blocks_are_summed_up_by_round() -> None:
    """The figure says that rounds are summed up, and its files stay small whatever the number of blocks."""
    arms = [REFERENCE, *(arm(f"linear/way_{n}") for n in range(19))]
    count = MANY // (20 * LAPS) + 2
    figure = drawn([told for one in arms for told in rounds(one, 1e-3, count)])
    assert figure
    assert "Too many blocks to draw each" in words_of(figure)
    assert len(numbers_of(figure)) == count
    assert list(numbers_of(figure)["blocks"]) == [20 * LAPS] * count
    assert len(figure.files["svg"]) < 150_000


def test_a_single_block_can_be_drawn() -> None:
    """A single block of one arm, round and lap can be drawn."""
    figure = drawn([replace(record(REFERENCE, 1, 1e-3), laps=(1,), blocks=(0.04,))])
    assert figure
    assert "1 block of 1 arm in 1 round" in figure.text


@pytest.mark.parametrize("records", [[], [record(REFERENCE, 1, None, status="failed", reason="broken")]])
def test_without_blocks_there_is_no_figure(records: list[Record]) -> None:
    """A run that was stopped at once, or in which all arms failed, has no figure."""
    alone = report_of(plan(race(twin=None)), {}, records).races[0]
    assert draw(alone, PALETTE) is None


def test_equal_results_give_equal_bytes() -> None:
    """Drawing twice gives the same files."""
    records = [*rounds(REFERENCE, 4e-4), *rounds(MANUAL, 3e-4)]
    assert files_of(drawn(records)) == files_of(drawn(records))
