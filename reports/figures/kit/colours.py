"""Which implementations carry a colour, the same in every picture of a report. Apart because all pictures must agree."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.results.record import Arm
from reports.figures.kit.style import COLOURS, MUTED, REFERENCE
from reports.run.comparison import Comparison
from reports.run.rows import Row

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
    """Colours by implementation; whoever is not of the palette is muted.

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


def palette_of(comparison: Comparison) -> Palette:
    """The reference, and of the other faithful ones as many as there are colours: those whose times lie furthest apart.

    Lines that lie on one another gain nothing from a colour; so each next one is the one furthest from all chosen so
    far, the fastest first, on a logarithmic scale of its best time in any race. Equal ones go by name.
    """
    references = list(dict.fromkeys(result.race.reference.implementation for result in comparison.races))
    times = _best(row for result in comparison.races for row in result.rows)
    chosen = [name for name in references if name in times][:1]
    others = {name: at for name, at in times.items() if name not in references}
    rest = sorted(others, key=lambda name: (others[name], name))
    stars: list[str] = []
    while rest and len(stars) < len(COLOURS):
        seen = [times[name] for name in (*chosen, *stars)]
        far = rest[0] if not stars else max(rest, key=lambda name: min(abs(times[name] - at) for at in seen))
        stars.append(far)
        rest.remove(far)
    stars.sort(key=lambda name: (times[name], name))
    return Palette(dict.fromkeys(references, REFERENCE) | dict(zip(stars, COLOURS, strict=False)))


def _best(rows: Iterable[Row]) -> dict[str, float]:
    """The logarithm of the least seconds an update of each faithful implementation that is ranked."""
    found: dict[str, float] = {}
    for row in rows:
        if row.rank and row.seconds and row.work == "faithful" and row.arm.setting.watch == "none":
            at = math.log(row.seconds.value)
            name = row.arm.implementation
            found[name] = min(at, found.get(name, at))
    return found
