"""The figure of where the time of updates goes: a bar of equal length for each arm, divided into its parts."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from bench.results.record import Race
from reports.figures.kit.canvas import WIDTH, Canvas, blank_canvas
from reports.figures.kit.figure import Figure
from reports.figures.kit.labels import LETTER, short
from reports.figures.kit.style import FAINT, GRID, INK, PAPER
from reports.profile import text
from reports.profile.attribution import Attribution
from reports.profile.parts import Part, PartName
from reports.text import numbers
from reports.text.sanitize import plain

# Parts have colours that no implementation has: violet for overhead, olive for work on the data, brown for moving data,
# slate for reading them once, grey for standing idle; the same in light and dark mode. Parts that no arm has together
# may share a colour.
COLOURS = {
    PartName.INTERPRETER: "#5d4a8a",
    PartName.CALL: "#5d4a8a",
    PartName.DISPATCH: "#7d69ad",
    PartName.AUTOGRAD: "#9c8bc8",
    PartName.OPTIMIZER: "#bcafdf",
    PartName.ENTERING_COMPILED_CODE: "#8d5f93",
    PartName.DEVICE_WITHOUT_DATA: "#7d69ad",
    PartName.DATA_PATH: "#8c6d56",
    PartName.COPIES: "#b3957d",
    PartName.WAITING: "#8b929b",
    PartName.LAUNCH_GAPS: "#8b929b",
    PartName.READING_ONCE: "#56616c",
    PartName.FORWARD: "#7d7f33",
    PartName.BACKWARD: "#a7a855",
    PartName.OPTIMIZER_STEP: "#c8c983",
    PartName.COMPILED_CODE: "#5f6e35",
    PartName.FORWARD_KERNELS: "#7d7f33",
    PartName.BACKWARD_KERNELS: "#a7a855",
    PartName.OPTIMIZER_KERNELS: "#c8c983",
    PartName.COMPILED_KERNELS: "#5f6e35",
    PartName.KERNELS: "#7d7f33",
    PartName.DEVICE_KERNELS: "#7d7f33",
    PartName.WATCHING: "#8f4a3f",
    PartName.UNEXPLAINED: PAPER,
}
LIGHT, DEEP = "#fdfdfd", "#101010"  # text on parts; not the page's own colours, which are swapped in dark mode
TITLE = "Where the time of an update goes"
EACH, THICK = 0.34, 0.72  # inches from bar to bar; of that the bar
KEY, LOW = 0.24, 0.42  # inches of a line of the key, and of the scale below the bars
MOST_NAME, TOTAL, TOO_LONG = 4.8, 0.95, 0.6  # inches for names at most, for totals, and for totals of bars that are cut
FURTHEST = 1.3  # where a bar is cut whose parts are more than the whole
COLUMNS = ("implementation", "setting", "part", "seconds", "share", "how")


def draw(attributions: Sequence[Attribution], about: str, race: Race | None = None) -> Figure:
    """The figure of the attributions of a race, in their order.

    about  what raced, as the race's title says it
    """
    table = [
        (
            attribution.arm.implementation,
            attribution.arm.name.removeprefix(attribution.arm.implementation).strip(),
            part.name,
            part.seconds,
            part.seconds / attribution.measured.value,
            part.how,
        )
        for attribution in attributions
        for part in attribution.parts
    ]
    first = [f"{attribution.arm.name}: {text.sentence(attribution)}" for attribution in attributions[:2]]
    findings = " ".join(["A bar for each way of writing the loop, divided into the parts of one update.", *first])
    return Figure(
        "attribution", TITLE, plain(findings), lambda: _figure(attributions, about), COLUMNS, table, race=race
    )


def _figure(attributions: Sequence[Attribution], about: str) -> MatplotlibFigure:
    used = [name for name in PartName if any(attribution.share(name) for attribution in attributions)]
    names = [short(attribution.arm.name) for attribution in attributions]
    left = min(MOST_NAME, 0.25 + 1.05 * LETTER * max(map(len, names), default=10))
    cut = any(_length(attribution) > FURTHEST for attribution in attributions)
    wide = WIDTH - left - TOTAL - TOO_LONG * cut
    lines = _lines(_entries(used), wide)
    tall = EACH * max(1, len(names))
    canvas = blank_canvas(TITLE, about, _notes(attributions), tall + LOW + KEY * len(lines) + 0.1)
    axes = canvas.axes(left, LOW, wide, tall)
    longest = min(FURTHEST, max((_length(attribution) for attribution in attributions), default=1.0))
    _frame(axes, names, longest)
    for place, attribution in enumerate(attributions):
        _bar(axes, place, attribution, wide / longest)
    _key(canvas, lines, left, LOW + tall + 0.06)
    return canvas.figure


def _length(attribution: Attribution) -> float:
    """The length of a bar: 1, or more where its parts are more than the whole."""
    return 1 - min(0.0, attribution.unexplained)


def _frame(axes: Axes, names: Sequence[str], longest: float) -> None:
    axes.set_xlim(0, longest)
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=9)
    axes.tick_params(axis="x", colors=FAINT, labelsize=8.5)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %", decimals=0))
    axes.grid(axis="x", color=GRID, lw=0.6)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _bar(axes: Axes, place: int, attribution: Attribution, inches: float) -> None:
    """The bar of one arm; parts that are more than the whole reach beyond 100 %.

    inches  width of 100 %
    """
    at = 0.0
    for part in attribution.parts:
        share = part.seconds / attribution.measured.value
        if share <= 0 or at >= FURTHEST:
            continue
        share = min(share, FURTHEST - at)
        hatched = part.name == PartName.UNEXPLAINED
        axes.barh(
            place,
            share,
            left=at,
            height=THICK,
            facecolor="none" if hatched else COLOURS[part.name],
            edgecolor=FAINT if hatched else PAPER,
            hatch="////" if hatched else "",
            lw=0.6,
        )
        _name(axes, at + share / 2, place, part, attribution, share * inches)
        at += share
    total = numbers.seconds(attribution.measured.value)
    if at > 1.002:
        axes.plot([1, 1], [place - 0.46, place + 0.46], color=INK, lw=1.4)
    if _length(attribution) > FURTHEST:
        total = f"{total} ({numbers.percent(_length(attribution))})"
    axes.annotate(
        total,
        (1.0, place),
        xycoords=("axes fraction", "data"),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=INK,
        annotation_clip=False,
    )


def _name(axes: Axes, middle: float, place: int, part: Part, attribution: Attribution, inches: float) -> None:
    """Writes a part's name and share into it, or its share alone, or nothing, as there is room."""
    share = numbers.percent(part.seconds / attribution.measured.value)
    text_ = next((text_ for text_ in (f"{part.name} {share}", share) if (len(text_) + 1.5) * 0.066 < inches), "")
    if text_:
        box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0} if part.name == PartName.UNEXPLAINED else None
        ink = _ink(part.name)
        axes.text(middle, place, text_, ha="center", va="center_baseline", fontsize=8, color=ink, bbox=box, zorder=4)


def _ink(name: PartName) -> str:
    """A colour for text that is readable on the part's colour."""
    if name == PartName.UNEXPLAINED:
        return INK
    red, green, blue = (int(COLOURS[name][i : i + 2], 16) for i in (1, 3, 5))
    return LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else DEEP


def _entries(used: Sequence[PartName]) -> list[tuple[str, str]]:
    """The key: each colour that is used and the parts that have it, in the order of a bar."""
    colours = dict.fromkeys(COLOURS[name] for name in used)
    return [(colour, ", ".join(name for name in used if COLOURS[name] == colour)) for colour in colours]


def _lines(entries: Sequence[tuple[str, str]], wide: float) -> list[list[tuple[str, str]]]:
    """The entries of the key, as many on a line as fit."""
    lines: list[list[tuple[str, str]]] = [[]] if entries else []
    for entry in entries:
        if lines[-1] and sum(_room(entry_text) for _, entry_text in (*lines[-1], entry)) > wide:
            lines.append([])
        lines[-1].append(entry)
    return lines


def _room(entry: str) -> float:
    return 0.45 + 0.066 * len(entry)


def _key(canvas: Canvas, lines: Sequence[Sequence[tuple[str, str]]], left: float, low: float) -> None:
    """Draws the key above the bars."""
    height = canvas.figure.get_figheight()
    for number, line in enumerate(lines):
        at, up = left, canvas.bottom + low + KEY * (len(lines) - 1 - number)
        for colour, names in line:
            hatched = colour == COLOURS[PartName.UNEXPLAINED]
            canvas.figure.add_artist(
                Rectangle(
                    (at / WIDTH, up / height),
                    0.16 / WIDTH,
                    0.13 / height,
                    facecolor="none" if hatched else colour,
                    edgecolor=FAINT if hatched else PAPER,
                    hatch="////" if hatched else "",
                    lw=0.6,
                )
            )
            canvas.figure.text((at + 0.22) / WIDTH, (up + 0.06) / height, names, va="center", fontsize=8.5, color=INK)
            at += _room(names)


def _notes(attributions: Sequence[Attribution]) -> list[str]:
    """What the families of colours mean, and what a bar beyond 100 % means."""
    if not attributions:
        return ["No arm of this race has a profile."]
    if attributions[0].arm.setting.is_step:
        return [
            "All bars have the same length; the time of an update stands at the right. Olive: PyTorch's operations."
        ]
    key = (
        "All bars have the same length; the time of an update stands at the right. Violet: overhead, whatever the size of the "
        "data. Olive: work on the data. Slate: reading them once, which every faithful arm has to do."
    )
    if any(attribution.unexplained < -0.002 for attribution in attributions):
        return [key, "What reaches beyond the mark at 100 % is more than the race measured."]
    return [key]
