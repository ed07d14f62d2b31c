"""The colours of implementations, the same in every figure of a report."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.results.record import Arm
from reports.figures.kit.style import COLOURS, MUTED, REFERENCE

DASHES: dict[str, tuple[float, ...]] = {  # on and off, in widths of the line
    "eager": (),
    "compile": (4, 1.5),
    "cpp-wrapper": (1.2, 1.2),
    "reduce-overhead": (6, 1.5, 1.2, 1.5),
    "max-autotune": (6, 1.5, 1.2, 1.5, 1.2, 1.5),
    "aot": (2.5, 1, 1, 1),
}


@dataclass(frozen=True)
class Palette:
    """Colours by implementation; one without a colour of its own is muted.

    A colour says which implementation it is, the dashes of a line say how it is compiled.
    """

    colours: Mapping[str, str]

    def colour(self, arm: Arm) -> str:
        """The colour of the arm's implementation."""
        return self.colours.get(arm.implementation, MUTED)

    def has_colour(self, arm: Arm) -> bool:
        """Whether it has a colour of its own."""
        return arm.implementation in self.colours

    def dashes(self, arm: Arm) -> tuple[float, ...]:
        """The dashes of the arm's mode, as matplotlib takes them; empty for a solid line."""
        return DASHES.get(arm.setting.mode, ())


def palette_of(references: Sequence[str], seconds: Mapping[str, float]) -> Palette:
    """The colours of a run: one for the references, and one each for the implementations whose times lie furthest apart.

    Lines that lie on one another gain nothing from a colour; so each next implementation is the one furthest from all
    chosen so far, the fastest first, on a logarithmic scale. Equal ones go by name.

    references  implementations that are the reference of a race
    seconds     best time of an update in any race, by implementation; of those that may have a colour
    """
    times = {name: math.log(best) for name, best in seconds.items()}
    chosen = [name for name in references if name in times][:1]
    rest = sorted((name for name in times if name not in references), key=lambda name: (times[name], name))
    coloured: list[str] = []
    while rest and len(coloured) < len(COLOURS):
        taken = [times[name] for name in (*chosen, *coloured)]
        furthest = rest[0] if not coloured else max(rest, key=lambda name: min(abs(times[name] - at) for at in taken))
        coloured.append(furthest)
        rest.remove(furthest)
    coloured.sort(key=lambda name: (times[name], name))
    return Palette(dict.fromkeys(references, REFERENCE) | dict(zip(coloured, COLOURS, strict=False)))
