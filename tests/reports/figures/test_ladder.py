"""The ladder of a race: the same bytes each time, well-formed SVG, and failures named in it."""

import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib import rcParams
from PIL import Image

from bench.results.record import Record, Status
from reports.figures import ladder
from reports.figures.kit.colours import Palette
from reports.run.report import RaceResult, report_of
from tests.reports.records import (
    ANALYTIC,
    MANUAL,
    MOMENTS,
    REFERENCE,
    TWIN,
    WRONG,
    arm,
    compared,
    floored,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import everything

PALETTE = Palette({})
CUDA = arm(device="cuda")
ABSENT = record(CUDA, 1, None, status="unsupported", reason="no CUDA: this PyTorch was built for the CPU only")


def drawn(*records: Record) -> RaceResult:
    """A race of the reference, two arms at 500 and 200 µs, and these records."""
    return compared({MANUAL: 5e-4, ANALYTIC: 2e-4}, *records).races[0]


def words_of(result: RaceResult) -> str:
    """All text of the SVG, which must be well-formed to be read, as one line."""
    root = ElementTree.fromstring(ladder.draw(result, PALETTE).files["svg"])  # noqa: S314 - our own figure
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join("".join(text.itertext()).split()) for text in texts)


def test_the_same_result_gives_the_same_bytes() -> None:
    """Drawing twice gives the same SVG and the same PNG, byte for byte."""
    assert ladder.draw(drawn(ABSENT), PALETTE).files == ladder.draw(drawn(ABSENT), PALETTE).files


def test_drawing_changes_no_setting() -> None:
    """Drawing leaves matplotlib's settings as they were."""
    before = dict(rcParams)
    ladder.draw(drawn(), PALETTE)
    assert before == dict(rcParams)


def test_the_figure_names_the_arms_and_what_they_did() -> None:
    """Every arm's name, setting and verdict stand in the SVG as text, with the titles of race and figure."""
    said = words_of(drawn())
    for words in ("linear/manual cpu eager", "linear/analytic cpu eager", "linear/nn_sgd cpu eager", "x slower"):
        assert words in said
    assert re.search(r"201 µs (2|2\.0\d|1\.9\d)x faster", said)
    assert "µs reference" in said
    assert "shorter is faster" in said
    assert "linear/line, 100 000 x 1 float32, full batch, 10 000 updates, 1 thread" in said
    assert "the reference against its twin, identical code (95 %)" in said


def test_the_png_is_a_figure() -> None:
    """The PNG opens, is wide enough to read, and is not blank."""
    with Image.open(io.BytesIO(ladder.draw(drawn(), PALETTE).in_formats(["png"]).files["png"])) as image:
        assert image.width > 1000
        assert image.height > 300
        assert image.convert("L").getextrema() != (255, 255)


def test_the_figure_carries_no_date() -> None:
    """No date or version of the drawing library makes two equal figures differ."""
    files = ladder.draw(drawn(), PALETTE).in_formats(["png"]).files
    assert b"<dc:date>" not in files["svg"]
    with Image.open(io.BytesIO(files["png"])) as image:
        assert "Software" not in image.info


@pytest.mark.parametrize("status", ["unsupported", "unavailable", "failed", "crashed", "timeout", "out_of_memory"])
def test_a_failed_arm_is_named_with_its_reason(status: Status) -> None:
    """An arm without a time is named below the bars, with its status in plain words and its reason."""
    failed = record(CUDA, 1, None, status=status, reason="it said <no> & stopped")
    assert f"linear/manual cuda eager: {status.replace('_', ' ')}: it said <no> & stopped" in words_of(drawn(failed))


def test_a_long_reason_is_broken_into_lines() -> None:
    """A reason of several lines' length is wrapped, and its first 300 characters are there."""
    reason = " ".join(f"word{number}" for number in range(60))
    said = words_of(drawn(record(CUDA, 1, None, status="failed", reason=reason)))
    assert reason[:280] in said


def test_a_wrong_arm_is_drawn_and_called_wrong() -> None:
    """A wrong arm keeps its bar, and no factor stands at its end."""
    wrong = rounds(arm("linear/numpy"), 1e-5, status="wrong", reason="off", judgement=WRONG)
    assert "µs WRONG ANSWER" in words_of(drawn(*wrong))


def test_a_single_arm_can_be_drawn() -> None:
    """A race of the reference alone, in one round and without a twin, can be drawn."""
    result = report_of(plan(race(twin=None)), {}, [record(REFERENCE, 1, 4e-4)]).races[0]
    assert "linear/nn_sgd cpu eager" in words_of(result)
    assert "against itself" not in words_of(result)


def test_a_race_in_which_all_failed_can_be_drawn() -> None:
    """The figure of a race without a single time gives the reasons."""
    records = [record(one, 1, None, status="failed", reason=f"broken {one.role}") for one in (REFERENCE, TWIN, MANUAL)]
    said = words_of(report_of(plan(race(MANUAL)), {}, records).races[0])
    assert "linear/nn_sgd cpu eager: failed: broken reference" in said
    assert "linear/manual cpu eager: failed: broken arm" in said


def test_a_race_without_records_can_be_drawn() -> None:
    """The figure of a run that was stopped at once says so."""
    said = words_of(report_of(plan(race(MANUAL)), {}, []).races[0])
    assert "interrupted: the run ended before its first round was over" in said


@pytest.mark.parametrize(("fast", "slow"), [(2e-9, 3.0), (4e-4, 4.0001e-4), (50.0, 70.0)])
def test_any_range_of_times_can_be_drawn(fast: float, slow: float) -> None:
    """Arms a billion times apart, nearly equal arms, and updates of a minute all have a readable axis."""
    records = [each for one, seconds in ((REFERENCE, fast), (MANUAL, slow)) for each in rounds(one, seconds)]
    said = words_of(report_of(plan(race(MANUAL, twin=None)), {}, records).races[0])
    assert any(f" {unit}" in said for unit in ("ns", "µs", "ms", "s"))
    assert "linear/manual cpu eager" in said


def test_escapes_are_kept_out_of_the_figure() -> None:
    """Control characters in a reason, which XML forbids, do not reach the SVG."""
    failed = record(CUDA, 1, None, status="failed", reason="\x1b[31mred\x00 \u202eturned")
    assert "failed: [31mred turned" in words_of(drawn(failed))


@pytest.mark.parametrize("reason", ["cannot open ${HOME_}/a or ${TMP}/b", "unknown $\\foo$ here", "costs $5 or $6"])
def test_dollars_in_a_reason_are_only_dollars(reason: str) -> None:
    """A reason with dollar signs is drawn as it is."""
    assert reason in words_of(drawn(record(CUDA, 1, None, status="failed", reason=reason)))


def test_a_floor_is_a_line_with_a_name() -> None:
    """A floor has a line with its name and time in place of a bar; the legend explains it."""
    said = words_of(floored({MANUAL: 2e-4}).races[0])
    assert re.search(r"floor: linear/floor_read cpu eager (9\.\d\d|10\.\d) µs", said)
    assert "floors train nothing" in said
    assert said.count("linear/floor_read") == 1
    assert "floor" not in words_of(drawn())


def test_several_floors_are_all_named() -> None:
    """Floors at nearly the same time, and one far to the right, are named one by one."""
    near, far = arm("linear/floor_launch"), arm("linear/floor_barrier")
    told = [each for one, s in ((near, 1.01e-5), (far, 3e-3)) for each in rounds(one, s, work="floor", judgement=None)]
    said = words_of(floored({MANUAL: 2e-4}, *told).races[0])
    assert [said.count(f"floor: linear/floor_{name} cpu eager") for name in ("read", "launch", "barrier")] == [1, 1, 1]


def test_floors_alone_can_be_drawn() -> None:
    """A race in which only a floor has a time can be drawn."""
    failed = [record(one, 1, None, status="failed", reason="broken") for one in (REFERENCE, TWIN)]
    floor = rounds(arm("linear/floor_read"), 1e-5, work="floor", judgement=None)
    said = words_of(report_of(plan(race(arm("linear/floor_read"))), {}, [*failed, *floor]).races[0])
    assert "floor: linear/floor_read cpu eager" in said
    assert "linear/nn_sgd cpu eager: failed: broken" in said


def test_another_algorithm_stands_apart() -> None:
    """Algorithmic arms have a heading of their own; a bar too short for the scale of the others keeps its text."""
    told = rounds(MOMENTS, 6e-9, noise=0, work="algorithmic")
    said = words_of(drawn(*told))
    assert "another algorithm, ranked separately: no update reads the data" in said
    assert re.search(r"◂ \d\.\d\d ns 6\d \d00x faster", said)
    assert "10 ns" not in said
    assert "another algorithm" not in words_of(drawn())


def test_a_crashed_arm_is_not_called_wrong() -> None:
    """An arm that crashed after some rounds keeps its bar, with its status."""
    told = [*rounds(arm("linear/numpy"), 1e-5), record(arm("linear/numpy"), 6, None, status="crashed", reason="fell")]
    said = words_of(drawn(*told))
    assert "µs crashed" in said
    assert "WRONG" not in said


def test_forty_arms_can_be_drawn() -> None:
    """However many arms there are, each has its bar and its text."""
    said = words_of(floored({arm(f"linear/arm{n}"): 1e-5 * n for n in range(1, 41)}).races[0])
    assert [] == [n for n in range(1, 41) if f"linear/arm{n} cpu eager" not in said]


def test_an_interval_beyond_the_scale_keeps_its_text() -> None:
    """Two rounds that disagree by a factor of 40 have an interval far wider than the figure; the time is still said."""
    wide = [record(MANUAL, number, seconds) for number, seconds in ((1, 1e-4), (2, 4e-3))]
    records = [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *wide]
    said = words_of(report_of(plan(race(MANUAL)), {}, records).races[0])
    assert re.search(r"6\d\d µs unresolved", said)


def test_recipes_of_a_step_are_called_by_their_names() -> None:
    """Classes are headed in the words of steps, what was not judged has a bar, and nothing is said of reading data."""
    result = everything().races[0]
    said = words_of(result)
    for words in (
        "proved to compute the same",
        "coarser: bits are lost",
        "bf16+whole_graph",
        "not judged",
        "WRONG ANSWER",
    ):
        assert words in said
    assert "reads the data" not in said
    assert "capturable" not in said
    assert "cpu" not in said
