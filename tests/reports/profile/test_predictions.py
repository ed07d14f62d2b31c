"""What a rewrite can save at most, beside what it saved."""

from dataclasses import replace

from msgspec.structs import replace as replaced

from bench.results.profile import PatternSeen
from reports.profile.attribution import Attribution
from reports.profile.parts import Part, PartName
from reports.profile.predictions import Prediction, markdown, predictions
from reports.run.rows import Row
from tests.reports.profiles import exactly, result_of, row_of
from tests.reports.records import MANUAL

PLAIN = Attribution(
    replaced(MANUAL, implementation="plain"),
    exactly(1.0),
    (Part(PartName.OPTIMIZER, 0.5, ""), Part(PartName.DISPATCH, 0.5, "")),
)


def row_called(name: str, seconds: float) -> Row:
    """The row of a recipe that took so long."""
    row = row_of(result_of({MANUAL: 1.0}), MANUAL)
    return replace(row, arm=replaced(MANUAL, implementation=name), seconds=exactly(seconds))


def test_a_rewrite_can_save_what_the_parts_take_that_it_changes() -> None:
    """`fused` changes the optimizer's step: half of the update; the race saw it save two fifths."""
    found = list(predictions([row_called("fused", 0.6)], [PLAIN]))
    assert found == [Prediction("fused", (PartName.OPTIMIZER,), 0.5, 0.4)]


def test_a_whole_graph_can_save_all_but_the_products() -> None:
    """The step's products alone take a fifth of its update, so four fifths is the most."""
    rows = [row_called("whole_graph", 0.5), row_called("floor_products", 0.2)]
    (found,) = predictions(rows, [PLAIN])
    assert found == Prediction("whole_graph", (), 0.8, 0.5)


def test_what_pytorch_says_stands_beside_what_was_saved() -> None:
    """Its finder saw a loop over tensors: both rewrites that cure it say so; a benchmark of its own becomes a share."""
    seen = PatternSeen(name="Optimizer Single Tensor Pattern", advice="Please", times=1.0)
    matmul = PatternSeen(name="FP32 MatMul Pattern", advice="Please", times=2.0, saves=0.25)
    rows = [row_called(name, 0.6) for name in ("foreach", "fused", "tf32", "compile_loss")]
    found = {one.rewrite: one for one in predictions(rows, [PLAIN], [seen, matmul])}
    assert [found[name].seen for name in ("foreach", "fused", "tf32", "compile_loss")] == [seen, seen, matmul, None]
    assert (found["tf32"].gain, found["tf32"].at_most, found["fused"].gain) == (0.25, None, None)
    text = "\n".join(markdown(list(found.values())))
    assert all(f"| {said} " in text for said in ("PyTorch says", "it helps", "25 %"))
