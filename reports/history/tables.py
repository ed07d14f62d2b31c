"""A history as a table: for the screen, as Markdown, CSV and JSON, and all files of it. Apart from its sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from bench.results.statistics import Estimate
from bench.results.store import Store, pretty
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.history import figure
from reports.history.text import findings, sentence, turns
from reports.history.trends import Histories, History, Levels, Point, Trend
from reports.html.kit import simple_page
from reports.text import markdown, numbers, terminal
from reports.text.columns import NOTHING, Column, cells, heads
from reports.text.csv import safe_csv
from reports.text.json import estimate
from reports.text.sanitize import escape_markdown, plain
from reports.text.terminal import indented

FORMAT = 1
FILE = "history.md"
STYLES = {"slower": "yellow", "faster": "green"}
CSV = (
    "machine", "run", "started", "commit", "arm", "implementation", "device", "mode", "status", "reason",
    "seconds", "seconds_low", "seconds_high", "ratio", "ratio_low", "ratio_high", "ratio_level", "seconds_level",
)  # fmt: skip


def columns_of(history: History) -> tuple[Column[Trend], ...]:
    """One line an arm: where it stands, and its latest change."""
    dates = [run.date for run in history.runs]
    return (
        Column("arm", "the file below impls/, device and mode", lambda trend, _: trend.name, right=False, wraps=True),
        Column(
            "runs",
            "in which it was measured and right, of those that had it",
            lambda trend, _: f"{_right(trend)} of {sum(point is not None for point in trend.points)}",
            dispensable=2,
        ),
        Column(
            "update, {unit}",
            "time of one steady update in the latest run, ± half its 95 % interval",
            lambda trend, scale: _estimate(trend.last.seconds, scale),
        ),
        Column(
            "x reference",
            "its time over the reference's in the latest run, paired lap by lap",
            lambda trend, _: "1" if trend.arm.role == "reference" else _estimate(trend.last.ratio),
            dispensable=1,
        ),
        Column(
            "verdict",
            "what its latest change made it, against the reference; the reference itself: by the clock",
            lambda trend, _: _verdict(trend),
            right=False,
            id="verdict",
        ),
        Column(
            "change",
            "its level since then over the level before, of the x reference",
            lambda trend, _: _change(trend.told),
        ),
        Column(
            "since",
            "the day of the first run of the new level",
            lambda trend, _: dates[trend.told.changes[-1][0]] if trend.told and trend.told.changes else NOTHING,
            right=False,
        ),
        Column(
            "by the clock",
            "the latest change of its seconds, in which drift of the machine counts; and the day",
            lambda trend, _: (
                f"{_change(trend.seconds)} {dates[trend.seconds.changes[-1][0]]}"
                if trend.seconds and trend.seconds.changes
                else NOTHING
            ),
            right=False,
            dispensable=3,
        ),
    )


def _right(trend: Trend) -> int:
    return sum(bool(point and point.status == "ok" and point.seconds) for point in trend.points)


def _estimate(found: Estimate | None, scale: float = 1.0) -> str:
    return numbers.estimate(found, scale) if found else NOTHING


def _verdict(trend: Trend) -> str:
    if trend.last.status != "ok":
        return trend.last.status.replace("_", " ")
    if trend.told is None:
        return NOTHING
    if trend.told.wanted:
        return f"{trend.told.wanted} more {'run' if trend.told.wanted == 1 else 'runs'}"
    changes = trend.told.changes
    return "steady" if not changes else "slower" if changes[-1][1] > 1 else "faster"


def _change(levels: Levels | None) -> str:
    if not levels or not levels.changes:
        return NOTHING
    factor = levels.changes[-1][1]
    return f"{100 * (factor - 1):+.1f} %" if 0.5 < factor < 2 else f"x {numbers.count(factor, 3)}"


def _unit(history: History) -> tuple[float, str]:
    """Of the arms that read the data in a usual time: one that reads nothing does not make the others' numbers long."""
    times = sorted(trend.last.seconds.value for trend in history.trends if trend.last.seconds)
    return numbers.unit_for(times[len(times) // 4 : len(times) // 4 + 1])


def title(history: History) -> str:
    """The machine, and from when to when."""
    first, last = history.runs[0].date, history.runs[-1].date
    number = "1 run" if len(history.runs) == 1 else f"{len(history.runs)} runs"
    return f"{number} on {history.machine}, {first if first == last else f'{first} to {last}'}"


def render(found: Histories, width: int) -> Iterator[RenderableType]:
    """Machine by machine: findings and table; then what the columns say.

    width  characters a line; columns that do not fit are left out, and named
    """
    for history in found.histories:
        columns = columns_of(history)
        scale, unit = _unit(history)
        yield Text()
        yield Text(plain(title(history)), style="bold")
        for finding in findings(history):
            yield indented(plain(finding))
        yield Text()
        body = [cells(columns, trend, scale) for trend in history.trends]
        styles = [
            STYLES.get(_verdict(trend), "dim" if trend.last.status == "ok" else "red") for trend in history.trends
        ]
        yield from terminal.table(columns, heads(columns, unit), body, width, styles=styles, file=FILE)
    yield Text()
    if found.histories:
        columns = columns_of(found.histories[0])
        yield terminal.legend([(column.head.partition(",")[0], column.meaning) for column in columns])
    else:
        yield Text("No run can be shown.", style="bold")


def to_markdown(found: Histories) -> str:
    """The same content in the same order, and what is in no history."""
    lines = ["# looprace: history", ""]
    for history in found.histories:
        columns = columns_of(history)
        scale, unit = _unit(history)
        lines += [f"## {escape_markdown(title(history))}", ""]
        lines += [f"- {escape_markdown(finding)}" for finding in findings(history)]
        body = [cells(columns, trend, scale) for trend in history.trends]
        lines += ["", *markdown.table(columns, heads(columns, unit), body), ""]
    for complaint in found.complaints:
        lines += [f"> {escape_markdown(complaint)}", ""]
    if found.histories:
        columns = columns_of(found.histories[0])
        named = zip(columns, heads(columns, "unit"), strict=True)
        lines += ["What the columns say:", "", *(f"- **{head}**: {column.meaning}" for column, head in named)]
    else:
        lines += ["No run can be shown."]
    return "\n".join([*lines, ""])


def page(found: Histories, drawn: Sequence[Figure]) -> bytes:
    """The same content as a page.

    drawn  a picture for each history
    """
    chapters = [
        simple_page.chapter(title(history), list(findings(history)), [picture], [_grid(history)])
        for history, picture in zip(found.histories, drawn, strict=True)
    ]
    unread = simple_page.chapter("In no history", [], [], [], found.complaints) if found.complaints else None
    said = "History of all runs" if found.histories else "No run can be shown"
    return simple_page.render(said, ["history"], [*chapters, *([unread] if unread else [])])


def _grid(history: History) -> simple_page.Grid:
    scale, unit = _unit(history)
    return simple_page.grid("The arms, those that changed first", columns_of(history), history.trends, scale, unit)


def document(found: Histories) -> dict[str, Any]:
    """For programs: plain dictionaries, lists, numbers and strings; what is not known is None."""
    return {
        "format": FORMAT,
        "histories": [
            {
                "machine": history.machine,
                "findings": list(findings(history)),
                "runs": [
                    {"run": run.name, "started": run.started, "commit": run.setup.others["commit"],
                     "software": dict(run.setup.software)}
                    for run in history.runs
                ],
                "arms": [_arm(history, trend) for trend in history.trends],
                "changes": [
                    {"label": turn.trend.label, "run": history.runs[turn.at].name, "factor": turn.factor,
                     "text": f"{turn.trend.name} {sentence(history, turn)}"}
                    for turn in turns(history)
                ],
            }
            for history in found.histories
        ],
        "complaints": list(found.complaints),
    }  # fmt: skip


def _arm(history: History, trend: Trend) -> dict[str, Any]:
    return {
        "label": trend.label,
        "implementation": trend.arm.implementation,
        "setting": msgspec.to_builtins(trend.arm.setting),
        "verdict": _verdict(trend),
        "ratio_levels": _levels(history, trend.ratio),
        "seconds_levels": _levels(history, trend.seconds),
        "points": [
            {"run": run.name, "status": point.status, "reason": point.reason,
             "seconds_per_update": estimate(point.seconds), "ratio": estimate(point.ratio)}
            for run, point in zip(history.runs, trend.points, strict=True) if point
        ],
    }  # fmt: skip


def _levels(history: History, found: Levels | None) -> dict[str, Any] | None:
    if found is None:
        return None
    starts = [history.runs[at].name for at in found.starts]
    levels = [{"since": run, "value": value} for run, value in zip(starts, found.values, strict=True)]
    return {"levels": levels, "runs_wanted": found.wanted}


def to_csv(found: Histories) -> str:
    """A line for each arm of each run, times in seconds, safe to open in a spreadsheet."""
    rows = [
        _row(history, at, trend, point)
        for history in found.histories
        for trend in history.trends
        for at, point in enumerate(trend.points)
        if point
    ]
    return safe_csv(pd.DataFrame(rows, columns=list(CSV)))


def _row(history: History, at: int, trend: Trend, point: Point) -> tuple[Any, ...]:
    run, setting = history.runs[at], point.arm.setting
    ends = [getattr(of, edge, None) for of in (point.seconds, point.ratio) for edge in ("value", "low", "high")]
    return (
        history.machine, run.name, run.started, run.setup.others["commit"], trend.label, point.arm.implementation,
        setting.device, setting.mode, point.status, point.reason, *ends,
        *(levels.at(at) if levels else None for levels in (trend.ratio, trend.seconds)),
    )  # fmt: skip


def write(found: Histories, palettes: Mapping[str, Palette], out: Store) -> list[str]:
    """history.html, .md, .csv and .json, and a picture for each machine. Returns the names, first the one to open.

    palettes  the colours of each machine's pictures
    """
    drawn = pictures(found.histories, palettes)
    files = {
        "history.html": page(found, drawn),
        FILE: to_markdown(found).encode(),
        "history.csv": to_csv(found).encode(),
        "history.json": pretty(document(found)),
    }
    for picture in drawn:
        files |= {f"figures/{picture.name}.{kind}": content for kind, content in picture.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def pictures(histories: Sequence[History], palettes: Mapping[str, Palette]) -> list[Figure]:
    """One for each machine."""
    return [
        figure.draw(history, palettes[history.machine], title(history), f"history-{number}" if number else "history")
        for number, history in enumerate(histories)
    ]
