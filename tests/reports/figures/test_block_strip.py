"""The small figure of an arm's blocks shows every block in order, and their distribution."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from msgspec.structs import replace

from bench.results.record import Record
from reports.figures import block_strip
from reports.figures.kit.style import DARK, INK
from tests.reports.records import LAPS, MANUAL, record, rounds

COLOUR = "#0072B2"


def svg(records: list[Record]) -> str:
    """The SVG as text; it must be well-formed."""
    found = block_strip.draw(records, COLOUR)
    assert found
    ElementTree.fromstring(found.svg)  # noqa: S314 - our own figure
    return found.svg.decode()


def strokes(drawn: str) -> dict[str, int]:
    """The number of lines of each path that has a stroke, by its style."""
    paths = re.findall(r'<path d="([^"]*)"[^>]*?style="fill: none; ([^"]*)"', drawn)
    return {style: len(re.findall("M ", data)) for data, style in paths}


def test_equal_blocks_give_equal_bytes() -> None:
    """Drawing twice gives the same bytes."""
    assert block_strip.draw(rounds(MANUAL, 2e-4), COLOUR) == block_strip.draw(rounds(MANUAL, 2e-4), COLOUR)


def test_every_block_is_a_dot_and_every_round_has_its_median() -> None:
    """Five rounds of twelve blocks are sixty dots, five medians, and four lines between the rounds."""
    found = strokes(svg(rounds(MANUAL, 2e-4)))
    assert next(count for style, count in found.items() if "stroke-linecap: round" in style) == 5 * LAPS
    assert next(count for style, count in found.items() if f"stroke: {INK}" in style) == 5
    assert "round 1" in svg(rounds(MANUAL, 2e-4))


def test_too_many_blocks_become_a_band_a_round() -> None:
    """Where there are too many blocks to draw, each round is two bars and a median; the file stays small."""
    found = block_strip.draw(rounds(MANUAL, 2e-4, 40), COLOUR)
    assert found
    assert found.marks == "round"
    assert set(strokes(found.svg.decode()).values()) >= {40}
    assert len(found.svg) < 20_000
    assert "480 blocks in 40 rounds" in found.text


def test_the_same_in_words() -> None:
    """The text for those who cannot see it says how many blocks there are, and their quantiles."""
    found = block_strip.draw([replace(record(MANUAL, 1, 1e-4), blocks=(0.004, 0.006, 0.008), laps=(1, 2, 3))], COLOUR)
    assert found
    assert found.text == (
        "3 blocks in 1 round: median 150 µs an update, half of them from 125 µs to 175 µs, all from 100 µs to 200 µs."
    )


def test_dark_pages_have_dark_strips() -> None:
    """The SVG holds its colours for dark mode too."""
    assert f"stroke:{DARK[INK]}" in svg(rounds(MANUAL, 2e-4))


@pytest.mark.parametrize("blocks", [(1e-3,), (1e-3,) * 9, (1e-9, 1e3), (1.0, float("nan"), float("inf"), 0.0, -1.0)])
def test_any_blocks_can_be_drawn(blocks: tuple[float, ...]) -> None:
    """One block, equal blocks, blocks a billion times apart, and blocks that are not valid times."""
    drawn = svg([replace(record(MANUAL, 1, 1e-4), blocks=blocks, laps=tuple(range(len(blocks))))])
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_an_arm_without_blocks_has_no_strip() -> None:
    """Without a timed block there is no figure."""
    assert block_strip.draw([record(MANUAL, 1, None, status="failed", reason="broke")], COLOUR) is None
    assert block_strip.draw([], COLOUR) is None
