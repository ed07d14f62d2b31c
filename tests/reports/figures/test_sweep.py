"""The figure of a sweep: the same bytes each time, every arm named at its line, and no name over another."""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping

import pandas as pd
import pytest
from matplotlib import rcParams
from PIL import Image

from reports.figures import sweep
from reports.figures.kit.colours import Palette
from reports.run.report import report_of
from reports.run.sweep import Sweep
from tests.reports.records import arm, grown, plan, race, record

PALETTE = Palette({})
SPEEDS: Mapping[str, Callable[[int], float]] = {
    "linear/nn_sgd": lambda size: 1e-4 + 1e-9 * size,
    "linear/c": lambda size: 1e-6 + 1e-8 * size,
    "linear/moments": lambda _: 6e-9,
    "linear/floor_read": lambda size: 1e-7 + 1e-10 * size,
}
SIZES = (100, 1_000, 10_000, 100_000)


def growth(
    speeds: Mapping[str, Callable[[int], float]] = SPEEDS, sizes: tuple[int, ...] = SIZES, swept: str = "rows"
) -> Sweep:
    """A sweep of arms with these costs."""
    works = {"linear/moments": "algorithmic", "linear/floor_read": "floor"}
    found = grown(speeds, sizes, swept, works=works).sweep  # type: ignore[arg-type]
    assert found is not None
    return found


def words_of(found: Sweep) -> str:
    """All text of the SVG as one line."""
    root = ElementTree.fromstring(sweep.draw(found, PALETTE).files["svg"])  # noqa: S314 - our own figure
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join("".join(text.itertext()).split()) for text in texts)


def test_the_same_growth_gives_the_same_bytes() -> None:
    """Drawing twice gives the same SVG and the same PNG, byte for byte, and changes no setting of matplotlib."""
    before = dict(rcParams)
    assert sweep.draw(growth(), PALETTE).files == sweep.draw(growth(), PALETTE).files
    assert before == dict(rcParams)


def test_every_line_is_named() -> None:
    """Every arm stands in the figure as text, floors and algorithmic arms with their class."""
    said = words_of(growth())
    for words in (
        "linear/nn_sgd cpu eager",
        "linear/c cpu eager",
        "algorithmic: linear/moments cpu eager",
        "floor: linear/floor_read cpu eager",
        "Time of one parameter update against the number of rows: lower is faster",
        "linear/line, 1 feature, float32, full batch, 1 thread, 4 sizes from 100 to 100 000 rows",
        "1 000",
        "1 µs",
    ):
        assert words in said


def test_a_crossing_is_marked_and_told() -> None:
    """A crossing has a letter in the plot, and a sentence below with the same letter."""
    said = words_of(growth()).split()
    assert said.count("a") == 2
    assert " a linear/c cpu eager becomes slower than linear/nn_sgd cpu eager at 1" in " ".join(said)


def test_the_png_is_a_figure() -> None:
    """The PNG opens, is wide enough to read, and is not blank."""
    with Image.open(io.BytesIO(sweep.draw(growth(), PALETTE).in_formats(["png"]).files["png"])) as image:
        assert image.width > 1_000
        assert image.height > 500
        assert image.convert("L").getextrema() != (255, 255)
        assert "Software" not in image.info


@pytest.mark.parametrize("swept", ["features", "batch"])
def test_any_coordinate_can_be_swept(swept: str) -> None:
    """The axis is labelled with the swept coordinate."""
    unit = {"features": "features", "batch": "rows a batch"}[swept]
    assert f"against the number of {unit}: lower is faster" in words_of(growth(swept=swept))


def test_a_single_size_can_be_drawn() -> None:
    """A sweep of one size is drawn as points."""
    assert "linear/c cpu eager" in words_of(growth(sizes=(100,)))


def test_a_sweep_in_which_all_failed_can_be_drawn() -> None:
    """Without a single time the figure says where the reasons are."""
    broken = [arm("linear/nn_sgd", "reference", rows=n) for n in SIZES]
    records = [record(one, 1, None, status="failed", reason="broken") for one in broken]
    found = report_of(plan(*(race(reference=one, twin=None) for one in broken), swept="rows"), {}, records).sweep
    assert found is not None
    assert "No arm has a time at any size; summary.md says why." in words_of(found)


def test_forty_arms_can_be_drawn() -> None:
    """Many arms that end close together are all named, and crossings beyond the twelfth are counted."""
    speeds = {"linear/nn_sgd": SPEEDS["linear/nn_sgd"]} | {
        f"linear/arm{n}": (lambda size, n=n: 1e-6 * n + 1e-7 / n * size) for n in range(1, 40)
    }
    said = words_of(growth(speeds, (10, 1_000, 100_000)))
    assert [] == [n for n in range(1, 40) if f"linear/arm{n} cpu eager" not in said]
    assert re.search(r"Crossings that are not marked: \d+; summary.md lists them", said)


def test_escapes_are_kept_out_of_the_figure() -> None:
    """Control characters in a name, which XML forbids, do not reach the SVG, and dollars are only dollars."""
    assert "linear/ [31m$x$ cpu eager" in words_of(
        growth({"linear/nn_sgd": lambda _: 1e-4, "linear/\x1b[31m$x$": lambda _: 2e-4})
    )


def test_the_fits_of_the_cast_are_told() -> None:
    """The fit of an arm with a colour is given with its two parts; that of an arm without a colour is not."""
    found = growth()
    root = ElementTree.fromstring(  # noqa: S314 - our own figure
        sweep.draw(found, Palette({"linear/c": "#0072B2"})).files["svg"]
    )
    said = " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    assert re.search(r"linear/c cpu eager [\d.]+ [nµ]s \+ [\d.]+ ns a row, within", said)
    assert not re.search(r"linear/nn_sgd cpu eager [\d.]+ µs \+", said)


def csv_of(found: Sweep) -> str:
    """The CSV of the figure."""
    return sweep.draw(found, PALETTE).files["csv"].decode()


def test_a_sweep_is_a_row_an_arm_and_size() -> None:
    """The table of a sweep has every measured point with its interval, floors too, and nothing for one that failed."""
    speeds = {"linear/nn_sgd": lambda _: 4e-4, "linear/floor_read": lambda rows: 1e-9 * rows}
    failed = record(arm("linear/numpy", rows=100), 1, None, status="failed", reason="broke")
    growth = grown(speeds, (100, 1_000), "rows", failed, works={"linear/floor_read": "floor"}).sweep
    assert growth is not None
    table = pd.read_csv(io.StringIO(csv_of(growth)))
    assert list(table["implementation"]) == ["linear/nn_sgd"] * 2 + ["linear/floor_read"] * 2
    assert list(table["size"]) == [100, 1_000] * 2
    assert list(table["class"]) == ["faithful"] * 2 + ["floor"] * 2
    assert (table["low"] < table["seconds"]).all()
    assert (table["seconds"] < table["high"]).all()


def test_no_name_of_a_sweep_begins_as_a_formula() -> None:
    """A sweep's table is as harmless in a spreadsheet as that of the records."""
    growth = grown({"=cmd|' /C calc'!A0": lambda _: 4e-4}, (100, 1_000)).sweep
    assert growth is not None
    assert '"=cmd' not in csv_of(growth)
