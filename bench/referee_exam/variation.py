"""A variation of a step: lines that change its update, rightly or wrongly, and the live step that they are pasted on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from impls.contract.setting import Setting
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe
from impls.recipe.rewrite import always
from impls.recipe.step_file import StepFile


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One mistake, or one other way to compute the same.

    name       a few words: "gradient x 1.01"
    patch      the lines, run in the step's namespace on what has been made and warmed up, as a rewrite's are; or a function
               that writes them for a live step
    applies    why it means nothing for a live step, in a sentence; None where it does
    recipe     rewrites that are applied before the lines: "plain", "bf16_autocast"
    variables  of the environment; not empty where it needs a process of its own
    processes  that make the update together, each with its share of the batch
    random     whether it draws other random numbers than the step, so that no update can be compared by itself
    """

    name: str
    patch: str | Callable[[LiveStep], str] = ""
    applies: Callable[[LiveStep], str | None] = always
    recipe: str = "plain"
    variables: Mapping[str, str] = field(default_factory=dict)
    processes: int = 1
    random: bool = False

    @property
    def alone(self) -> bool:
        """Whether it needs a process of its own."""
        return bool(self.variables) or self.processes > 1 or Recipe.read(self.recipe).compiles


class VariedStep(LiveStep):
    """A live step with the recipe and the lines of a variation. Raises NotApplicable where the recipe does not apply."""

    def __init__(self, file: StepFile, setting: Setting, variation: Variation) -> None:
        self._variation = variation
        super().__init__(file, setting, Recipe.read(variation.recipe))

    def _put_in(self, recipe: Recipe) -> None:
        super()._put_in(recipe)
        patch = self._variation.patch
        text = patch if isinstance(patch, str) else patch(self)
        self.model, self.optimizer = self.take(text, self._variation.name)
        self._update, self._schedule = self.module.update, getattr(self.module, "schedule", None)
