"""What rewrites of a step can save, by the parts of the plain update, beside what they saved in the race."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from reports.profile.attribution import Attribution, Raced
from reports.profile.parts import PartName
from reports.text.columns import NOTHING, Column, cells, heads
from reports.text.markdown import table as markdown_table
from reports.text.numbers import percent
from reports.text.terminal import table as terminal_table

_OPTIMIZER = (PartName.OPTIMIZER, PartName.OPTIMIZER_KERNELS, PartName.OPTIMIZER_STEP)
_GRADIENTS = (PartName.INTERPRETER, PartName.AUTOGRAD, PartName.BACKWARD_KERNELS, PartName.BACKWARD)
_LOSS = (PartName.DISPATCH, PartName.COPIES, PartName.FORWARD_KERNELS, PartName.FORWARD, *_GRADIENTS)

# The parts that a rewrite changes, all of which it could save at most. One that is not here may change any part.
TOUCHED: dict[str, tuple[PartName, ...]] = {
    "foreach": _OPTIMIZER,
    "for_loop": _OPTIMIZER,
    "fused": _OPTIMIZER,
    "capturable": _OPTIMIZER,
    "compiled_optimizer": _OPTIMIZER,
    "autograd_grad": _GRADIENTS,
    "compile_forward": _LOSS,
    "compile_regions": _LOSS,
    "compile_loss": _LOSS,
}


@dataclass(frozen=True)
class Prediction:
    """A rewrite that the race has.

    rewrite   its name
    parts     the parts of the plain update that it changes, those that take time
    at_most   their share of the plain update: 0.4 for 40 %
    measured  the share that the race saw it save; below 0 where it was slower
    """

    rewrite: str
    parts: tuple[PartName, ...]
    at_most: float
    measured: float


def predictions(rows: Sequence[Raced], attributions: Sequence[Attribution]) -> Iterator[Prediction]:
    """One for each rewrite that was raced by itself and changes known parts of the plain step."""
    plain = next((each for each in attributions if each.arm.implementation == "plain"), None)
    for row in rows:
        parts = TOUCHED.get(row.arm.implementation, ())
        if plain and parts and row.seconds and row.arm.setting == plain.arm.setting:
            there = tuple(part.name for part in plain.parts if part.name in parts)
            saved = 1 - row.seconds.value / plain.measured.value
            yield Prediction(row.arm.implementation, there, plain.share(*there), saved)


COLUMNS: tuple[Column[Prediction], ...] = (
    Column("rewrite", "raced by itself", lambda one, _: one.rewrite, right=False),
    Column(
        "can save",
        "the share of the plain update that the parts take which it changes: it cannot save more",
        lambda one, _: percent(one.at_most),
    ),
    Column("saved", "the share that the race saw it save", lambda one, _: percent(one.measured)),
    Column(
        "changes", "the parts that it changes", lambda one, _: ", ".join(one.parts) or NOTHING, right=False, wraps=True
    ),
)


def terminal(found: Sequence[Prediction], width: int) -> Iterator[RenderableType]:
    """A table of the predictions; nothing without one."""
    if found:
        yield Text()
        yield from terminal_table(COLUMNS, heads(COLUMNS), [cells(COLUMNS, one) for one in found], width)


def markdown(found: Sequence[Prediction]) -> list[str]:
    """Lines of Markdown: what rewrites can save and saved; nothing without one."""
    if not found:
        return []
    body = [cells(COLUMNS, one) for one in found]
    return ["What rewrites can save at most, and saved:", "", *markdown_table(COLUMNS, heads(COLUMNS), body), ""]


def document(one: Prediction) -> dict[str, Any]:
    """A prediction as the JSON document holds it."""
    return {"rewrite": one.rewrite, "at_most": one.at_most, "measured": one.measured, "parts": list(one.parts)}
