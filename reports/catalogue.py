"""The catalogue as `python -m bench list` shows it, as tables and as a JSON document."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from impls.contract import Domain, catalogue
from impls.recipe import steps
from impls.recipe.recipe import rewrites
from impls.recipe.rewrite import Rewrite
from impls.recipe.step_file import StepFile

FORMAT = 1


def render() -> Iterator[RenderableType]:
    """Steps with their parameters, rewrites with their groups, workloads, and implementations with where they are raced."""
    yield Text("steps", style="bold")
    yield _table((step.name, step.summary, _parameters(step)) for step in steps.choose(["steps/*"]))
    yield Text("\nrewrites of any step", style="bold")
    yield _table((name, rewrite.summary, _place(rewrite)) for name, rewrite in rewrites().items())
    yield Text()
    yield Text("workloads", style="bold")
    yield _table((each.name, each.summary, "") for each in catalogue.workloads().values())
    for complaint in catalogue.complaints():
        yield Text(f"  {complaint}", style="red")
    yield Text("\nimplementations", style="bold")
    yield _table(
        (each.name, each.summary, each.complaint or each.missing() or _raced(each))
        for each in catalogue.implementations().values()
    )


def document() -> dict[str, Any]:
    """The same as plain dictionaries and lists."""
    return {
        "format": FORMAT,
        "steps": [
            {"name": step.name, "summary": step.summary, "parameters": dict(step.parameters), "ways": list(step.ways)}
            for step in steps.choose(["steps/*"])
        ],
        "rewrites": [
            {
                "name": name,
                "summary": rewrite.summary,
                "group": rewrite.group,
                "numerics": rewrite.numerics,
                "effort": rewrite.effort,
                "devices": list(rewrite.devices),
                "needs": list(rewrite.needs),
                "excludes": list(rewrite.excludes),
            }
            for name, rewrite in rewrites().items()
        ],
        "workloads": [{"name": each.name, "summary": each.summary} for each in catalogue.workloads().values()],
        "implementations": [
            {
                "name": each.name,
                "summary": each.summary,
                "class": each.work,
                "modes": dict(each.domain.modes),
                "devices": list(each.domain.devices),
                "batches": list(each.domain.batches),
                "needs": list(each.needs),
                "missing": each.missing(),
                "complaint": each.complaint,
            }
            for each in catalogue.implementations().values()
        ],
    }


def _parameters(step: StepFile) -> str:
    """ "hidden=128, lr=0.001": the parameters with their defaults."""
    return ", ".join(f"{name}={value}" for name, value in step.parameters.items())


def _place(rewrite: Rewrite) -> str:
    """ "precision, coarser; cuda": its group, whether its answers are less exact, and where it is raced."""
    exact = ", coarser" if rewrite.numerics == "coarser" else ""
    return f"{rewrite.group}{exact}; {', '.join(rewrite.devices)}"


def _raced(entry: catalogue.Entry) -> str:
    """ "cpu, cuda: eager, compile": devices and modes; kinds of batch where it does not take all of them."""
    domain = entry.domain
    kinds = "" if len(domain.batches) == len(Domain().batches) else f"; {', '.join(domain.batches)} batches"
    return f"{', '.join(domain.devices)}: {', '.join(domain.modes)}{kinds}"


def _table(items: Iterator[tuple[str, str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 2))
    table.add_column(no_wrap=True, min_width=28)
    table.add_column()
    table.add_column(max_width=40)
    for name, summary, needs in items:
        table.add_row(
            Text(name),
            Text(summary),
            Text(needs, style="yellow" if "pip install" in needs else "red" if needs.startswith("impls/") else "dim"),
        )
    return table
