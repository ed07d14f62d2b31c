"""The tables of the page: classes apart, every verdict with a sign, numbers to sort by."""

from reports.html import run_table
from reports.run.columns import columns_of
from tests.reports.records import MANUAL, MOMENTS, arm, floored, grown, record, rounds


def test_classes_stand_apart_in_their_order() -> None:
    """Faithful, algorithmic, floors, and what is not ranked; each row leads to its own fold."""
    failed = record(arm("linear/jax"), 1, None, status="crashed", reason="fell")
    result = floored({MANUAL: 2e-4}, *rounds(MOMENTS, 1e-8, work="algorithmic"), failed).races[0]
    targets = [f"arm-{number}" for number in range(len(result.rows))]
    found = run_table.table(result, columns_of(result.rows), targets)
    assert [group.name for group in found.groups] == ["faithful", "algorithmic", "floor", "unranked"]
    lines = [line for group in found.groups for line in group.lines]
    assert [line.target for line in lines] == targets
    assert [line.reason for line in lines if line.reason] == ["fell"]
    assert [line.reference for line in lines].count(True) == 1
    assert found.heads[found.timed].id == "update"


def test_cells_carry_what_they_are_sorted_by() -> None:
    """A number as it is, whatever the text rounds it to; nothing where there is none."""
    result = floored({MANUAL: 2e-4}).races[0]
    found = run_table.table(result, columns_of(result.rows), [""] * len(result.rows))
    place = next(n for n, head in enumerate(found.heads) if head.id == "update")
    first = result.rows[0]
    assert first.seconds
    assert float(found.groups[0].lines[0].cells[place].key) == first.seconds.value
    assert found.groups[0].lines[0].cells[1].key == ""
    assert [head.numeric for head in found.heads[:4]] == [True, False, False, True]


def test_signs_tell_the_verdicts_apart() -> None:
    """Faster, slower, same, unresolved, reference and floor have signs of their own; failures and absences share two."""
    signs = [run_table.glyph(verdict) for verdict in ("faster", "slower", "same", "unresolved", "reference", "floor")]
    assert len(set(signs)) == 6
    assert run_table.glyph("crashed") == run_table.glyph("wrong") != run_table.glyph("unsupported")
    assert not {run_table.glyph("crashed"), run_table.glyph("unsupported")} & set(signs)


def test_there_is_a_box_for_what_there_is() -> None:
    """Classes and verdicts that no row has are not offered."""
    rows = floored({MANUAL: 2e-4}).races[0].rows
    assert run_table.classes(rows) == [("faithful", "faithful"), ("floor", "floors")]
    assert [name for name, _, _ in run_table.verdicts(rows)] == ["faster", "reference", "floor"]


def test_a_sweep_has_a_table_of_its_growth() -> None:
    """An arm a row, with its columns; none of them leads anywhere."""
    comparison = grown({"linear/nn_sgd": lambda n: 2e-5 + 1e-9 * n, "linear/c": lambda n: 4e-9 * n})
    assert comparison.sweep
    found = run_table.sweep_table(comparison.sweep)
    (group,) = found.groups
    assert len(group.lines) == 2
    assert {len(line.cells) for line in group.lines} == {len(found.heads)}
    assert {line.target for line in group.lines} == {""}
