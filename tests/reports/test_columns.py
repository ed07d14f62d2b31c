"""The columns of every table: what each cell says. Apart because Markdown and terminal both take their words from here."""

from msgspec.structs import replace

from bench.record import Record
from reports.columns import COLUMNS, cells, heads, unit_of
from reports.comparison import compare
from reports.rows import Row
from tests.reports.records import ANALYTIC, MANUAL, REFERENCE, TWIN, WRONG, arm, compared, plan, race, record, rounds


def table(rows: tuple[Row, ...]) -> dict[str, dict[str, str]]:
    """Every cell by implementation and head."""
    scale, unit = unit_of(rows)
    return {row.arm.implementation: dict(zip(heads(unit), cells(row, scale), strict=True)) for row in rows}


def shown(*records: Record) -> dict[str, dict[str, str]]:
    """The cells of a race of the reference at 400 µs and of what these records saw."""
    return table(compared({}, *records)[0].races[0].rows)


def test_every_row_has_a_cell_for_every_head() -> None:
    """Heads, columns and cells are as many, and every column says what it means."""
    (result,) = compared({MANUAL: 5e-4}, record(ANALYTIC, 1, None, status="failed", reason="broke"))[0].races
    assert {len(COLUMNS)} == {len(heads("µs")), *(len(cells(row, 1e-6)) for row in result.rows)}
    assert all(column.meaning and column.head for column in COLUMNS)


def test_one_unit_serves_the_whole_column() -> None:
    """The unit of the update column fits the smallest of its values, and stands in its head."""
    rows = compared({MANUAL: 4.0, ANALYTIC: 3e-5})[0].races[0].rows
    assert unit_of(rows) == (1e-6, "µs")
    assert "update, µs" in heads("µs")


def test_a_table_without_a_time_has_a_unit_all_the_same() -> None:
    """Where nothing was measured the unit is the second."""
    assert unit_of(compare(plan(race(MANUAL)), {}, []).races[0].rows) == (1.0, "s")


def test_the_reference_stands_at_one() -> None:
    """The reference's ratio is a plain 1, without an interval."""
    found = shown()["linear/nn_sgd"]
    assert (found["x reference"], found["verdict"], found["#"]) == ("1", "reference", "1")


def test_a_right_arm_says_how_much_faster_it_is() -> None:
    """A verdict carries its factor from ten per cent on, and below that none."""
    found = table(compared({MANUAL: 1.6e-3, ANALYTIC: 2e-4, arm("linear/numpy"): 3.8e-4})[0].races[0].rows)
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
    rows = compare(plan(race(hostile)), {}, [*rounds(REFERENCE, 4e-4), *rounds(TWIN, 4e-4), *rounds(hostile, 4e-4)])
    assert all(cell.isprintable() for row in rows.races[0].rows for cell in cells(row, 1e-6))
