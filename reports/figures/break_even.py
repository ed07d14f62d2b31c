"""The figure of total seconds against updates, start-up included: after how many updates a slower start pays off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as MatplotlibFigure

from impls.contract.coordinates import spoken
from impls.contract.words import grouped
from reports.figures.kit import labels, style
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import Label
from reports.figures.kit.style import FAINT, GRID, INK, MUTED, PAPER
from reports.run.report import RaceResult
from reports.run.rows import Row
from reports.run.time_to_loss import contestants
from reports.text import numbers
from reports.text.sanitize import plain

AFTER = "pays off after so many updates:"
TITLE = "Total seconds against updates, start-up included: lower is finished sooner"
COLUMNS = (
    "implementation",
    "setting",
    "cold_seconds",
    "cold_alone",
    "seconds_per_update",
    "pays_off_after",
    "job_updates",
    "total_seconds_of_job",
)
BEYOND = 3.0  # the plot ends at so many times the last number of updates that it marks
FURTHEST = 1_000  # jobs: an arm that pays off later than that is named in the notes and not marked
FEW = 12  # lines, up to which those without a colour are named too
LEFT, BELOW = 0.85, 0.55  # inches that the scales take


@dataclass(frozen=True)
class Line:
    """The seconds that an arm takes in all: start + update x number of updates.

    name        the arm's; "~" marks a start that was measured while others were starting
    break_even  updates after which it has caught up with the reference; None where it never does, or need not
    """

    row: Row
    name: str
    start: float
    update: float
    break_even: int | None

    def at(self, updates: Any) -> Any:
        """Total seconds after so many updates."""
        return self.start + self.update * updates


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The figure of one race; None without an arm whose start and update were both measured.

    A step has no job: its figure is of the numbers of updates after which starts pay off, and there is none without.
    """
    lines = lines_of(result)
    job = None if result.step else result.race.reference.setting.updates
    if not lines or not (job or _slow_starters(lines)):
        return None
    table = [
        (
            line.row.arm.implementation,
            spoken(line.row.arm.setting),
            line.start,
            line.row.cold_alone,
            line.update,
            line.break_even,
            job,
            line.at(job) if job else None,
        )
        for line in lines
    ]
    sentences = _sentences(lines, job)
    text = plain(" ".join(sentences))
    return Figure(
        "payoff", TITLE, text, lambda: _figure(result, lines, palette, sentences), COLUMNS, table, race=result.race
    )


def lines_of(result: RaceResult) -> list[Line]:
    """The lines of the faithful arms. Updates follow the paired ratios, so that lines cross where the table says they do."""
    rows = [row for row in contestants(result) if row.seconds and row.cold_seconds is not None]
    base = next((row.seconds.value for row in rows if row.arm.role == "reference" and row.seconds), None)
    return [
        Line(
            row,
            row.arm.name + ("" if row.cold_alone else "~"),
            row.cold_seconds or 0.0,
            base * row.ratio.value if base and row.ratio and row.arm.role != "reference" else row.seconds.value,
            row.break_even.updates or None if row.break_even else None,
        )
        for row in rows
        if row.seconds
    ]


def _sentences(lines: Sequence[Line], job: int | None) -> list[str]:
    sentences = [*_about_job(lines, job)] if job else [f"Slower starts that pay off: {_listed(_slow_starters(lines))}."]
    if any(not line.row.cold_alone for line in lines):
        sentences.append(
            "~: other arms were starting at the same time, so this start is longer than it would be alone."
        )
    return sentences


def _about_job(lines: Sequence[Line], job: int) -> list[str]:
    first = _soonest(lines, job)
    reference = next((line for line in lines if line.row.arm.role == "reference"), None)
    sentences = [
        f"For the job's {grouped(job)} updates {first.name} takes the least time, {numbers.seconds(first.at(job))} with its "
        "start"
        + ("." if reference in (None, first) else f"; {reference.name} takes {numbers.seconds(reference.at(job))}.")
    ]
    late = _slow_starters(lines)
    within = [line for line in late if (line.break_even or 0) <= job]
    beyond = late[len(within) :]
    if within:
        sentences.append(f"Slower starts that pay off within the job: {_listed(within)}.")
    if beyond:
        sentences.append(f"Slower starts that pay off only later: {_listed(beyond)}.")
    return sentences


def _soonest(lines: Sequence[Line], job: int) -> Line:
    return min(lines, key=lambda line: line.at(job))


def _slow_starters(lines: Sequence[Line]) -> list[Line]:
    """The lines that start later than the reference and catch up with it, the first to do so first."""
    return sorted((line for line in lines if line.break_even), key=lambda line: line.break_even or 0)


def _listed(lines: Sequence[Line]) -> str:
    """The first two lines and the last, each with its number of updates."""
    texts = [f"{line.name} after {numbers.count(line.break_even or 0)} updates" for line in lines]
    return ", ".join(texts if len(texts) < 4 else [*texts[:2], f"..., {texts[-1]}"])


def _figure(result: RaceResult, lines: Sequence[Line], palette: Palette, sentences: Sequence[str]) -> MatplotlibFigure:
    job = None if result.step else result.race.reference.setting.updates
    late = _slow_starters(lines)
    noted = [*([_soonest(lines, job)] if job else []), *late[:2], *late[-1:]]
    named = [line for line in lines if len(lines) <= FEW or _stands_out(line, palette) or line in noted]
    texts = {line.row.arm: labels.short(_label(line)) for line in named}
    right = labels.room([*texts.values(), AFTER])
    wide, tall = WIDTH - LEFT - right, max(4.8, labels.LINE * (len(named) + 3))
    notes = [*sentences, "Every start was timed once; an update's seconds are paired with the reference's, lap by lap."]
    canvas = blank_canvas(TITLE, result.race.title, notes, tall + BELOW)
    axes = canvas.axes(LEFT, BELOW, wide, tall)
    marked = [line.break_even for line in late if line.break_even]
    first = job or min(marked)
    last = BEYOND * max([first, *(updates for updates in marked if updates <= FURTHEST * first)])
    updates = np.geomspace(1, last, 80)
    _scales(axes, lines, last)
    muted = [np.column_stack([updates, line.at(updates)]) for line in lines if not _stands_out(line, palette)]
    axes.add_collection(LineCollection(muted, colors=MUTED, lw=0.7, zorder=1.6), autolim=False)
    ends = []
    for line in named:
        line_style = _line_style(line, palette)
        if _stands_out(line, palette):
            axes.plot(updates, line.at(updates), **line_style)
        ends.append(
            Label(texts[line.row.arm], (last, line.at(last)), line_style, bold=line.row.arm.role == "reference")
        )
    _marks(axes, lines, palette, last)
    if job:
        _job(axes, job)
    labels.name_ends(axes, ends, wide, tall)
    axes.text(
        1 + labels.KEY[-1] / wide,
        1 + 0.13 / tall,
        AFTER,
        transform=axes.transAxes,
        fontsize=8.5,
        color=FAINT,
        va="bottom",
    )
    return canvas.figure


def _stands_out(line: Line, palette: Palette) -> bool:
    return palette.has_colour(line.row.arm)


def _line_style(line: Line, palette: Palette) -> dict[str, Any]:
    arm = line.row.arm
    dashes = palette.dashes(arm)
    width = 2.6 if arm.role == "reference" else 1.6 if palette.has_colour(arm) else 0.7
    return {"color": palette.colour(arm), "lw": width, "ls": (0, dashes) if dashes else "-"}


def _label(line: Line) -> str:
    if line.row.arm.role == "reference":
        return f"{line.name}, the reference"
    if line.break_even:
        return f"{line.name}: {numbers.count(line.break_even)}"
    break_even = line.row.break_even
    return line.name + ("" if break_even is None else ": never" if break_even.updates is None else ": at once")


def _scales(axes: Axes, lines: Sequence[Line], last: float) -> None:
    low, high = min(line.at(1) for line in lines) / 1.3, max(line.at(last) for line in lines) * 1.2
    axes.set(xscale="log", yscale="log", xlim=(1, last), ylim=(low, high))
    style.scale(axes.xaxis, 1, last, lambda updates: grouped(round(updates)))
    style.scale(axes.yaxis, low, high, style.duration)
    axes.set_xlabel("updates", color=FAINT)
    axes.grid(color=GRID, lw=0.6)


def _marks(axes: Axes, lines: Sequence[Line], palette: Palette, last: float) -> None:
    """A dot where an arm has caught up with the reference; a larger one on a line with a colour."""
    shown = [line for line in lines if line.break_even and line.break_even <= last]
    for coloured, size in ((False, 14), (True, 42)):
        chosen = [line for line in shown if _stands_out(line, palette) is coloured]
        axes.scatter(
            [line.break_even or 0 for line in chosen],
            [line.at(line.break_even) for line in chosen],
            s=size,
            c=[palette.colour(line.row.arm) for line in chosen],
            edgecolors=PAPER,
            linewidths=0.7,
            zorder=4,
        )


def _job(axes: Axes, job: int) -> None:
    axes.axvline(job, color=INK, lw=1, ls=(0, (4, 3)), zorder=3)
    far = math.log(job) > 0.8 * math.log(axes.get_xlim()[1])
    axes.annotate(
        f"the job: {grouped(job)} updates",
        (job, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if far else 5, -4),
        textcoords="offset points",
        ha="right" if far else "left",
        va="top",
        fontsize=9,
        color=INK,
    )
