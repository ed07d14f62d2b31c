"""The figure of what watching costs: seconds of the whole job, those of training and those of looking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.record import Arm
from impls.contract.coordinates import spoken
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
    """The job of a watched arm, and the same job of the same arm unwatched.

    looks    how often the job was looked at
    looking  seconds that the watched job took longer; below 0 where looking costs less than two equal jobs differ
    total    seconds of the watched job
    """

    row: Row
    unwatched: Row
    looks: int
    looking: float
    total: float

    @property
    def a_look(self) -> float:
        """Seconds of one look."""
        return self.looking / self.looks


def watched_jobs(result: RaceResult) -> list[Watched]:
    """Every arm whose job was done and right both watched and unwatched; of one arm the costliest way to watch comes last."""
    unwatched = {_key(row): row for row in result.rows if _did_job(row) and row.arm.setting.watch == "none"}
    jobs = [
        Watched(row, other, looks, row.job_seconds - other.job_seconds, row.job_seconds)
        for row in result.rows
        if _did_job(row) and row.arm.setting.watch != "none" and (other := unwatched.get(_key(row)))
        if row.job_seconds and other.job_seconds and (looks := row.arm.setting.updates // row.arm.setting.every)
    ]
    order = list(unwatched.values())
    return sorted(jobs, key=lambda job: (order.index(job.unwatched), job.total))


def _did_job(row: Row) -> bool:
    return row.status == "ok" and row.job_seconds is not None


def _key(row: Row) -> tuple[str, str, str]:
    return row.arm.implementation, row.arm.setting.device, row.arm.setting.mode


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The figure of one race; None where nothing was watched."""
    jobs = watched_jobs(result)
    if not jobs:
        return None
    table: list[tuple[Any, ...]] = [
        (row.arm.implementation, spoken(row.arm.setting), row.job_seconds, row.job_seconds, 0.0, 0, None)
        for row in {job.unwatched.arm: job.unwatched for job in jobs}.values()
    ]
    table += [
        (
            job.row.arm.implementation,
            spoken(job.row.arm.setting),
            job.total,
            job.unwatched.job_seconds,
            job.looking,
            job.looks,
            job.a_look,
        )
        for job in jobs
    ]
    text = plain(" ".join(_sentence(job) for job in jobs[:4]))
    return Figure("watching", TITLE, text, lambda: _figure(result, jobs, palette), COLUMNS, table, race=result.race)


def _sentence(job: Watched) -> str:
    arm, verb = job.row.arm, _verb(job.row)
    name = f"{arm.implementation} {arm.setting.device} {arm.setting.mode}"
    without = numbers.seconds(job.unwatched.job_seconds)
    if job.looking <= 0:
        took = numbers.seconds(job.total)
        return f"{name} took {took} with {verb} and {without} unwatched: no more than two equal jobs differ."
    return (
        f"{name}: {_share(job)} of {numbers.seconds(job.total)} is {verb}, "
        f"{job.looks} times {numbers.seconds(job.a_look)}; unwatched it takes {without}."
    )


def _share(job: Watched) -> str:
    return f"{100 * job.looking / job.total:.0f} %"


def _verb(row: Row) -> str:
    return VERBS.get(row.arm.setting.watch, "looking")


def _figure(result: RaceResult, jobs: Sequence[Watched], palette: Palette) -> MatplotlibFigure:
    bars: dict[Arm, tuple[Row, Watched | None]] = {}
    for job in jobs:
        bars.setdefault(job.unwatched.arm, (job.unwatched, None))
        bars[job.row.arm] = (job.row, job)
    names = [labels.short(row.arm.name) for row, _ in bars.values()]
    tall = BAR * (len(bars) + 0.5)
    left = 0.2 + labels.LETTER * max(map(len, names))
    notes = [
        (
            "Hatched: looking, which is what the watched job takes longer than the same job unwatched. "
            "Each job was done once, so the difference between two equal jobs is in it too."
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


def _bar(axes: Axes, place: int, row: Row, job: Watched | None, palette: Palette, scale: float) -> None:
    """One job; the hatched end of the bar is looking."""
    colour, total = palette.colour(row.arm), row.job_seconds or 0.0
    looking = max(0.0, job.looking) if job else 0.0
    axes.barh(place, (total - looking) / scale, height=0.66, color=colour)
    text = numbers.seconds(total)
    if job:
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
            text += f": {_share(job)} {_verb(row)}, {job.looks} x {numbers.seconds(job.a_look)}"
        else:
            text += f": {_verb(row)} takes no more than two equal jobs differ"
    axes.annotate(
        text, (total / scale, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK
    )
