"""Recipes: stacks of rewrites, in the one order in which they can be applied. Loads no torch."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path

from impls.contract.setting import SettingError
from impls.recipe.rewrite import GROUPS, Rewrite
from impls.recipe.step_file import WAY

FOLDER = Path(__file__).parents[1] / "rewrites"
PLAIN_NAME = "plain"


@cache
def rewrites() -> dict[str, Rewrite]:
    """Every rewrite by name, in the order in which they are stacked."""
    names = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem.isidentifier() and file.stem != "__init__")
    loaded = {name: importlib.import_module(f"impls.rewrites.{name}") for name in names}
    kept = {name: module.REWRITE for name, module in loaded.items() if hasattr(module, "REWRITE")}
    return dict(sorted(kept.items(), key=lambda item: (GROUPS.index(item[1].group), bool(item[1].needs), item[0])))


@dataclass(frozen=True)
class Recipe:
    """The rewrites of an arm, and the way of the step's file that they are applied to; without both it is the plain step."""

    rewrites: tuple[str, ...] = ()
    way: str = ""

    @staticmethod
    def of(names: Iterable[str], way: str = "") -> "Recipe":
        """The recipe of these rewrites, and of those that they need, in their order. Raises SettingError for unknown ones."""
        known, wanted = rewrites(), list(dict.fromkeys(names))
        for name in wanted:
            if name not in known:
                raise SettingError(f"No rewrite is called {name!r}: `python -m bench list` shows them all.")
            wanted += [need for need in known[name].needs if need not in wanted]
        return Recipe(tuple(name for name in known if name in wanted), way)

    @staticmethod
    def read(text: str) -> "Recipe":
        """The recipe that a name stands for: "plain", "fused+compile_loss", "way_NAME+fused". Raises SettingError."""
        names = [name.strip() for name in text.split("+") if name.strip()]
        ways = [name.removeprefix(WAY) for name in names if name.startswith(WAY)]
        if len(ways) > 1:
            raise SettingError(f"A recipe has one way at most; got {text!r}.")
        return Recipe.of((name for name in names if name != PLAIN_NAME and not name.startswith(WAY)), *ways)

    @property
    def name(self) -> str:
        """How it is shown and typed."""
        return "+".join([*([WAY + self.way] if self.way else []), *self.rewrites]) or PLAIN_NAME

    @property
    def refusal(self) -> str | None:
        """Why its rewrites cannot be stacked, in a sentence; None when they can."""
        for name, other in permutations(self.rewrites, 2):
            one = rewrites()[name]
            if other in one.excludes or (one.ranks and rewrites()[other].ranks):
                return f"{name} and {other} cannot be stacked: both change the same part of the update"
        return None

    @property
    def whole(self) -> bool:
        """Whether the whole update is one graph, which shows no gradients."""
        return any(rewrites()[name].whole for name in self.rewrites)

    @property
    def compiles(self) -> bool:
        """Whether something must have been compiled."""
        return any(rewrites()[name].compiles for name in self.rewrites)

    @property
    def ranks(self) -> bool:
        """Whether several processes make an update together."""
        return any(rewrites()[name].ranks for name in self.rewrites)

    @property
    def algorithmic(self) -> bool:
        """Whether it trains in another way than the step, by intention."""
        return any(rewrites()[name].alone is not None for name in self.rewrites)

    @property
    def streams(self) -> bool:
        """Whether updates read what the file's own `batches` yields, one batch after the other."""
        return any(rewrites()[name].streams for name in self.rewrites)

    @property
    def with_equal_draws(self) -> "Recipe":
        """The same without what makes it draw other random numbers than the plain step."""
        return Recipe(tuple(name for name in self.rewrites if not rewrites()[name].own_draws), self.way)

    @property
    def coarser(self) -> bool:
        """Whether its answers are less exact by intention."""
        return bool(self.only_coarser.rewrites)

    @property
    def only_coarser(self) -> "Recipe":
        """The recipe of those rewrites alone that make its answers less exact."""
        return Recipe(tuple(name for name in self.rewrites if rewrites()[name].numerics == "coarser"))


PLAIN = Recipe()
