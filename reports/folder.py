"""Writes every report of a run into a folder. Apart because it alone knows which formats there are."""

from collections.abc import Mapping, Sequence

from bench.record import Descent, Race, Record
from bench.store import Store, StoreError, pretty
from reports import (
    attribution_figure,
    attribution_text,
    bencher,
    blocks_figure,
    descent_figure,
    github_action_benchmark,
    growth_figure,
    ladder,
    line_figure,
    markdown,
    page,
    path_figure,
    payoff_figure,
    pyperf_format,
    pytest_benchmark,
    tables,
    watching_figure,
)
from reports.cast import cast_of
from reports.comparison import Comparison
from reports.document import document
from reports.picture import Picture
from reports.profiled import Profiled
from reports.rows import by_arm
from reports.target import targets

NOTHING: Mapping[Race, Profiled] = {}


def write(
    comparison: Comparison,
    records: Sequence[Record],
    run: Store,
    out: Store,
    complaints: Sequence[str] = (),
    profiled: Mapping[Race, Profiled] = NOTHING,
) -> list[str]:
    """index.html, summary.md, report.json, exports/ and figures/.

    Returns the names, first the one to open.

    complaints  of what could not be read
    profiled    what profiling found, of each race that was profiled
    """
    descents, unread = _descents(run, [result.race for result in comparison.races])
    complaints = [*complaints, *unread]
    drawn = pictures(comparison, records, descents, profiled)
    files = {
        "index.html": page.render(comparison, records, drawn, run, complaints, profiled),
        "summary.md": markdown.render(comparison, complaints, _spent(profiled)).encode(),
        "report.json": pretty(document(comparison, str(run.path), profiled)),
        "exports/pytest-benchmark.json": pytest_benchmark.export(comparison.plan, comparison.environment, records),
        "exports/github-action-benchmark.json": github_action_benchmark.export(comparison),
        "exports/bencher.json": bencher.export(comparison),
        "exports/pyperf.json": pyperf_format.export(comparison.plan, comparison.environment, records),
        "exports/records.csv": tables.to_csv(records).encode(),
        "exports/records.parquet": tables.to_parquet(records),
    }
    files |= {f"figures/{picture.name}.{kind}": content for picture in drawn for kind, content in picture.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def pictures(
    comparison: Comparison,
    records: Sequence[Record],
    descents: Mapping[Race, Descent],
    profiled: Mapping[Race, Profiled] = NOTHING,
) -> list[Picture]:
    """Every picture that the run can honestly give, those that say most first.

    The races of a sweep have their ladders only: what more there is to see of them is how they grow.
    """
    cast, races = cast_of(comparison), comparison.races
    seen = by_arm(records)
    drawn: list[Picture | None] = [growth_figure.draw(comparison.growth, cast)] if comparison.growth else []
    drawn += [ladder.draw(result, cast, _named("ladder", result.race, races)) for result in races]
    for race, found in profiled.items():
        if found.attributions:
            drawn.append(attribution_figure.draw(found.attributions, race.title, _named("attribution", race, races)))
    goals = targets(races, descents)
    drawn += [descent_figure.draw(goal, cast, _named("descent", goal.ways[0].result.race, goals)) for goal in goals]
    for result in races if not comparison.growth else ():
        race, descent = result.race, descents.get(result.race)
        drawn += [
            payoff_figure.draw(result, cast, _named("payoff", race, races)),
            watching_figure.draw(result, cast, _named("watching", race, races)),
            line_figure.draw(result, seen, descent, cast, _named("line", race, races)),
            path_figure.draw(result, seen, descent, cast, _named("path", race, races)),
            blocks_figure.draw(result, seen, cast, _named("blocks", race, races)),
        ]
    return [each for each in drawn if each]


def _spent(profiled: Mapping[Race, Profiled]) -> dict[Race, list[str]]:
    """Where the time goes, as Markdown."""
    return {
        race: ["Where an update's time goes:", "", *attribution_text.markdown(found.attributions)]
        for race, found in profiled.items()
        if found.attributions
    }


def _named(kind: str, race: Race, all_of_them: Sequence[object]) -> str:
    """The race is named only where there are others."""
    return f"{kind}-{race.slug}" if len(all_of_them) > 1 else kind


def _descents(run: Store, races: Sequence[Race]) -> tuple[dict[Race, Descent], list[str]]:
    """Those that the run kept; and a sentence for each that cannot be read: then only its pictures are left out."""
    found, unread = {}, []
    for race in races:
        try:
            if descent := run.descent(race):
                found[race] = descent
        except StoreError as error:
            unread.append(str(error))
    return found, unread
