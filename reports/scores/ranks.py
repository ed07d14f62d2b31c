"""How well each tool repeats, as Markdown."""

from bench.results.scores.ranks import Series, Steadiness, steadiness
from reports.text.sanitize import escape_markdown


def render(series: Series) -> str:
    """The table, and how each tool measured."""
    tools = steadiness(series)
    packages = ", ".join(f"{name} {version}" for name, version in series.versions.items())
    arms = ", ".join(sorted(series.sittings[0].seconds))
    lines = [
        "# How well the order of arms repeats",
        "",
        escape_markdown(f"{series.machine}; {packages}. Arms: {arms}, on one core; ratios are to {series.reference}."),
        "",
        (
            "| tool | runs | seconds a run | pairs that change places | of these called different both times "
            "| two runs apart, median | most |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_row(one) for one in tools),
        "",
        "How each tool measured:",
        "",
        *(f"- **{escape_markdown(one.tool)}**: {escape_markdown(one.way)}." for one in tools),
        "",
        "- The runs of all tools took turns, in a drawn order, and were pinned to the same core.",
        (
            "- A pair changes places when one arm is faster in one run and the other in another. Two runs are so far apart "
            "as their ratios of an arm to the reference differ."
        ),
        "",
    ]
    return "\n".join(lines)


def _row(one: Steadiness) -> str:
    told = "says nothing of it" if one.told is None else str(one.told)
    cells = [
        escape_markdown(one.tool),
        str(one.sittings),
        f"{one.took:.0f}",
        f"{one.swapped} of {one.pairs}",
        told,
        f"{100 * one.usual:.1f} %",
        f"{100 * one.worst:.1f} %",
    ]
    return "| " + " | ".join(cells) + " |"
