"""Writes every report of a run into a folder. Apart because it alone knows which formats there are."""

from collections.abc import Mapping, Sequence

from bench.results.record import LossCurve, Race, Record
from bench.results.store import Store, StoreError, pretty
from reports.exports import bencher, csv_parquet, github_action_benchmark, pyperf_format, pytest_benchmark
from reports.figures import blocks, break_even, fitted_line, ladder, sweep, time_to_loss, watching, weight_path
from reports.figures.kit.colours import palette_of
from reports.figures.kit.figure import Figure
from reports.html import run_page
from reports.json_document import document
from reports.profile import figure, text
from reports.profile.profiled import Profiled
from reports.run import markdown
from reports.run.comparison import Comparison
from reports.run.rows import by_arm
from reports.run.time_to_loss import targets

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
        "index.html": run_page.render(comparison, records, drawn, run, complaints, profiled),
        "summary.md": markdown.render(comparison, complaints, _spent(profiled)).encode(),
        "report.json": pretty(document(comparison, str(run.path), profiled)),
        "exports/pytest-benchmark.json": pytest_benchmark.export(comparison.plan, comparison.environment, records),
        "exports/github-action-benchmark.json": github_action_benchmark.export(comparison),
        "exports/bencher.json": bencher.export(comparison),
        "exports/pyperf.json": pyperf_format.export(comparison.plan, comparison.environment, records),
        "exports/records.csv": csv_parquet.to_csv(records).encode(),
        "exports/records.parquet": csv_parquet.to_parquet(records),
    }
    files |= {f"figures/{picture.name}.{kind}": content for picture in drawn for kind, content in picture.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def pictures(
    comparison: Comparison,
    records: Sequence[Record],
    descents: Mapping[Race, LossCurve],
    profiled: Mapping[Race, Profiled] = NOTHING,
) -> list[Figure]:
    """Every picture that the run can honestly give, those that say most first.

    The races of a sweep have their ladders only: what more there is to see of them is how they grow.
    """
    palette, races = palette_of(comparison), comparison.races
    seen = by_arm(records)
    drawn: list[Figure | None] = [sweep.draw(comparison.growth, palette)] if comparison.growth else []
    drawn += [ladder.draw(result, palette, _named("ladder", result.race, races)) for result in races]
    for race, found in profiled.items():
        if found.attributions:
            drawn.append(figure.draw(found.attributions, race.title, _named("attribution", race, races)))
    goals = targets(races, descents)
    drawn += [time_to_loss.draw(goal, palette, _named("descent", goal.ways[0].result.race, goals)) for goal in goals]
    for result in races if not comparison.growth else ():
        race, descent = result.race, descents.get(result.race)
        drawn += [
            break_even.draw(result, palette, _named("payoff", race, races)),
            watching.draw(result, palette, _named("watching", race, races)),
            fitted_line.draw(result, seen, descent, palette, _named("line", race, races)),
            weight_path.draw(result, seen, descent, palette, _named("path", race, races)),
            blocks.draw(result, seen, palette, _named("blocks", race, races)),
        ]
    return [each for each in drawn if each]


def _spent(profiled: Mapping[Race, Profiled]) -> dict[Race, list[str]]:
    """Where the time goes, as Markdown."""
    return {
        race: ["Where an update's time goes:", "", *text.markdown(found.attributions)]
        for race, found in profiled.items()
        if found.attributions
    }


def _named(kind: str, race: Race, all_of_them: Sequence[object]) -> str:
    """The race is named only where there are others."""
    return f"{kind}-{race.slug}" if len(all_of_them) > 1 else kind


def _descents(run: Store, races: Sequence[Race]) -> tuple[dict[Race, LossCurve], list[str]]:
    """Those that the run kept; and a sentence for each that cannot be read: then only its pictures are left out."""
    found, unread = {}, []
    for race in races:
        try:
            if descent := run.descent(race):
                found[race] = descent
        except StoreError as error:
            unread.append(str(error))
    return found, unread
