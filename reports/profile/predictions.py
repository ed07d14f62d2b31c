"""What rewrites of a step can save, by the parts of the plain update and by PyTorch's pattern finder; and what they saved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bench.results.profile import PatternSeen
from impls.floors import names as floors
from reports.profile.attribution import Attribution, Raced
from reports.profile.parts import PartName
from reports.text.columns import NOTHING, Column, cells, heads
from reports.text.markdown import table as markdown_table
from reports.text.numbers import percent
from reports.text.terminal import table as terminal_table

HEADING = "What rewrites can save, and saved"

_OPTIMIZER = (PartName.OPTIMIZER, PartName.OPTIMIZER_KERNELS, PartName.OPTIMIZER_STEP)
_GRADIENTS = (PartName.INTERPRETER, PartName.AUTOGRAD, PartName.BACKWARD_KERNELS, PartName.BACKWARD)
_LOSS = (PartName.DISPATCH, PartName.COPIES, PartName.FORWARD_KERNELS, PartName.FORWARD, *_GRADIENTS)

_HOST = (
    PartName.INTERPRETER,
    PartName.DISPATCH,
    PartName.AUTOGRAD,
    PartName.OPTIMIZER,
    PartName.ENTERING_COMPILED_CODE,
    PartName.WAITING,
    PartName.LAUNCH_GAPS,
)

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
    "compile_gradients": _LOSS,
    "cuda_graph": _HOST,
    "graphed_callables": _HOST,
}

# What changes all of an update but its matrix products and convolutions, which it hands to the same library.
ALL_BUT_PRODUCTS = ("whole_graph",)

# What rewrites do about what PyTorch's pattern finder (torch/profiler/_pattern_matcher.py) sees, by the names of its patterns.
CURES: dict[str, tuple[str, ...]] = {
    "Optimizer Single Tensor Pattern": ("foreach", "fused"),
    "FP32 MatMul Pattern": ("tf32",),
    "Synchronized DataLoader Pattern": ("prefetch", "loader_worker"),
}


@dataclass(frozen=True)
class Prediction:
    """A rewrite that the race has.

    rewrite   its name
    parts     the parts of the plain update that it changes, those that take time
    at_most   their share of the plain update: 0.4 for 40 %; None where it may change any part
    measured  the share that the race saw it save; below 0 where it was slower
    seen      what PyTorch's pattern finder saw in the plain step that this rewrite cures
    gain      the share of the plain update that the finder's own benchmark promises; None where it has none
    """

    rewrite: str
    parts: tuple[PartName, ...]
    at_most: float | None
    measured: float
    seen: PatternSeen | None = None
    gain: float | None = None


def predictions(
    rows: Sequence[Raced], attributions: Sequence[Attribution], patterns: Sequence[PatternSeen] = ()
) -> Iterator[Prediction]:
    """One for each rewrite that was raced by itself and changes known parts of the plain step, or cures what was seen in it."""
    plain = next((each for each in attributions if each.arm.implementation == "plain"), None)
    products = next((row.seconds for row in rows if row.arm.implementation == floors.PRODUCTS), None)
    for row in rows:
        rewrite = row.arm.implementation
        parts = TOUCHED.get(rewrite, ())
        bound = products.value if products and rewrite in ALL_BUT_PRODUCTS else None
        seen = next((one for one in patterns if rewrite in CURES.get(one.name, ())), None)
        if plain and (parts or seen or bound) and row.seconds and row.arm.setting == plain.arm.setting:
            there = tuple(part.name for part in plain.parts if part.name in parts)
            update = plain.measured.value
            gain = seen.saves / update if seen and seen.saves is not None else None
            at_most = plain.share(*there) if parts else 1 - bound / update if bound else None
            yield Prediction(rewrite, there, at_most, 1 - row.seconds.value / update, seen, gain)


COLUMNS: tuple[Column[Prediction], ...] = (
    Column("rewrite", "raced by itself", lambda one, _: one.rewrite, right=False),
    Column(
        "can save",
        "the share of the plain update that the parts take which it changes, or all but its products: it cannot save more",
        lambda one, _: percent(one.at_most) if one.at_most is not None else NOTHING,
    ),
    Column(
        "PyTorch says",
        "what PyTorch's own pattern finder saw in the plain step that this rewrite cures; what its benchmark promises, if any",
        lambda one, _: _said(one),
        right=False,
    ),
    Column("saved", "the share that the race saw it save", lambda one, _: percent(one.measured)),
    Column(
        "changes", "the parts that it changes", lambda one, _: ", ".join(one.parts) or NOTHING, right=False, wraps=True
    ),
)


def _said(one: Prediction) -> str:
    """ "it helps", "12 %"; the finder promises a number only where it has a benchmark, on GPUs."""
    if one.seen is None:
        return NOTHING
    return percent(one.gain) if one.gain is not None else "it helps"


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
    return [f"{HEADING}:", "", *markdown_table(COLUMNS, heads(COLUMNS), body), ""]


def document(one: Prediction) -> dict[str, Any]:
    """A prediction as the JSON document holds it."""
    return {
        "rewrite": one.rewrite,
        "at_most": one.at_most,
        "measured": one.measured,
        "parts": list(one.parts),
        "pattern": one.seen.name if one.seen else None,
        "pattern_gain": one.gain,
    }
