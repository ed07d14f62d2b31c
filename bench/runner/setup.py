"""What the workers of a round have in common."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.processes.worker_process import HERE, Origin


@dataclass(frozen=True)
class Setup:
    """What the workers of a round have in common.

    cores       the arms are pinned to them
    everywhere  the cores that a worker may start on
    limit       seconds that any single step of an arm may take
    memory      bytes that an arm's process may hold; 0: as much as it gets
    until       by the clock: after it a step may take a few seconds only, however long the limit is
    variables   to set in their environment, besides those of `variables_for`
    live        whether watched arms may open a window
    file        the step's file, where a step is raced
    origin      the interpreter and the code that they run
    """

    cores: Sequence[int]
    everywhere: Sequence[int]
    limit: float
    variables: Mapping[str, str] = field(default_factory=dict)
    live: bool = False
    file: str = ""
    origin: Origin = HERE
    until: float = math.inf
    memory: int = 0
