"""The table of a history, its CSV and JSON documents, and all files of its report."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from rich.console import RenderableType

from bench.results.statistics import Estimate
from bench.results.store import Store
from impls.contract.words import counted
from reports.figures.kit.figure import Figure
from reports.history import figure
from reports.history.text import findings, in_digits, sentence, steps
from reports.history.trends import Histories, History, Levels, Point, Trend
from reports.html.kit import simple_page
from reports.text import chapters, numbers
from reports.text.chapters import Chapter
from reports.text.columns import NOTHING, Column
from reports.text.csv import safe_csv
from reports.text.json import estimate, of_setting

FORMAT = 1
TITLE = "History of all runs"
NO_RUN = "No run can be shown."
FILE = "history.md"
STYLES = {"slower": "yellow", "faster": "green"}
CSV = (
    "machine", "run", "started", "commit", "arm", "implementation", "device", "mode", "status", "reason",
    "seconds", "seconds_low", "seconds_high", "ratio", "ratio_low", "ratio_high", "ratio_level", "seconds_level",
)  # fmt: skip


def columns_of(history: History) -> tuple[Column[Trend], ...]:
    """The columns of the table of arms: the time in the latest run, and the latest change."""
    dates = [run.date for run in history.runs]
    return (
        Column(
            "arm",
            "the file below impls/ with device and mode, or the recipe of a step",
            lambda trend, _: trend.name,
            right=False,
            wraps=True,
        ),
        Column(
            "runs",
            "runs in which it was measured and its answer was right, of those that had it",
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
            "what its latest change made it, against the reference; for the reference itself, by the clock",
            lambda trend, _: _verdict(trend),
            right=False,
            id="verdict",
        ),
        Column(
            "change",
            "its x reference since its latest change, compared with before",
            lambda trend, _: _change(trend.levels),
        ),
        Column(
            "since",
            "the day of the first run after that change",
            lambda trend, _: dates[trend.levels.changes[-1][0]] if trend.levels and trend.levels.changes else NOTHING,
            right=False,
        ),
        Column(
            "by the clock",
            "the latest change of its seconds, in which drift of the machine counts, and the day",
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


def _estimate(value: Estimate | None, scale: float = 1.0) -> str:
    return numbers.estimate(value, scale) if value else NOTHING


def _verdict(trend: Trend) -> str:
    if trend.last.status != "ok":
        return trend.last.status.replace("_", " ")
    if trend.levels is None:
        return NOTHING
    if trend.levels.wanted:
        return f"{trend.levels.wanted} more {'run' if trend.levels.wanted == 1 else 'runs'}"
    changes = trend.levels.changes
    return "steady" if not changes else "slower" if changes[-1][1] > 1 else "faster"


def _change(levels: Levels | None) -> str:
    if not levels or not levels.changes:
        return NOTHING
    return in_digits(levels.changes[-1][1])


def _unit(history: History) -> tuple[float, str]:
    """The unit of the lower quartile of times, so that one arm that reads no data does not make all other numbers long."""
    times = sorted(trend.last.seconds.value for trend in history.trends if trend.last.seconds)
    return numbers.unit_for(times[len(times) // 4 : len(times) // 4 + 1])


def title(history: History) -> str:
    """ "3 runs on AMD EPYC, 2 cores, 2026-11-23 to 2026-11-27"."""
    first, last = history.runs[0].date, history.runs[-1].date
    days = first if first == last else f"{first} to {last}"
    return f"{counted(len(history.runs), 'run')} on {history.machine}, {days}"


def chapter(history: History) -> Chapter:
    """The findings of a history, and the table of its arms."""
    styles = [STYLES.get(_verdict(trend), "dim" if trend.last.status == "ok" else "red") for trend in history.trends]
    arms = chapters.table(
        "The arms, those that changed first", columns_of(history), history.trends, *_unit(history), styles=styles
    )
    return Chapter(title(history), tuple(findings(history)), (arms,))


def report(histories: Histories) -> list[Chapter]:
    """A chapter for each history, then one for the runs and files that are in none."""
    written = [chapter(history) for history in histories.histories] or [Chapter(NO_RUN)]
    left_out = [Chapter("In no history", doubts=histories.complaints)] if histories.complaints else []
    return [*written, *left_out]


def render(histories: Histories, width: int) -> Iterator[RenderableType]:
    """The report for a terminal of so many characters a line; complaints have been shown as warnings already."""
    written = report(replace(histories, complaints=()))
    return chapters.to_terminal(TITLE, written, width, FILE)


def document(histories: Histories) -> dict[str, Any]:
    """The JSON document: plain dictionaries, lists, numbers and strings; None where something is not known."""
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
                    {"label": step.trend.key, "run": history.runs[step.at].name, "factor": step.factor,
                     "text": f"{step.trend.name} {sentence(history, step)}"}
                    for step in steps(history)
                ],
            }
            for history in histories.histories
        ],
        "complaints": list(histories.complaints),
    }  # fmt: skip


def _arm(history: History, trend: Trend) -> dict[str, Any]:
    return {
        "label": trend.key,
        "implementation": trend.arm.implementation,
        "setting": of_setting(trend.arm.setting),
        "verdict": _verdict(trend),
        "ratio_levels": _levels(history, trend.ratio),
        "seconds_levels": _levels(history, trend.seconds),
        "points": [
            {"run": run.name, "status": point.status, "reason": point.reason,
             "seconds_per_update": estimate(point.seconds), "ratio": estimate(point.ratio)}
            for run, point in zip(history.runs, trend.points, strict=True) if point
        ],
    }  # fmt: skip


def _levels(history: History, levels: Levels | None) -> dict[str, Any] | None:
    if levels is None:
        return None
    starts = [history.runs[at].name for at in levels.starts]
    values = [{"since": run, "value": value} for run, value in zip(starts, levels.values, strict=True)]
    return {"levels": values, "runs_wanted": levels.wanted}


def to_csv(histories: Histories) -> str:
    """The CSV: a line for each arm of each run, times in seconds, safe to open in a spreadsheet."""
    rows = [
        _row(history, at, trend, point)
        for history in histories.histories
        for trend in history.trends
        for at, point in enumerate(trend.points)
        if point
    ]
    return safe_csv(pd.DataFrame(rows, columns=list(CSV)))


def _row(history: History, at: int, trend: Trend, point: Point) -> tuple[Any, ...]:
    run, setting = history.runs[at], point.arm.setting
    ends = [getattr(of, edge, None) for of in (point.seconds, point.ratio) for edge in ("value", "low", "high")]
    return (
        history.machine, run.name, run.started, run.setup.others["commit"], trend.key, point.arm.implementation,
        setting.device, setting.mode, point.status, point.reason, *ends,
        *(levels.at(at) if levels else None for levels in (trend.ratio, trend.seconds)),
    )  # fmt: skip


def write(histories: Histories, out: Store, formats: Sequence[str] = ()) -> list[str]:
    """Writes history.html, .md, .csv and .json, and a figure for each machine. Returns the names, first the one to open."""
    written: list[tuple[Chapter, list[Figure]]] = [(chapter, []) for chapter in report(histories)]
    for number, history in enumerate(histories.histories):
        name = f"history-{number}" if number else "history"
        written[number][1].append(figure.draw(history, title(history), name).in_formats(formats))
    return simple_page.write(
        "history",
        TITLE if histories.histories else NO_RUN,
        ["history"],
        written,
        document(histories),
        out,
        [("history.csv", to_csv(histories).encode())],
    )
