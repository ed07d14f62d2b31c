"""The page: index.html, one file that needs no network, no script and no trust in what a record says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.record import FORMAT, Arm, Race, Record, grouped
from bench.results.store import Store
from reports.figures.kit.colours import palette_of
from reports.figures.kit.figure import Figure
from reports.html import banners, run_table, source
from reports.html.arm_details import ArmDetails, Fact, fold
from reports.html.kit import template
from reports.html.kit.template import PlacedFigure
from reports.html.run_table import Table
from reports.html.source import Source
from reports.profile.profiled import Profiled
from reports.run.columns import columns_of, unit_of
from reports.run.comparison import Comparison, RaceResult
from reports.run.rows import by_arm
from reports.run.sweep import sentence
from reports.text.columns import heads


@dataclass(frozen=True)
class Section:
    """A race: its findings, figures, table, and a fold for each of its arms."""

    id: str
    result: RaceResult
    ladders: tuple[PlacedFigure, ...]
    table: Table
    figures: list[PlacedFigure]
    folds: tuple[ArmDetails, ...]


@dataclass(frozen=True)
class Shown:
    """A source, and the id of the one fold that shows it: arms of one file share it."""

    id: str
    owner: str
    source: Source


def render(
    comparison: Comparison,
    records: Sequence[Record],
    pictures: Sequence[Figure],
    run: Store,
    complaints: Sequence[str] = (),
    profiled: Mapping[Race, Profiled] | None = None,
) -> bytes:
    """The whole page; the same bytes for the same arguments.

    pictures    those whose name begins with "ladder" come first, all others in their order
    run         has the sources and the animation
    complaints  what could not be read
    profiled    what profiling found, of each race that was profiled
    """
    growth = comparison.growth
    rows = banners.rows_of(comparison)
    columns = columns_of(rows)
    sections, others = _sections(comparison, by_arm(records), pictures, run, profiled or {})
    folds = [each for section in sections for each in section.folds]
    grown = [figure for figure in others if growth and figure.figure.name == "growth"]
    first = [*grown, *(sections[0].ladders if len(sections) == 1 else ())]
    page: dict[str, Any] = {
        "run": comparison.plan.run,
        "about": [part for part in (_about(comparison), _machine(comparison)) if part],
        "headline": banners.headline(comparison),
        "findings": banners.more(comparison),
        "banners": [banners.of_answers(rows), banners.of_machine(comparison.races, comparison.warnings)],
        "first": first,
        "growth": run_table.growth(growth) if growth else None,
        "crossings": [f"{sentence(each, growth.swept)}." for each in growth.crossings] if growth else [],
        "sections": sections,
        "figures": [figure for figure in others if figure not in first],
        "classes": run_table.classes(rows),
        "verdicts": run_table.verdicts(rows),
        "arms": len(rows),
        "sources": _sources(folds, run),
        "carried": _carried(folds),
        "legend": list(zip(heads(columns, "unit"), (column.meaning for column in columns), strict=True)),
        "environment": list(_flat(comparison.environment)),
        "strange": [*complaints, *_strange(comparison, records)],
        "missing": list(_missing(comparison, records, folds, run)),
        "doubts": comparison.warnings,
        "repeat": comparison.plan.command,
        "plan": list(_plan(comparison)),
    }
    return template.render("page.html", page["headline"][0], page, scripted=True)


def _sections(
    comparison: Comparison,
    records: Mapping[Arm, Sequence[Record]],
    pictures: Sequence[Figure],
    run: Store,
    profiled: Mapping[Race, Profiled],
) -> tuple[list[Section], list[PlacedFigure]]:
    """The races, and the figures that belong to none of them. A figure belongs to the race whose slug its name ends with."""
    palette = palette_of(comparison)
    columns = columns_of(banners.rows_of(comparison))
    slugs = [result.race.slug for result in comparison.races]
    owned: dict[str, list[PlacedFigure]] = {slug: [] for slug in slugs}
    others: list[PlacedFigure] = []
    for figure in map(template.placed, pictures):
        name = figure.figure.name
        owner = max((slug for slug in slugs if name.endswith(f"-{slug}")), key=len, default=None)
        if owner is None and name in ("ladder", "attribution") and slugs:
            owner = slugs[0]
        (others if owner is None else owned[owner]).append(figure)
    sections = []
    for number, result in enumerate(comparison.races, start=1):
        unit = unit_of(result.rows)
        places = {arm: place for place, arm in enumerate(result.race.arms)}
        folds = [
            fold(
                f"{number}-{places[row.arm]}",
                row,
                result.race,
                records.get(row.arm, ()),
                columns,
                unit,
                palette.colour(row.arm),
                run,
                profiled.get(result.race),
            )
            for row in result.rows
        ]
        mine = owned.pop(result.race.slug, [])
        ladders = tuple(figure for figure in mine if figure.figure.name.startswith(("ladder", "attribution")))
        sections.append(
            Section(
                id=f"race-{number}",
                result=result,
                ladders=ladders,
                table=run_table.table(result, columns, [each.id for each in folds]),
                figures=[figure for figure in mine if figure not in ladders],
                folds=tuple(folds),
            )
        )
    return sections, others


def _sources(folds: Iterable[ArmDetails], run: Store) -> dict[str, Shown]:
    """By implementation, those that the run kept."""
    found: dict[str, Shown] = {}
    for each in folds:
        name = each.row.arm.implementation
        if name not in found and source.is_name(name) and (text := run.source(name)):
            found[name] = Shown(each.id.replace("arm", "source"), each.id, source.read(text))
    return found


def _about(comparison: Comparison) -> str:
    if comparison.growth:
        return comparison.growth.title
    return comparison.races[0].race.title if len(comparison.races) == 1 else f"{len(comparison.races)} races"


def _carried(folds: Sequence[ArmDetails]) -> str:
    """The one fold whose drawing the page carries: they are large, and all right arms draw the same."""
    return next((each.id for each in folds if each.drawing), "")


def _machine(comparison: Comparison) -> str:
    machine = comparison.environment.get("machine")
    packages = comparison.environment.get("packages")
    said = [str(machine["processor"])] if isinstance(machine, dict) and machine.get("processor") else []
    if isinstance(machine, dict) and isinstance(machine.get("gpus"), list):
        said += [str(gpu["name"]) for gpu in machine["gpus"] if isinstance(gpu, dict) and "name" in gpu]
    if isinstance(packages, dict) and packages.get("torch"):
        said.append(f"PyTorch {packages['torch']}")
    return ", ".join(said)


def _plan(comparison: Comparison) -> Iterator[Fact]:
    plan = comparison.plan
    yield Fact("run", plan.run)
    yield Fact("rounds", f"{' to '.join(map(str, dict.fromkeys(plan.rounds)))} of each race")
    yield Fact("stops early", f"when the ratios are known to ± {plan.precision:.1%}")
    yield Fact("seed", str(plan.seed), "of the order of the laps")
    yield Fact("format", str(plan.format), "of plan and records")


def _flat(value: Any, path: str = "") -> Iterator[Fact]:
    """Every leaf of a JSON document, whatever its shape."""
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


def _strange(comparison: Comparison, records: Sequence[Record]) -> Iterator[str]:
    """What the reader should know before believing anything."""
    plan = comparison.plan
    if not records:
        yield "There is no record: the run ended before its first round was over. `--resume` goes on with it."
    planned = {arm for race in plan.races for arm in race.arms}
    if strange := sum(record.arm not in planned for record in records):
        yield f"{grouped(strange)} of the records are of arms that are not in the plan: they are not shown."
    if others := sorted({record.run for record in records} - {plan.run}):
        yield f"Records of another run are among them, perhaps of another machine: {', '.join(others)}."


def _missing(
    comparison: Comparison, records: Sequence[Record], folds: Sequence[ArmDetails], run: Store
) -> Iterator[str]:
    """What the run did not keep."""
    older = sorted({record.format for record in records if record.format < FORMAT})
    if older:
        yield f"Its records are of format {' and '.join(map(str, older))}; today's is {FORMAT}, which keeps more."
    if not comparison.environment:
        yield "There is no environment.json: nobody knows which machine this was."
    names = {each.row.arm.implementation for each in folds}
    silent = sorted(name for name in names if not (source.is_name(name) and run.source(name)))
    if silent and len(silent) == len(names):
        yield "It kept no sources: the folds do not say what an arm does."
    elif silent:
        yield f"It kept no source of {', '.join(silent)}."
