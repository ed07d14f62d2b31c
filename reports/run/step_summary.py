"""What a report says of a race of a step besides its findings and its table: the patch, what does not apply, remarks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.results.examined import Examined
from bench.results.record import Compiler
from impls.contract.words import counted
from reports.run.rows import NOT_TRIED, Row
from reports.run.step_findings import fastest_recipes, simplest


@dataclass(frozen=True)
class Patch:
    """The lines that a person puts at the end of a step's file to get a recipe."""

    recipe: str
    file: str
    text: str

    @property
    def title(self) -> str:
        """What to do with the lines."""
        return f"For {self.recipe}, put these lines at the end of {self.file}:"


@dataclass(frozen=True)
class Remarks:
    """Sentences without their full stops, under a heading; `faint` where they are of little weight."""

    heading: str
    lines: tuple[str, ...]
    faint: bool = False


@dataclass(frozen=True)
class StepSummary:
    """A race of a step.

    summary  the first line of its file; empty where it was not examined
    patch    of the fastest faithful recipe; None where nothing is faster
    remarks  what does not apply, what the step is like, what was compiled
    """

    summary: str
    patch: Patch | None
    remarks: tuple[Remarks, ...]


def summary_of(rows: Sequence[Row], examined: Examined | None, top: Row | None = None) -> StepSummary:
    """The summary of a race with these rows.

    top  the recipe that a climb from them ended with
    """
    best = top or simplest(fastest_recipes(rows))
    patch = patch_of(best) if best else None
    remarks = (
        Remarks("Does not apply here", tuple(_refused(rows, examined)), faint=True),
        Remarks("What this step is like", tuple(_findings(examined))),
        Remarks("What was compiled", tuple(_compiled(rows))),
        Remarks("Not compared", tuple(_left_out(rows)), faint=True),
    )
    return StepSummary(examined.summary if examined else "", patch, tuple(each for each in remarks if each.lines))


def patch_of(row: Row) -> Patch | None:
    """The patch of a row; None where it has none, as the step itself has not."""
    workload = row.arm.workload
    file = workload if workload.endswith(".py") else f"{workload}.py"
    return Patch(row.arm.implementation, file, row.patch.strip("\n") + "\n") if row.patch else None


def _refused(rows: Sequence[Row], examined: Examined | None) -> Iterator[str]:
    """The rewrites that do not apply and the arms that cannot run here, those with the same reason in one line."""
    reasons = {each.name: each.reason for each in (examined.rewrites if examined else ()) if not each.applies}
    reasons |= {row.arm.name: row.reason for row in rows if row.status in NOT_TRIED}
    yield from _by_text(reasons)


def _findings(examined: Examined | None) -> Iterator[str]:
    """What was found out about the step, each with what to do about it."""
    for finding in examined.findings if examined else ():
        yield ": ".join(filter(None, [finding.text, finding.advice]))


def _compiled(rows: Sequence[Row]) -> Iterator[str]:
    """How many graphs each compiled recipe has, why they break, and whether it was compiled again while it was timed."""
    yield from _by_text({row.arm.name: text for row in rows if row.compiled and (text := graphs(row.compiled))})


def graphs(compiler: Compiler) -> str:
    """ "2 graphs, because of 1 break (print); compiled again 3 times while it was timed"; empty for nothing compiled."""
    if not (compiler.graphs or compiler.breaks or compiler.recompilations):
        return ""
    breaks = (
        f", {counted(len(compiler.breaks), 'reason')} to break: {'; '.join(compiler.breaks)}" if compiler.breaks else ""
    )
    again = counted(compiler.recompilations, "time")
    return (
        counted(compiler.graphs, "graph")
        + breaks
        + (f"; compiled again {again} while it was timed, which is in its time" if compiler.recompilations else "")
    )


def _left_out(rows: Iterable[Row]) -> Iterator[str]:
    """The tensors that the referee left out of every comparison in which they stand, each with its reason once."""
    yield from dict.fromkeys(text for row in rows if row.answer for text in row.answer.left_out)


def _by_text(texts: Mapping[str, str]) -> Iterator[str]:
    """One line for each text, after the names that share it."""
    sharing: dict[str, list[str]] = {}
    for name, text in texts.items():
        sharing.setdefault(text, []).append(name)
    for text, names in sharing.items():
        yield f"{', '.join(names)}: {text}"
