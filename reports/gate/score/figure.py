"""The figure of our gate beside others: how often each calls the head slower, for each slowdown, with intervals."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.scores.gate import AtLevel, Method, Score
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import COLOURS, FAINT, GRID, INK
from reports.gate.score import table
from reports.gate.score.table import percent
from reports.text.sanitize import plain

TITLE = "How often each gate says that the head is slower, with 95 % intervals"
ALARM, CAUGHT = COLOURS[4], COLOURS[0]
ROW, LEFT, RIGHT, BETWEEN = 0.46, 2.25, 0.3, 0.3  # inches
ABOVE, BELOW = 0.45, 0.6  # inches of the panels' heads and scales


def files(score: Score) -> dict[str, bytes]:
    """The published files of a score: {"summary.md": ..., "score.svg": ..., "score.csv": ...}."""
    made = draw(score)
    return {"summary.md": table.render(score).encode()} | {
        f"{made.name}.{ending}": content for ending, content in made.files.items()
    }


def draw(score: Score) -> Figure:
    """One panel for each slowdown, one row for each method; false alarms in a colour of their own."""
    text = " ".join(sentences(score))
    rows = table.rows(score)
    return Figure("score", TITLE, plain(text), lambda: _figure(score), table.COLUMNS, rows)


def sentences(score: Score) -> list[str]:
    """What the figure shows, a sentence for each method."""
    return [f"{method.name}: {', '.join(_count(at) for at in method.levels)}." for method in score.methods]


def _count(at: AtLevel) -> str:
    what = f"caught {percent(at.level)} in" if at.level else "false alarms in"
    return f"{what} {at.slower.count} of {at.slower.of}"


def _figure(score: Score) -> MatplotlibFigure:
    tall = ROW * len(score.methods)
    about = f"{score.machine}; {score.trials} trials; {table.budget(score)}"
    canvas = blank_canvas(TITLE, about, table.notes(), tall + ABOVE + BELOW)
    levels = table.levels(score)
    wide = (WIDTH - LEFT - RIGHT - BETWEEN * (len(levels) - 1)) / len(levels)
    for place, level in enumerate(levels):
        axes = canvas.axes(LEFT + place * (wide + BETWEEN), BELOW, wide, tall)
        _panel(axes, score, level)
        if place == 0:
            for row, method in enumerate(score.methods):
                weight = "bold" if row == 0 else "normal"
                axes.annotate(
                    method.name,
                    (0, row),
                    xytext=(-8, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=9,
                    weight=weight,
                    color=INK,
                )
    return canvas.figure


def _panel(axes: Axes, score: Score, level: float) -> None:
    colour = CAUGHT if level else ALARM
    for row, method in enumerate(score.methods):
        if (at := _at(method, level)) is not None:
            part = at.slower.count / at.slower.of
            axes.plot([at.slower.low, at.slower.high], [row, row], color=colour, lw=2, solid_capstyle="butt")
            axes.scatter([part], [row], s=30, color=colour, zorder=3, clip_on=False)
            text = f"{at.slower.count} of {at.slower.of}"
            axes.annotate(
                text, (0.5, row), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8, color=FAINT
            )
    axes.set(xlim=(0, 1), ylim=(len(score.methods) - 0.5, -0.7), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"], fontsize=8)
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.spines["left"].set_visible(False)
    head = f"{percent(level)} slower" if level else "no change:\nfalse alarms"
    axes.set_title(head, fontsize=9, color=INK if level else colour, loc="left")
    axes.set_xlabel("called slower", fontsize=8, color=FAINT)


def _at(method: Method, level: float) -> AtLevel | None:
    return next((at for at in method.levels if at.level == level), None)
