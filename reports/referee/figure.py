"""The figure of the referee's exam: what separates mistakes from rounding, and how other rules do on the same answers."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure

from bench.results.scores.referee import Method, Score
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import COLOURS, FAINT, GRID, INK
from reports.referee import table
from reports.text.sanitize import plain

TITLE = "Mistakes that the referee finds, and legal variations that it does not refuse"
LIMIT = 8.0  # bits in float64 from which an answer is another algebra
LEAST = -6.0  # bits; what is equal to the truth stands here
RIGHT_COLOUR, WRONG_COLOUR = COLOURS[0], COLOURS[4]
ROW, LEFT, RIGHT, BETWEEN, HEAD, SCALE = 0.3, 2.25, 0.35, 0.6, 0.5, 0.6  # inches


def files(score: Score) -> dict[str, bytes]:
    """The published files of a score: {"summary.md": ..., "referee.svg": ..., "referee.csv": ...}."""
    made = draw(score)
    return {"summary.md": table.render(score).encode()} | {
        f"{made.name}.{ending}": content for ending, content in made.files.items()
    }


def draw(score: Score) -> Figure:
    """Above, every variation of each step by the bits that it loses in float64; below, the errors of each rule."""
    text = " ".join([*(_counts(method) for method in score.methods), *table.sentences(score)])
    return Figure("referee", TITLE, plain(text), lambda: _figure(score), table.COLUMNS, table.rows(score))


def _counts(method: Method) -> str:
    return (
        f"{method.name}: {method.missed} of {method.mutants} mutants called equal, "
        f"{method.refused} of {method.legal} legal variations refused."
    )


def _figure(score: Score) -> MatplotlibFigure:
    steps = list(dict.fromkeys(mark.step for mark in score.marks))
    strip, bars = ROW * len(steps), 1.3 * ROW * len(score.methods)
    about = f"{score.machine}; {table.about(score)}"
    notes = [
        "Bits lost: how much farther from the exact update an answer is than rounding explains, as a power of two.",
        "At the left edge: equal to the exact update. Whatever stands right of the line is told as different.",
    ]
    canvas = blank_canvas(TITLE, about, notes, strip + bars + 2 * (HEAD + SCALE))
    _strip(canvas.axes(LEFT, bars + HEAD + 2 * SCALE, WIDTH - LEFT - RIGHT, strip), score, steps)
    wide = (WIDTH - LEFT - RIGHT - BETWEEN) / 2
    missed = canvas.axes(LEFT, SCALE, wide, bars)
    refused = canvas.axes(LEFT + wide + BETWEEN, SCALE, wide, bars)
    _bars(missed, score, "mutants called equal", WRONG_COLOUR, [(one.missed, one.mutants) for one in score.methods])
    _bars(refused, score, "legal variations refused", RIGHT_COLOUR, [(one.refused, one.legal) for one in score.methods])
    _names(missed, [method.name for method in score.methods])
    return canvas.figure


def _strip(axes: Axes, score: Score, steps: list[str]) -> None:
    """A row for each step, a mark for each of its variations."""
    for kind, colour, shift in (("legal", RIGHT_COLOUR, -0.14), ("mutant", WRONG_COLOUR, 0.14)):
        known = [
            (mark.bits, steps.index(mark.step)) for mark in score.marks if mark.kind == kind and mark.bits is not None
        ]
        axes.scatter(
            [max(LEAST, bits) for bits, _ in known],
            [row + shift for _, row in known],
            s=16,
            color=colour,
            alpha=0.55,
            linewidths=0,
            clip_on=False,
        )
    axes.axvline(LIMIT, color=INK, lw=1)
    axes.annotate("limit", (LIMIT, -0.6), xytext=(4, 2), textcoords="offset points", fontsize=8, color=INK)
    for text, colour, place in (("legal variations", RIGHT_COLOUR, LEAST), ("mutants", WRONG_COLOUR, LIMIT + 8)):
        axes.annotate(text, (place, -0.6), xytext=(0, 8), textcoords="offset points", fontsize=9, color=colour)
    axes.set(xlim=(LEAST - 0.5, None), ylim=(len(steps) - 0.5, -0.6), yticks=[])
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.set_xlabel("bits lost in float64", fontsize=8, color=FAINT)
    _names(axes, steps)


def _bars(axes: Axes, score: Score, head: str, colour: str, counts: list[tuple[int, int]]) -> None:
    """A bar for each rule, with its count."""
    shares = [count / of if of else 0.0 for count, of in counts]
    axes.barh(range(len(counts)), shares, height=0.5, color=colour)
    for row, (count, of) in enumerate(counts):
        axes.annotate(
            f"{count} of {of}", (shares[row], row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set(xlim=(0, 1.15), ylim=(len(counts) - 0.5, -0.6), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"], fontsize=8)
    axes.set_title(head, fontsize=9, color=INK, loc="left")


def _names(axes: Axes, names: list[str]) -> None:
    """Names of the rows, left of them; ours in bold."""
    for row, name in enumerate(names):
        axes.annotate(
            name,
            (0, row),
            xycoords=("axes fraction", "data"),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            weight="bold" if name == "looprace" else "normal",
            color=INK,
        )
