"""The picture of what watching costs: the seconds of the whole job, those of training and those of looking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.record import Arm
from impls.contract.setting import spoken
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED
from reports.run.report import RaceResult
from reports.run.rows import Row
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "What watching costs: seconds of the whole job"
COLUMNS = ("implementation", "setting", "job_seconds", "training_seconds", "looking_seconds", "looks", "seconds_a_look")
VERBS = {"loss": "reading the loss", "draw": "drawing"}
BAR, BELOW = 0.36, 0.55  # inches


@dataclass(frozen=True)
class Watched:
    """The job of an arm that was watched beside the same job of the same arm when it was not.

    looks    how often the job was looked at
    looking  what it took longer; below 0 where looking costs less than two jobs differ anyway
    """

    row: Row
    bare: Row
    looks: int
    looking: float
    total: float

    @property
    def a_look(self) -> float:
        """Seconds of one look."""
        return self.looking / self.looks


def watched_jobs(result: RaceResult) -> list[Watched]:
    """Every right arm that was raced both watched and not, with its job done in both; the costliest last of its arm."""
    bare = {_self(row): row for row in result.rows if _told(row) and row.arm.setting.watch == "none"}
    found = [
        Watched(row, other, looks, row.job_seconds - other.job_seconds, row.job_seconds)
        for row in result.rows
        if _told(row) and row.arm.setting.watch != "none" and (other := bare.get(_self(row)))
        if row.job_seconds and other.job_seconds and (looks := row.arm.setting.updates // row.arm.setting.every)
    ]
    order = list(bare.values())
    return sorted(found, key=lambda each: (order.index(each.bare), each.total))


def _told(row: Row) -> bool:
    return row.status == "ok" and row.job_seconds is not None


def _self(row: Row) -> tuple[str, str, str]:
    return row.arm.implementation, row.arm.setting.device, row.arm.setting.mode


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The picture of one race; None where nothing was watched."""
    found = watched_jobs(result)
    if not found:
        return None
    table: list[tuple[Any, ...]] = [
        (row.arm.implementation, spoken(row.arm.setting), row.job_seconds, row.job_seconds, 0.0, 0, None)
        for row in {each.bare.arm: each.bare for each in found}.values()
    ]
    table += [
        (
            each.row.arm.implementation,
            spoken(each.row.arm.setting),
            each.total,
            each.bare.job_seconds,
            each.looking,
            each.looks,
            each.a_look,
        )
        for each in found
    ]
    said = [_sentence(each) for each in found]
    text = plain(" ".join(said[:4]))
    return Figure("watching", TITLE, text, lambda: _figure(result, found, palette), COLUMNS, table, race=result.race)


def _sentence(each: Watched) -> str:
    arm, verb = each.row.arm, VERBS.get(each.row.arm.setting.watch, "looking")
    job = f"{arm.implementation} {arm.setting.device} {arm.setting.mode}: of {numbers.seconds(each.total)}"
    if each.looking <= 0:
        return (
            f"{job} nothing that could be told is {verb}; unwatched it took {numbers.seconds(each.bare.job_seconds)}."
        )
    return (
        f"{job}, {each.looking / each.total:.0%} is {verb}, {each.looks} times {numbers.seconds(each.a_look)}; "
        f"unwatched it takes {numbers.seconds(each.bare.job_seconds)}."
    )


def _figure(result: RaceResult, found: Sequence[Watched], palette: Palette) -> MatplotlibFigure:
    bars: dict[Arm, tuple[Row, Watched | None]] = {}
    for each in found:
        bars.setdefault(each.bare.arm, (each.bare, None))
        bars[each.row.arm] = (each.row, each)
    names = [labels.short(row.arm.name) for row, _ in bars.values()]
    tall = BAR * (len(bars) + 0.5)
    left = 0.2 + labels.LETTER * max(map(len, names))
    notes = [
        (
            "Hatched: looking, that is what the job takes longer than the same job unwatched. "
            "Each was done once, so what two jobs differ by anyway is in it too."
        )
    ]
    canvas = blank_canvas(TITLE, result.race.title, notes, tall + BELOW)
    axes = canvas.axes(left, BELOW, WIDTH - left - 0.3, tall)
    most = max(row.job_seconds or 0.0 for row, _ in bars.values())
    scale, unit = numbers.unit_for([most])
    axes.set(xlim=(0, 1.55 * most / scale), ylim=(len(bars) - 0.25, -0.75))
    axes.set_xlabel(f"the whole job, {unit}", color=FAINT)
    axes.set_yticks(range(len(bars)), names, color=INK, fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=GRID, lw=0.6)
    for place, (row, watched) in enumerate(bars.values()):
        _bar(axes, place, row, watched, palette, scale)
    return canvas.figure


def _bar(axes: Axes, place: int, row: Row, each: Watched | None, palette: Palette, scale: float) -> None:
    colour, total = palette.colour(row.arm), row.job_seconds or 0.0
    looking = max(0.0, each.looking) if each else 0.0
    axes.barh(place, (total - looking) / scale, height=0.66, color=colour)
    said = numbers.seconds(total)
    if each:
        verb = VERBS.get(row.arm.setting.watch, "looking")
        axes.barh(
            place,
            looking / scale,
            left=(total - looking) / scale,
            height=0.66,
            facecolor="none",
            edgecolor=INK if colour == MUTED else colour,
            hatch="////",
            lw=0.8,
        )
        if looking:
            said += f": {looking / total:.0%} {verb}, {each.looks} x {numbers.seconds(each.a_look)}"
        else:
            said += f": {verb} takes no more than two jobs differ anyway"
    axes.annotate(
        said, (total / scale, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK
    )
