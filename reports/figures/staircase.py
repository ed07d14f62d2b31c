"""The staircase of a climb: from the plain step down to the fastest recipe, a stair for each step up, with its cost."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.statistics import Estimate, verdict
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import COLOURS, FAINT, GRID, INK, MUTED, REFERENCE
from reports.run import climb_text
from reports.run.climb import ClimbResult, LeftOut, StepUp
from reports.run.columns import bits_lost
from reports.run.report import RaceResult
from reports.text import numbers

TITLE = "The climb: time of one update, step by step"
STAIR, LEFT, RIGHT, SCALE, BETWEEN = 0.62, 2.6, 3.1, 0.55, 0.6  # inches
COLUMNS = ("recipe", "added", "removed", "change", "change_low", "change_high", "ratio", "low", "high", "first_seconds")


def draw(result: RaceResult) -> Figure | None:
    """Above, a bar for each recipe on the way; below, what each rewrite of the last one is worth. None without a climb."""
    climb = result.climb
    if climb is None or not climb.steps_up:
        return None
    rows = [
        (
            each.recipe,
            " ".join(each.added),
            " ".join(each.removed),
            *_edges(each.change),
            *_edges(each.row.ratio),
            each.row.first_seconds,
        )
        for each in climb.steps_up
    ]
    text = f"{result.findings[0].text} {'. '.join([climb_text.summary(climb), *climb_text.left_out(climb)])}."
    return Figure("staircase", TITLE, text, lambda: _figure(result, climb), COLUMNS, rows, race=result.race)


def _edges(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (estimate.value, estimate.low, estimate.high) if estimate else (None, None, None)


def _figure(result: RaceResult, climb: ClimbResult) -> MatplotlibFigure:
    stairs, worth = len(climb.steps_up) + 2, [each for each in climb.left_out if each.change]
    tall = STAIR * stairs + SCALE
    below = (STAIR * 0.75 * len(worth) + SCALE + BETWEEN) if worth else 0.0
    notes = [f"{climb_text.summary(climb)}."]
    canvas = blank_canvas(TITLE, result.race.title, notes, tall + below)
    _stairs(canvas.axes(LEFT, below + SCALE, WIDTH - LEFT - RIGHT, STAIR * stairs), climb)
    if worth:
        _worth(canvas.axes(LEFT, SCALE, WIDTH - LEFT - RIGHT, STAIR * 0.75 * len(worth)), worth)
    return canvas.figure


def _stairs(axes: Axes, climb: ClimbResult) -> None:
    """A bar for the plain step, for each step up, and for the recipe as it was measured in the end."""
    steps, final = climb.steps_up, climb.row
    axes.barh(0, 1.0, height=0.6, color=REFERENCE)
    axes.annotate(_plain(climb), (1, 0), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
    before = 1.0
    for place, step in enumerate(steps, start=1):
        ratio = step.row.ratio
        if ratio is None:
            continue
        axes.barh(place, ratio.value, height=0.6, color=COLOURS[0])
        axes.plot([before, before], [place - 1 + 0.3, place + 0.3], color=FAINT, lw=0.9, ls=(0, (2, 2)))
        _interval(axes, place, ratio)
        axes.annotate(
            _stair(step), (max(before, ratio.high or ratio.value), place), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=9, color=INK, linespacing=1.35,
        )  # fmt: skip
        before = ratio.value
    names = ["plain", *(_name(step) for step in steps)]
    if final and final.ratio:
        place = len(steps) + 1
        axes.barh(place, final.ratio.value, height=0.6, color=COLOURS[1])
        _interval(axes, place, final.ratio)
        said = f"{climb_text.times(final.ratio)} times as fast\nmeasured once more, by itself"
        axes.annotate(
            said, (max(before, final.ratio.high or final.ratio.value), place), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=9, color=INK, weight="bold", linespacing=1.35,
        )  # fmt: skip
        names.append("the recipe")
    axes.set(xlim=(0, 1.02), ylim=(len(names) - 0.5, -0.6))
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_xlabel("seconds of an update, the plain step's being 1", fontsize=8, color=FAINT)


def _worth(axes: Axes, worth: list[LeftOut]) -> None:
    """How much longer an update takes without each rewrite of the last recipe."""
    for place, each in enumerate(worth):
        change = each.change
        assert change is not None
        colour = COLOURS[1] if verdict(change) == "slower" else MUTED
        axes.plot([1, change.value], [place, place], color=colour, lw=7, solid_capstyle="butt")
        _interval(axes, place, change)
        axes.annotate(
            climb_text.times_as_long(change), (max(1.0, change.high or change.value), place), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=9, color=INK,
        )  # fmt: skip
    axes.axvline(1, color=INK, lw=0.8)
    edges = [
        1.0,
        *(
            edge
            for each in worth
            if each.change
            for edge in (each.change.low, each.change.high, each.change.value)
            if edge
        ),
    ]
    room = 0.06 * (max(edges) - min(edges)) or 0.05
    axes.set(xlim=(min(edges) - room, max(edges) + room), ylim=(len(worth) - 0.5, -0.6))
    axes.set_yticks(range(len(worth)), [f"without {' and '.join(each.rewrites)}" for each in worth], fontsize=9)
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_title("What each rewrite is worth: an update without it", fontsize=9, loc="left", color=INK)
    axes.set_xlabel("seconds of an update without it, over those of the whole recipe", fontsize=8, color=FAINT)


def _interval(axes: Axes, place: float, ratio: Estimate) -> None:
    if ratio.low is not None and ratio.high is not None:
        axes.errorbar(
            ratio.value,
            place,
            xerr=[[ratio.value - ratio.low], [ratio.high - ratio.value]],
            color=INK,
            capsize=3,
            lw=1.2,
        )


def _name(step: StepUp) -> str:
    return "\n".join([*(f"+ {name}" for name in step.added), *(f"- {name}" for name in step.removed)])


def _plain(climb: ClimbResult) -> str:
    seconds = climb.reference.seconds if climb.reference else None
    return numbers.own_unit(seconds) if seconds else ""


def _stair(step: StepUp) -> str:
    """ "1.35 (1.31 to 1.39) times as fast as before" and what it costs."""
    lost = {"identical": "identical", "none": "no bits lost", "-": ""}.get(
        bits := bits_lost(step.row), f"{bits} bits lost"
    )
    memory = f"{numbers.count(step.row.peak_bytes / 2**20, 3)} MiB" if step.row.peak_bytes else ""
    started = f"first update {numbers.seconds(step.row.first_seconds)}" if step.row.first_seconds else ""
    return (
        f"{climb_text.times(step.change)} times as fast as before\n{', '.join(filter(None, [started, memory, lost]))}"
    )
