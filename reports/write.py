"""Writes every report of a run into a folder."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from bench.results.store import Store, pretty
from reports.exports import bencher, csv_parquet, github_action_benchmark, pyperf_format, pytest_benchmark
from reports.figures import (
    blocks,
    break_even,
    fitted_line,
    ladder,
    staircase,
    sweep,
    time_to_loss,
    watching,
    weight_path,
)
from reports.figures.kit.figure import Figure
from reports.formats import NONE, Formats
from reports.html import run_page
from reports.json_document import document
from reports.profile import figure as attribution_figure
from reports.run import markdown
from reports.run.report import RunReport
from reports.run.time_to_loss import targets

EXPORTS: Mapping[str, tuple[str, Callable[[RunReport], bytes]]] = {  # file and function of each of `formats.EXPORTS`
    "pyperf": ("pyperf.json", pyperf_format.export),
    "github-action-benchmark": ("github-action-benchmark.json", github_action_benchmark.export),
    "bencher": ("bencher.json", bencher.export),
    "parquet": ("records.parquet", lambda report: csv_parquet.to_parquet(report.records)),
}


def write(report: RunReport, run: Store, out: Store, formats: Formats = NONE) -> list[str]:
    """Writes index.html, summary.md, report.json, exports/, figures/ and the patches of steps; returns their names.

    The first is the one to open.

    run      has the sources and the animations
    formats  to write figures and exports in, besides those that are always written
    """
    drawn = [figure.in_formats(formats.figures) for figure in figures(report)]
    files = {
        "index.html": run_page.render(report, drawn, run),
        "summary.md": markdown.render(report).encode(),
        "report.json": pretty(document(report, str(out.path))),
        "exports/pytest-benchmark.json": pytest_benchmark.export(report),
        "exports/records.csv": csv_parquet.to_csv(report.records).encode(),
    }
    files |= {name: patch.encode() for name, patch in patches(report).items()}
    files |= {f"exports/{name}": export(report) for name, export in map(EXPORTS.__getitem__, formats.exports)}
    files |= {f"figures/{each.name}.{ending}": content for each in drawn for ending, content in each.files.items()}
    for name, content in files.items():
        out.write(name, content)
    return list(files)


def patches(report: RunReport) -> dict[str, str]:
    """The lines to paste for the fastest recipe of each step, by the file that they are written to."""
    several = len(report.races) > 1
    return {
        f"patch-{result.race.slug}.py" if several else "patch.py": result.step.patch.text
        for result in report.races
        if result.step and result.step.patch
    }


def figures(report: RunReport) -> list[Figure]:
    """Every figure that the run allows, those that say most first; where there are several races, named after theirs."""
    several = len(report.races) > 1
    return [
        replace(figure, name=f"{figure.kind}-{figure.race.slug}") if figure.race and several else figure
        for figure in _drawn(report)
        if figure
    ]


def _drawn(report: RunReport) -> Iterator[Figure | None]:
    """The races of a sweep have their ladders only: what else there is to see of them is how they grow."""
    palette, races = report.palette, report.races
    if report.sweep:
        yield sweep.draw(report.sweep, palette)
    for result in races:
        yield staircase.draw(result)
    for result in races:
        yield ladder.draw(result, palette)
    for result in races:
        if result.profiled and result.profiled.attributions:
            yield attribution_figure.draw(result.profiled.attributions, result.race.title, result.race)
    goals = targets(races)
    for goal in goals:
        yield time_to_loss.draw(goal, palette, goal.ways[0].result.race if len(goals) > 1 else None)
    for result in races if not report.sweep else ():
        yield break_even.draw(result, palette)
        yield watching.draw(result, palette)
        yield fitted_line.draw(result, palette)
        yield weight_path.draw(result, palette)
        yield blocks.draw(result, palette)
