"""The score of the gate beside its rivals, as Markdown and as rows for CSV: counts, for the numbers are small."""

from collections.abc import Sequence

from bench.results.gate import Margins
from bench.results.gate_score import AtLevel, Method, Score, Share
from bench.results.record import grouped
from reports.text.sanitize import escape_markdown

COLUMNS = (
    "method",
    "slowdown",
    "trials",
    "slower",
    "slower_low",
    "slower_high",
    "faster",
    "passed",
    "unresolved",
    "seconds_a_comparison",
)


def render(score: Score) -> str:
    """The table with all that is needed to judge it."""
    arms = ", ".join(arm.name for arm in score.arms)
    packages = ", ".join(f"{name} {version}" for name, version in score.versions.items())
    sessions = f"{score.sessions} session" + "s" * (score.sessions != 1)
    lines = [
        "# The gate beside those that people use",
        "",
        escape_markdown(f"{score.machine}; {packages}. {sessions}, {score.trials} trials of {arms}; {budget(score)}"),
        "",
        *_table(score),
        "",
        "Each count has its exact 95 % binomial interval, as if trials were independent.",
        "",
        "How each method decides, and what it decides by:",
        "",
        *(
            f"- **{escape_markdown(each.name)}**: {escape_markdown(each.rule)}. Measured: {escape_markdown(each.way)}."
            for each in score.methods
        ),
        "",
        *(f"- {escape_markdown(note)}" for note in notes()),
        "",
    ]
    return "\n".join(lines)


def budget(score: Score) -> str:
    """What all methods had alike."""
    return f"every method had {score.budget:g} s of wall time a comparison, with starting its processes."


def notes() -> list[str]:
    """What favours whom, and what nobody is asked for."""
    return [
        "Processes of all methods are pinned to the same core, which the other tools do not do by themselves.",
        "Our gate holds the allocator of all processes the same; the others do not.",
        "Slowdowns are put into what was measured of unchanged code: each time of the head is longer by just so much.",
        "A stored baseline is one of this machine and this sitting; in practice it is often another machine's.",
        f"Our gate promises to exclude slowdowns of {percent(Margins().gate)} and more: to pass 1 % or 2 % keeps that promise.",
        "The head differs by code that costs nothing, so that no method can know by its text that nothing changed.",
    ]


def _table(score: Score) -> list[str]:
    heads = ["method", *map(heading, levels(score)), "wrongly called faster", "unresolved", "seconds a comparison"]
    return [
        "| " + " | ".join(heads) + " |",
        "|---|" + "---:|" * (len(heads) - 1),
        *("| " + " | ".join(_cells(method, levels(score))) + " |" for method in score.methods),
    ]


def levels(score: Score) -> list[float]:
    """The slowdowns that any method was asked about, in rising order."""
    return sorted({each.level for method in score.methods for each in method.levels})


def heading(level: float) -> str:
    """What "slower" means at a level."""
    return f"caught at {percent(level)}" if level else "false alarms on no change"


def _cells(method: Method, asked: Sequence[float]) -> list[str]:
    heard = {each.level: share(each.slower) for each in method.levels}
    return [
        escape_markdown(method.name),
        *(heard.get(level, "-") for level in asked),
        share(method.faster),
        share(method.unresolved),
        f"{method.seconds:.0f}",
    ]


def share(found: Share) -> str:
    """The count, and how much of all it may be: "3 of 40 (1.6 to 20 %)"."""
    return f"{grouped(found.count)} of {grouped(found.of)} ({_digits(found.low)} to {_digits(found.high)} %)"


def _digits(part: float) -> str:
    """Percent in two digits, and never more than one after the point."""
    return f"{100 * part:.{0 if part >= 0.0995 or not part else 1}f}"


def percent(part: float) -> str:
    """A level: "0 %", "2.5 %"."""
    return f"{100 * part:g} %"


def rows(score: Score) -> list[tuple[object, ...]]:
    """A row for each method and level, with COLUMNS; changes and shares as fractions."""
    return [_row(method, each) for method in score.methods for each in method.levels]


def _row(method: Method, each: AtLevel) -> tuple[object, ...]:
    return (
        method.name,
        each.level,
        each.slower.of,
        each.slower.count,
        each.slower.low,
        each.slower.high,
        each.faster,
        each.passed,
        each.unresolved,
        method.seconds,
    )
