"""An arm of a step, as a worker builds it: the live step of its file, setting and recipe. Loads torch."""

import hashlib
import math
from pathlib import Path

import torch._dynamo.utils as dynamo

from bench.messages import commands
from bench.messages.commands import Prepare
from bench.results.record import Compiler
from bench.worker import device
from bench.worker.unfit import Unfit
from impls.contract import Work
from impls.floors.floor import Floor, floor_of
from impls.floors.names import EVERY_FLOOR
from impls.recipe import step_file
from impls.recipe.live_step import LiveStep, NotApplicable
from impls.recipe.recipe import PLAIN, Recipe
from impls.recipe.step_file import StepFault


class Builder:
    """Reads the file and the recipe of an arm, and builds it.

    fingerprint  equal for equal files and recipes

    Raises Unfit where something that the recipe needs is not installed.
    """

    def __init__(self, command: Prepare) -> None:
        self._setting = commands.setting_of(command.setting)
        self._file = step_file.read(Path(command.file), command.workload)
        self._floor = command.implementation if command.implementation in EVERY_FLOOR else ""
        self._recipe = PLAIN if self._floor else Recipe.read(command.implementation)
        content = Path(command.file).read_bytes() + command.implementation.encode()
        self.fingerprint = hashlib.sha256(content).hexdigest()
        if self._recipe.compiles and (reason := device.cannot_compile(self._setting.device)):
            raise Unfit("unavailable", reason)

    @property
    def work(self) -> Work:
        """What its updates are: those of a recipe, or a part of them."""
        return "floor" if self._floor else "algorithmic" if self._recipe.algorithmic else "faithful"

    def built(self) -> LiveStep | Floor:
        """The live step, or the floor of the plain one. Raises Unfit, with the reason for its row, where it cannot be built."""
        try:
            step = LiveStep(self._file, self._setting, self._recipe)
            return floor_of(self._floor, step) if self._floor else step
        except NotApplicable as error:
            raise Unfit("unsupported", str(error)) from error
        except StepFault as error:
            raise Unfit("failed", str(error)) from error


def compiled(recompilations: int = 0) -> Compiler:
    """What was compiled in this process.

    recompilations  since the blocks began
    """
    breaks = tuple(dict.fromkeys(" ".join(reason.split())[:300] for reason in dynamo.counters["graph_break"]))
    # A graph that torch.compile did not trace, as that of a whole update, is counted by what prepares it for inductor.
    graphs = max(dynamo.counters["stats"]["unique_graphs"], dynamo.counters["aot_autograd"]["total"])
    return Compiler(graphs=graphs, breaks=breaks, recompilations=recompilations)


class Skips:
    """Counts the updates in which gradient scalers did not let the optimizer step, as far as their scales tell.

    A scale is halved each time, and doubled after 2000 updates without: where both happen between two looks, it tells less.
    """

    def __init__(self, step: LiveStep) -> None:
        self._scalers, self._last = step.scalers, [scaler.get_scale() for scaler in step.scalers]

    def since(self) -> int:
        """The updates since the last look."""
        before, self._last = self._last, [scaler.get_scale() for scaler in self._scalers]
        return sum(max(0, round(math.log2(old / new))) for old, new in zip(before, self._last, strict=True))


def check_compiled(step: LiveStep | Floor) -> None:
    """Raises Unfit for a recipe that compiles when nothing was compiled: it would be raced as what it is not."""
    if step.recipe.compiles and not compiled().graphs:
        raise Unfit("failed", f"{step.recipe.name} compiled nothing, so it would be the plain step under another name")
