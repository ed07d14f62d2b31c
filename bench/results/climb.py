"""What a climb raced, stage by stage, and what it decided: the values of climb.json."""

import re
from typing import Literal

from msgspec import Struct

from bench.results.record import FORMAT, Arm, Race

StageKind = Literal["singles", "stack", "left out"]
Ended = Literal["", "top", "time"]


class Stage(Struct, frozen=True, kw_only=True):
    """One race of a climb.

    kind    singles: each rewrite alone against the plain step; stack: rewrites added to the recipe so far; left out: the
            recipe without each of its rewrites
    folder  of the run that raced it, from the root of the whole run; "" for the root itself, which has the singles
    base    the recipe so far, which the others are compared with
    tried   the recipes that were compared with it
    kept    the recipe after it
    """

    kind: StageKind
    folder: str
    base: str
    tried: tuple[str, ...]
    kept: str

    def __post_init__(self) -> None:
        """Raises ValueError for a folder outside of the run: climbs come from strangers, too."""
        if self.folder and not re.fullmatch(r"climb/[\w+=.-]*\w[\w+=.-]*/[\w-]+", self.folder, re.ASCII):
            raise ValueError(f"{self.folder!r} is no folder of a climb")

    @property
    def changed(self) -> bool:
        """Whether it has changed the recipe."""
        return self.kept != self.base


class Climb(Struct, frozen=True, kw_only=True):
    """The way from the plain step to the fastest recipe that was found.

    stages  in their order, the singles first
    recipe  that it ended with; "plain" where nothing was proved faster
    ended   why it ended: at the top, where nothing that could be added was faster; or with its time. "" while it goes on
    seconds of the singles' rounds, and of everything after them
    """

    format: int = FORMAT
    race: Race
    stages: tuple[Stage, ...] = ()
    recipe: str
    ended: Ended = ""
    seconds: float = 0.0


def arm_of(race: Race, recipe: str) -> Arm:
    """The arm of a race that runs a recipe: the plain step is its reference. Raises StopIteration where there is none."""
    return next(arm for arm in race.arms if arm.implementation == recipe and arm.role != "twin")
