"""What stops a merge besides time: an answer that loses bits, memory, and budgets."""

import pytest

from bench.gate.rule import limits
from bench.gate.rule.limits import exceeds
from bench.gate.rule.verdict import verdict
from bench.results.gate import Cell, Count, Counts, Margins, Memory, PairedRound
from bench.results.record import Answer, Arm, Word
from impls.contract.setting import Setting
from reports.exit_status import Exit, status_of_gate
from reports.gate.summary import report_of
from tests.bench.gate.samples import plan, record

STEP = Arm(workload="my_step.py", implementation="plain", setting=Setting(updates=10, parameters=(("batch", 8),)))


def of(**margins: float | None) -> Cell:
    """A cell of a step with these margins."""
    return Cell(arm=STEP, kind="raced", margins=Margins(**margins))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "bits", "base", "limit", "bad"),
    [
        ("identical", None, None, 0.0, False),
        ("same", 1.2, None, 2.0, False),
        ("same", 1.2, None, 1.0, True),
        ("coarser", 16.0, None, 2.0, True),
        ("coarser", 16.0, 15.5, 2.0, False),
        ("coarser", 16.0, None, None, False),
        ("different", 20.0, None, 64.0, True),
        ("different", 20.0, None, None, False),
        ("same in distribution", None, None, 0.0, False),
        ("unjudged", None, None, 0.0, False),
    ],
)
def test_only_bits_beyond_the_limit_and_the_bases_own_are_bad(
    word: Word, bits: float | None, base: float | None, limit: float | None, bad: bool
) -> None:
    """Another computation is always bad unless any answer is allowed; a recipe's own coarseness is not the head's fault."""
    own = None if base is None else Answer(word="coarser", bits_lost=base)
    assert exceeds(Answer(word=word, bits_lost=bits), own, limit) is bad


@pytest.mark.parametrize(("head", "causes"), [(20e6, []), (21.9e6, []), (23e6, ["memory", "budget"])])
def test_memory_is_held_against_the_base_and_the_budget(head: float, causes: list[str]) -> None:
    """State and peak are added; 10 % more are allowed, and a budget is exact."""
    counters = {"state_bytes": Count(base=5e6, head=5e6), "peak_bytes": Count(base=15e6, head=head - 5e6)}
    counts, cell = Counts(counters=counters), of(bytes=22_000_000)
    used = limits.memory(cell, counts, [])
    assert used == Memory(base=20_000_000, head=int(head))
    budgets = list(limits.budgets(cell, used, [], believed=True))
    assert [reason.cause for reason in limits.worse(cell, counts, used, budgets)] == causes


@pytest.mark.parametrize(
    ("seconds", "believed", "word"),
    [(390e-6, True, "kept"), (420e-6, True, "broken"), (400e-6, True, "unresolved"), (420e-6, False, "unresolved")],
)
def test_a_budget_of_time_is_kept_broken_or_unresolved_by_its_interval(
    seconds: float, believed: bool, word: str
) -> None:
    """All of the interval counts; while times are not believed nothing is decided."""
    cell = of(seconds=400e-6)
    rounds = [
        PairedRound(stage="screen", round=number, base=one, head=one)
        for number, off in enumerate((0.99, 1.0, 1.01), 1)
        for one in [record(cell, number, [off * seconds] * 5)]
    ]
    (budget,) = limits.budgets(cell, None, rounds, believed=believed)
    assert budget.word == word


def test_another_computation_is_wrong_and_ends_the_gate_with_3() -> None:
    """Whatever the times are, and whatever else regressed."""
    counts = Counts(answer=Answer(word="different", bits_lost=20.0, tensor="loss 0"))
    found = verdict(plan(of()), {}, {of().slug: counts})
    assert (found.cells[0].word, found.cells[0].stops, status_of_gate(found)) == ("wrong", True, Exit.WRONG)
    assert (
        report_of(found)
        .rows[0]
        .sentence.startswith("plain: the update computes something else than the base's: 20.0 bits lost")
    )
