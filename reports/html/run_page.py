"""The page of a run, index.html: one file that needs no network and no script, and is safe whatever a record holds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.results.record import FORMAT
from bench.results.store import Store
from impls.contract.words import grouped
from reports.figures.kit.figure import Figure
from reports.growth import scaling_text
from reports.html import banners, run_table, source
from reports.html.arm_details import ArmDetails, Fact, arm_details
from reports.html.kit import template
from reports.html.kit.template import PlacedFigure
from reports.html.run_table import Table
from reports.html.source import Source
from reports.profile import predictions
from reports.run import climb_text
from reports.run.climb import ClimbResult
from reports.run.report import RaceResult, RunReport
from reports.run.sweep import finding
from reports.text.columns import Column, cells, heads

T = TypeVar("T")


@dataclass(frozen=True)
class SmallTable:
    """A table that nobody sorts: its heading, heads with their meaning and whether they are set to the right, and cells."""

    heading: str
    heads: tuple[tuple[str, str, bool], ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ClimbSection:
    """A climb: how it went, its steps up, and what each rewrite was worth or added."""

    summary: str
    steps_up: SmallTable
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A race: its findings, figures and table, details of its arms, its step's file, its climb, and what rewrites can save."""

    id: str
    result: RaceResult
    ladders: tuple[PlacedFigure, ...]
    table: Table
    figures: list[PlacedFigure]
    arms: tuple[ArmDetails, ...]
    step: Source | None
    climb: ClimbSection | None
    predictions: SmallTable | None


@dataclass(frozen=True)
class ShownSource:
    """The source of an implementation, its id, and the id of the arm whose details show it: other arms link to it."""

    id: str
    owner: str
    source: Source


def render(report: RunReport, figures: Sequence[Figure], run: Store) -> bytes:
    """The whole page; the same bytes for the same arguments.

    figures  in their order
    run      has the sources and the animations
    """
    sweep, rows = report.sweep, report.listed
    placed = [template.placed(figure) for figure in figures]
    sections = [_section(number, result, report, placed, run) for number, result in enumerate(report.races, start=1)]
    details = [each for section in sections for each in section.arms]
    first = [each for each in placed if each.figure.kind == "growth"]
    first += sections[0].ladders if len(sections) == 1 else ()
    page: dict[str, Any] = {
        "run": report.plan.run,
        "about": [part for part in (_about(report), _machine(report)) if part],
        "headline": banners.headline(report),
        "findings": banners.more(report),
        "banners": [banners.of_answers(rows), banners.of_machine(report.races, report.warnings)],
        "summaries": list(dict.fromkeys(step.summary for result in report.races if (step := result.step))),
        "patch": step.patch if len(report.races) == 1 and (step := report.races[0].step) else None,
        "first": first,
        "sweep": run_table.sweep_table(sweep) if sweep else None,
        "crossings": [finding(crossing, sweep.unit).text for crossing in sweep.crossings] if sweep else [],
        "scaling": list(scaling_text.told(sweep.swept, sweep.scalings)) if sweep else [],
        "sections": sections,
        "figures": [each for each in placed if each not in first and (len(sections) == 1 or each.figure.race is None)],
        "classes": run_table.classes(rows),
        "verdicts": run_table.verdicts(rows),
        "arms": len(rows),
        "sources": _sources(details, run),
        "carried": _carried(details),
        "legend": [(head, c.meaning) for head, c in zip(heads(report.columns, "unit"), report.columns, strict=True)],
        "environment": list(_flat(report.environment)),
        "strange": [*report.complaints, *_strange(report)],
        "missing": list(_missing(report, details, run)),
        "doubts": report.warnings,
        "repeat": report.plan.command,
        "plan": list(_plan(report)),
    }
    return template.render("page.html", page["headline"][0], page, scripted=True)


def _section(number: int, result: RaceResult, report: RunReport, placed: Sequence[PlacedFigure], run: Store) -> Section:
    places = {arm: place for place, arm in enumerate(result.race.arms)}
    details = tuple(
        arm_details(f"{number}-{places[row.arm]}", row, result, report.columns, report.palette.colour(row.arm), run)
        for row in result.listed
    )
    own = [each for each in placed if each.figure.race == result.race]
    ladders = tuple(each for each in own if each.figure.kind in ("staircase", "ladder", "attribution"))
    return Section(
        id=f"race-{number}",
        result=result,
        ladders=ladders,
        table=run_table.table(result, report.columns, [each.id for each in details]),
        figures=[each for each in own if each not in ladders],
        arms=details,
        climb=_climb(result.climb) if result.climb else None,
        predictions=_predictions(result),
        step=source.read(text) if result.step and (text := run.step(result.race)) else None,
    )


def _climb(climb: ClimbResult) -> ClimbSection:
    return ClimbSection(
        summary=climb_text.summary(climb),
        steps_up=_small_table(climb_text.HEADING, climb_text.STEP_COLUMNS, climb.steps_up),
        remarks=tuple(climb_text.remarks(climb)),
    )


def _predictions(result: RaceResult) -> SmallTable | None:
    found = result.profiled.predictions if result.profiled else ()
    return _small_table(predictions.HEADING, predictions.COLUMNS, found) if found else None


def _small_table(heading: str, columns: Sequence[Column[T]], rows: Sequence[T]) -> SmallTable:
    return SmallTable(
        heading=heading,
        heads=tuple((column.head, column.meaning, column.right) for column in columns),
        lines=tuple(tuple(cells(columns, row)) for row in rows),
    )


def _sources(details: Iterable[ArmDetails], run: Store) -> dict[str, ShownSource]:
    """The sources that the run kept, by implementation."""
    shown: dict[str, ShownSource] = {}
    for each in details:
        name = each.row.arm.implementation
        if name not in shown and source.is_name(name) and (text := run.source(name)):
            shown[name] = ShownSource(each.id.replace("arm", "source"), each.id, source.read(text))
    return shown


def _about(report: RunReport) -> str:
    if report.sweep:
        return report.sweep.title
    return report.races[0].race.title if len(report.races) == 1 else f"{len(report.races)} races"


def _carried(details: Sequence[ArmDetails]) -> str:
    """The id of the one arm whose animation the page carries: they are large, and all right arms draw the same."""
    return next((each.id for each in details if each.animation), "")


def _machine(report: RunReport) -> str:
    machine = report.environment.get("machine")
    packages = report.environment.get("packages")
    parts = [str(machine["processor"])] if isinstance(machine, dict) and machine.get("processor") else []
    if isinstance(machine, dict) and isinstance(machine.get("gpus"), list):
        parts += [str(gpu["name"]) for gpu in machine["gpus"] if isinstance(gpu, dict) and "name" in gpu]
    if isinstance(packages, dict) and packages.get("torch"):
        parts.append(f"PyTorch {packages['torch']}")
    return ", ".join(parts)


def _plan(report: RunReport) -> Iterator[Fact]:
    plan = report.plan
    yield Fact("run", plan.run)
    yield Fact("rounds", f"{' to '.join(map(str, dict.fromkeys(plan.rounds)))} of each race")
    yield Fact("stops early", f"when the ratios are known to ± {plan.precision:.1%}")
    if forked := {record.arm for record in report.records if record.forked}:
        arms = dict.fromkeys(arm.name for race in plan.races for arm in race.arms if arm not in forked)
        others = f"; started anew each time: {', '.join(arms)}" if arms else ""
        yield Fact("processes", f"forked from the second round on{others}", "from one that has loaded the framework")
    yield Fact("seed", str(plan.seed), "of the order of the laps")
    yield Fact("format", str(plan.format), "of plan and records")


def _flat(value: Any, path: str = "") -> Iterator[Fact]:
    """Every value in a JSON document, whatever its shape."""
    name = path.replace("_", " ")
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path} · {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for place, inner in enumerate(value, start=1):
            yield from _flat(inner, f"{path} {place}")
    elif isinstance(value, list):
        yield Fact(name, ", ".join(map(str, value)) or "none")
    elif path.endswith("_bytes") and isinstance(value, int):
        yield Fact(name.removesuffix(" bytes"), f"{value / 2**30:.3g} GiB")
    elif isinstance(value, bool) or value is None:
        yield Fact(name, {True: "yes", False: "no", None: "not known"}[value])
    elif path:
        yield Fact(name, "none" if value in ({}, "") else str(value))


def _strange(report: RunReport) -> Iterator[str]:
    """What the reader should know before trusting the numbers."""
    plan, records = report.plan, report.records
    if not records:
        yield "There is no record: the run was stopped before its first round was finished. `--resume` continues it."
    planned = {arm for race in plan.races for arm in race.arms}
    if strange := sum(record.arm not in planned for record in records):
        yield f"{grouped(strange)} of the records are of arms that are not in the plan; they are not shown."
    if others := sorted({record.run for record in records} - {plan.run}):
        yield f"Some records are of another run, perhaps of another machine: {', '.join(others)}."


def _missing(report: RunReport, details: Sequence[ArmDetails], run: Store) -> Iterator[str]:
    """What the run did not keep."""
    older = sorted({record.format for record in report.records if record.format < FORMAT})
    if older:
        yield f"Its records are of format {' and '.join(map(str, older))}; today's is {FORMAT}, which keeps more."
    if not report.environment:
        yield "There is no environment.json, so the machine is not known."
    names = {each.row.arm.implementation for each in details if not each.row.is_step}
    silent = sorted(name for name in names if not (source.is_name(name) and run.source(name)))
    if silent and len(silent) == len(names):
        yield "It kept no sources, so the page does not show what an arm does."
    elif silent:
        yield f"It kept no source of {', '.join(silent)}."
