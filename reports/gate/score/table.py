"""The score of our gate beside others, as Markdown and as rows for CSV."""

from collections.abc import Sequence

from bench.results.gate import Margins
from bench.results.scores.gate import AtLevel, Method, Score, Share
from impls.contract.words import grouped
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
    """The table, how each method decides, and the conditions of the comparison."""
    arms = ", ".join(arm.name for arm in score.arms)
    packages = ", ".join(f"{name} {version}" for name, version in score.versions.items())
    sessions = f"{score.sessions} session" + "s" * (score.sessions != 1)
    lines = [
        "# The gate beside other gates",
        "",
        escape_markdown(f"{score.machine}; {packages}. {sessions}, {score.trials} trials of {arms}; {budget(score)}"),
        "",
        *_table(score),
        "",
        "Each count has its exact 95 % binomial interval, which assumes independent trials.",
        "",
        "How each method decides, and how its data were collected:",
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
    """The wall time that every method had."""
    return f"every method had {score.budget:g} s of wall time for each comparison, with starting its processes."


def notes() -> list[str]:
    """The conditions of the comparison, and whom they favour."""
    return [
        "The processes of all methods are pinned to the same core, which the other tools do not do by themselves.",
        "Our gate gives all processes the same memory layout; the others do not.",
        "Slowdowns are put into times measured of unchanged code: each time of the head is made longer by exactly that share.",
        "A stored baseline is of the same machine and series; in practice it is often of another machine.",
        f"Our gate promises to exclude slowdowns of {percent(Margins().gate)} or more: passing 1 % or 2 % keeps that promise.",
        "The head differs by code that costs nothing, so no method can tell from the source that nothing changed.",
    ]


def _table(score: Score) -> list[str]:
    heads = ["method", *map(heading, levels(score)), "wrongly called faster", "unresolved", "seconds a comparison"]
    return [
        "| " + " | ".join(heads) + " |",
        "|---|" + "---:|" * (len(heads) - 1),
        *("| " + " | ".join(_cells(method, levels(score))) + " |" for method in score.methods),
    ]


def levels(score: Score) -> list[float]:
    """All slowdowns of the score, in rising order."""
    return sorted({each.level for method in score.methods for each in method.levels})


def heading(level: float) -> str:
    """The heading of a level's column."""
    return f"caught at {percent(level)}" if level else "false alarms on no change"


def _cells(method: Method, levels: Sequence[float]) -> list[str]:
    shares = {at.level: share(at.slower) for at in method.levels}
    return [
        escape_markdown(method.name),
        *(shares.get(level, "-") for level in levels),
        share(method.faster),
        share(method.unresolved),
        f"{method.seconds:.0f}",
    ]


def share(share: Share) -> str:
    """A count with the interval of its share: "3 of 40 (1.6 to 20 %)"."""
    return f"{grouped(share.count)} of {grouped(share.of)} ({_digits(share.low)} to {_digits(share.high)} %)"


def _digits(part: float) -> str:
    """Per cent in two digits, with at most one decimal place."""
    return f"{100 * part:.{0 if part >= 0.0995 or not part else 1}f}"


def percent(part: float) -> str:
    """A level: "0 %", "2.5 %"."""
    return f"{100 * part:g} %"


def rows(score: Score) -> list[tuple[object, ...]]:
    """A row for each method and level, in the order of COLUMNS; changes and shares are fractions."""
    return [_row(method, at) for method in score.methods for at in method.levels]


def _row(method: Method, at: AtLevel) -> tuple[object, ...]:
    return (
        method.name,
        at.level,
        at.slower.of,
        at.slower.count,
        at.slower.low,
        at.slower.high,
        at.faster,
        at.passed,
        at.unresolved,
        method.seconds,
    )
