"""The columns of a race's table: what each cell says."""

import re

from msgspec.structs import replace

from bench.results.record import Record
from reports.run.columns import COLUMNS, columns_of, unit_of
from reports.run.report import report_of
from reports.run.rows import Row
from reports.run.sweep_columns import race_columns, sweep_columns
from reports.text.columns import cells, headings, heads
from reports.text.numbers import THIN
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
    grown,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import COARSER, IDENTICAL, answered, everything, recipe, reported


def table(rows: tuple[Row, ...]) -> dict[str, dict[str, str]]:
    """Every cell by implementation and head."""
    scale, unit = unit_of(rows)
    columns = columns_of(rows)
    titles = heads(columns, unit)
    return {row.arm.implementation: dict(zip(titles, cells(columns, row, scale), strict=True)) for row in rows}


def shown(*records: Record) -> dict[str, dict[str, str]]:
    """The cells of a race of the reference at 400 µs and of what these records saw."""
    return table(compared({}, *records).races[0].rows)


def test_every_row_has_a_cell_for_every_head() -> None:
    """Heads, columns and cells are as many, and every column says what it means."""
    (result,) = compared({MANUAL: 5e-4}, record(ANALYTIC, 1, None, status="failed", reason="broke")).races
    assert {len(COLUMNS)} == {len(heads(COLUMNS, "µs")), *(len(cells(COLUMNS, row, 1e-6)) for row in result.rows)}
    assert all(column.meaning and column.head for column in COLUMNS)


def test_one_unit_serves_the_whole_column() -> None:
    """The unit of the update column fits the smallest of its values, and stands in its head."""
    rows = compared({MANUAL: 4.0, ANALYTIC: 3e-5}).races[0].rows
    assert unit_of(rows) == (1e-6, "µs")
    assert "update, µs" in heads(COLUMNS, "µs")


def test_a_table_without_a_time_has_a_unit_all_the_same() -> None:
    """Where nothing was measured the unit is the second."""
    assert unit_of(report_of(plan(race(MANUAL)), {}, []).races[0].rows) == (1.0, "s")


def test_the_reference_stands_at_one() -> None:
    """The reference's ratio is a plain 1, without an interval."""
    found = shown()["linear/nn_sgd"]
    assert (found["x reference"], found["verdict"], found["#"]) == ("1", "reference", "1")


def test_a_right_arm_says_how_much_faster_it_is() -> None:
    """A verdict carries its factor from ten per cent on, and below that none."""
    found = table(compared({MANUAL: 1.6e-3, ANALYTIC: 2e-4, arm("linear/numpy"): 3.8e-4}).races[0].rows)
    assert found["linear/manual"]["verdict"].endswith("x slower")
    assert found["linear/analytic"]["verdict"].endswith("x faster")
    assert found["linear/numpy"]["verdict"] == "faster"
    assert float(found["linear/manual"]["verdict"].split("x")[0]) > 3.9


def test_a_wrong_arm_shows_its_time_and_its_distance() -> None:
    """A wrong arm's time and distance stay in the table, with "wrong" where a verdict would be, and no rank."""
    found = shown(*rounds(MANUAL, 1e-5, status="wrong", reason="off", judgement=WRONG))["linear/manual"]
    assert (found["#"], found["verdict"], found["off the oracle"]) == ("", "wrong", "3e-01 of 1e-04")
    assert found["update, µs"].startswith("9.99 ± ")


def test_an_arm_without_a_time_has_dashes() -> None:
    """What was not measured is a dash, and the status stands where a verdict would be, in plain words."""
    found = shown(record(MANUAL, 1, None, status="out_of_memory", reason="too large"))["linear/manual"]
    assert found.pop("verdict") == "out of memory"
    assert found.pop("implementation") == "linear/manual"
    assert found.pop("setting") == "cpu eager"
    assert found.pop("#") == ""
    assert set(found.values()) == {"-"}


def test_a_cold_start_in_company_is_marked() -> None:
    """A cold start measured beside others carries a tilde, one measured alone does not."""
    found = shown(*rounds(MANUAL, 4e-4, alone=False))
    assert (found["linear/manual"]["cold start"], found["linear/nn_sgd"]["cold start"]) == ("1.75 s~", "1.75 s")


def test_an_answer_without_a_loss_has_a_dash() -> None:
    """Where the weights are not finite there is neither a loss nor a distance to show."""
    nothing = replace(WRONG, loss=None, distance=None)
    found = shown(*rounds(MANUAL, 4e-4, status="wrong", reason="off", judgement=nothing))["linear/manual"]
    assert (found["final loss"], found["off the oracle"]) == ("-", "-")


def test_no_cell_steers_a_terminal() -> None:
    """A name with control characters is shown without them."""
    hostile = arm("linear/\x1b[31mred\nline")
    rows = report_of(plan(race(hostile)), {}, [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *rounds(hostile, 4e-4)])
    assert all(cell.isprintable() for row in rows.races[0].rows for cell in cells(COLUMNS, row, 1e-6))


def test_a_column_with_nothing_to_say_is_left_out() -> None:
    """Without a floor there is no column for it, nor one for what pays off where only the reference ran."""
    with_both = {column.head for column in columns_of(floored({MANUAL: 2e-4}).races[0].rows)}
    without = {column.head for column in columns_of(compared({}).races[0].rows)}
    assert with_both - without == {"x floor", "pays off after"}
    of_steps = {column.head for column in columns_of(everything().listed)}
    assert {column.head for column in COLUMNS} == with_both | of_steps | {"mean, {unit}"}
    assert of_steps - with_both == {"recipe", "bits lost", "memory"}
    assert with_both - of_steps == {
        *("implementation", "setting", "x floor", "whole job", "final loss", "off the oracle"),
    }


def test_the_floors_are_set_against_the_read_floor() -> None:
    """A faithful arm has its time over the read floor's; floors and algorithmic arms have a dash, and floors no rank."""
    found = table(floored({MANUAL: 2e-4}, *rounds(MOMENTS, 1e-8, work="algorithmic")).races[0].rows)
    assert float(found["linear/manual"]["x floor"].split()[0]) > 19
    assert (found["linear/moments"]["x floor"], found["linear/floor_read"]["x floor"]) == ("-", "-")
    assert (found["linear/floor_read"]["#"], found["linear/floor_read"]["verdict"]) == ("", "floor")


def test_the_unit_is_that_of_arms_that_read_the_data() -> None:
    """An algorithmic arm a million times as fast does not turn the whole column into nanoseconds."""
    rows = floored({MANUAL: 2e-4}, *rounds(MOMENTS, 1e-9, work="algorithmic")).races[0].rows
    assert unit_of(rows) == (1e-6, "µs")
    assert table(rows)["linear/moments"]["update, µs"].startswith("0.00100")


def test_a_large_factor_has_three_digits() -> None:
    """A factor of ten thousands is grouped and has three digits, and no exponent."""
    said = shown(*rounds(MOMENTS, 6e-9, noise=0, work="algorithmic"))["linear/moments"]["verdict"]
    assert re.fullmatch(r"6[5-8] \d00x faster", said)


def test_when_a_slow_start_pays_off_is_said_in_updates() -> None:
    """2 s more at the start and 0.2 ms less an update: 10 000 updates; at once and never in words; ~ for company."""
    found = shown(
        *rounds(MANUAL, 2e-4, noise=0, cold=2.5),
        *rounds(ANALYTIC, 2e-4, noise=0, cold=0.4),
        *rounds(arm("linear/numpy"), 8e-4, noise=0),
        *rounds(arm("linear/numba"), 2e-4, noise=0, cold=2.5, alone=False),
    )
    texts = {name: cell["pays off after"] for name, cell in found.items()}
    assert texts == {
        "linear/manual": "10 000",
        "linear/analytic": "at once",
        "linear/numpy": "never",
        "linear/numba": "10 000~",
        "linear/nn_sgd": "-",
    }


def test_headings_stand_above_the_first_of_each_class() -> None:
    """Several classes are headed, each once; a single class is not, whether arms failed or not."""
    assert headings(["faithful", "faithful", "floor", "unranked"]) == ["faithful:", "", "floors:", "not ranked:"]
    assert headings(["faithful", "unranked", "unranked"]) == ["", "", ""]
    assert headings([]) == []


def test_a_sweep_says_where_the_time_goes() -> None:
    """An arm of 10 µs and 2 ns a row shows these, how well they fit, and its times at both ends, in units of their own."""
    comparison = grown({"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda rows: 1e-5 + 2e-9 * rows})
    assert comparison.sweep is not None
    columns = sweep_columns(comparison.sweep)
    assert heads(columns) == [
        "arm",
        "fixed",
        "each row",
        "within",
        "exponent",
        "pays",
        "memory",
        "at 100",
        "at 100 000",
    ]
    found = {text[0]: text for course in comparison.sweep.courses for text in [cells(columns, course)]}
    name, fixed, each, within, exponent, pays, memory, least, most = found["linear/c cpu eager"]
    assert exponent.startswith("0.8")  # 30 and 210 µs at ten times the rows: log10(7) is 0.85
    assert pays == "at all 4 sizes"
    assert memory == "300 MiB"
    assert (name, fixed, each) == ("linear/c cpu eager", "10 µs", "2.0 ns")
    assert float(within.removesuffix(" %")) < 5
    assert least.startswith("10.")
    assert (least[-2:], most[-2:]) == ("µs", "µs")
    assert found["linear/nn_sgd cpu eager"][1].endswith(" µs")


def test_a_sweep_has_a_line_a_race() -> None:
    """Each race gives its size, its fastest faithful arm, that arm's time and verdict, and the twin."""
    speeds = {"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda rows: 1e-5 + 1e-8 * rows}
    comparison = grown(speeds, (100, 1_000_000))
    columns = race_columns(comparison.plan)
    first, second = (cells(columns, result) for result in comparison.races)
    assert (first[0], first[1], second[0], second[1]) == (
        *("100", "linear/c cpu eager"),
        *("1 000 000", "linear/nn_sgd cpu eager"),
    )
    assert first[2].endswith(" µs")
    assert first[3].endswith("x faster")
    assert second[3] == "reference"
    assert " ± " in first[4]


def test_bits_lost_are_said_beside_the_time() -> None:
    """To the bit, none and so many are told apart; the step itself and what was not judged have none to show."""
    rows = everything().listed
    shown = {
        row.arm.implementation: dict(zip([c.id for c in COLUMNS], cells(COLUMNS, row), strict=True)) for row in rows
    }
    assert [shown[name]["bits-lost"] for name in ("plain", "fused", "whole_graph", "whole_graph+channels_last")] == [
        *("-", "identical", "0.3", "none"),
    ]
    assert [shown[name]["bits-lost"] for name in ("bf16+whole_graph", "compile_step", "dropout")] == [
        "11.6",
        "21.4",
        "-",
    ]
    assert [shown[name]["verdict"] for name in ("hidden_state", "dropout")] == ["undecidable", "not judged"]
    assert shown["plain"]["memory"] == "300 MiB"
    assert shown["fused"]["memory"] == "300 MiB (+0)"


def test_recipes_have_a_setting_where_it_differs() -> None:
    """Recipes on one device need no column for it; on two they do."""
    gpu = answered("fused", 5e-4, IDENTICAL)
    gpu = [replace(each, arm=recipe("fused", device="cuda")) for each in gpu]
    both = reported(answered("fused", 5e-4, COARSER), gpu)
    assert "setting" in {column.id for column in columns_of(both.listed)}
    assert "setting" not in {column.id for column in columns_of(everything().listed)}


def test_a_mean_is_shown_only_where_it_stands_out() -> None:
    """An arm with rare pauses has its mean beside its median; a steady one has a dash."""
    steady, paused = rounds(MANUAL, 4e-4), rounds(ANALYTIC, 4e-4)
    paused = [replace(each, blocks=(*each.blocks[:-1], 100 * each.blocks[-1])) for each in paused]
    found = shown(*steady, *paused)
    assert found["linear/manual"]["mean, µs"] == "-"
    assert float(found["linear/analytic"]["mean, µs"].replace(THIN, "")) > 2_000
