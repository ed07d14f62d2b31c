"""What a rewrite is: lines that change how any step is run, where they apply, and what they may be stacked with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from impls.contract.contract import Effort

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

Group = Literal["host", "precision", "memory", "gradients", "optimizer", "compile", "cuda", "ranks"]
GROUPS: tuple[Group, ...] = ("host", "precision", "memory", "gradients", "optimizer", "compile", "cuda", "ranks")


def always(_: "LiveStep") -> None:
    """Of a rewrite that applies to every step."""


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """One way to change how a step is run. Importing its file loads no torch.

    summary    one sentence
    group      decides its place in a recipe, see GROUPS; within a group the order of names does
    patch      the lines that a person puts at the end of the step file, and that looprace runs in the step's namespace,
               where `model`, `optimizer` and `batches` return what has been made, warmed up and drawn already, on the
               device; so they change it in place. Or a function that writes the lines for a live step
    applies    why it cannot be applied to a live step, in a sentence with a cure where there is one; None when it can
    numerics   "coarser" where the answer is less exact by intention
    excludes   rewrites that it may not be stacked with, whichever comes first
    needs      rewrites without which it does nothing; raced by itself, it is stacked on these
    effort     the least effort at which it is raced without being named
    compiles   whether something must have been compiled, or the arm has failed
    whole      whether the whole update is one graph, so that no gradients can be seen between backward and step
    streams    whether updates read what `batches` yields, as it yields it, and not the few that were drawn before
    own_draws  whether updates draw other random numbers with it; in float64 an arm is judged without it
    process    whether it sets something for the whole process, so that no other arm may live there afterwards
    devices    where it can be raced
    threads    threads that its arm computes on; 0: as many as the race
    ranks      whether several processes make an update together: one for each thread of the race, or for each GPU
    alone      of a rewrite that trains in another way than the step, by intention: the lines with which one process trains in
               that way, to which it is held; None of all others, which are held to the step
    variables  of the environment of the arm's process; a value may name a library that has to be there
    """

    summary: str
    group: Group
    patch: "str | Callable[[LiveStep], str]"
    applies: "Callable[[LiveStep], str | None]" = always
    numerics: Literal["same", "coarser"] = "same"
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    effort: Effort = "quick"
    compiles: bool = False
    whole: bool = False
    streams: bool = False
    own_draws: bool = False
    process: bool = False
    devices: tuple[str, ...] = ("cpu", "cuda")
    threads: int = 0
    ranks: bool = False
    alone: "Callable[[LiveStep], str] | None" = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def refusal(self, step: "LiveStep") -> str | None:
        """Why it cannot be applied to a live step on its device, in a sentence; None when it can."""
        if step.setting.device not in self.devices:
            return "it needs a GPU" if "cuda" in self.devices else "it is for a CPU"
        return self.applies(step)
