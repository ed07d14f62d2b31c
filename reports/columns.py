"""The columns of every table: head, meaning, text. A new column is one entry here. Apart so that no report words its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from impls.setting import spoken
from reports import words
from reports.rows import Row


@dataclass(frozen=True)
class Column:
    """head may name the column's unit as {unit}; `text` gets the row, and the scale of that unit.

    dispensable  0, or its turn to be left out when the page is too narrow, the highest first
    """

    head: str
    meaning: str
    text: Callable[[Row, float], str]
    right: bool = True
    dispensable: int = 0


def _rank(row: Row, _: float) -> str:
    return str(row.rank) if row.rank else ""


def _verdict(row: Row, _: float) -> str:
    if row.verdict in ("faster", "slower") and row.ratio:
        factor = row.ratio.value if row.verdict == "slower" else 1 / row.ratio.value
        return f"{factor:.3g}x {row.verdict}" if factor >= 1.1 else row.verdict
    return row.verdict.replace("_", " ")


def _cold(row: Row, _: float) -> str:
    return words.seconds(row.cold_seconds) + ("" if row.cold_alone or row.cold_seconds is None else "~")


def _distance(row: Row, _: float) -> str:
    judgement = row.judgement
    if judgement is None or judgement.distance is None:
        return "-"
    return f"{judgement.distance:.0e} of {judgement.tolerance:.0e}"


COLUMNS = (
    Column(
        "#", "rank by speed within its class; shared by arms that are the same, or that cannot be told apart", _rank
    ),
    Column("implementation", "the file below impls/", lambda row, _: row.arm.implementation, right=False),
    Column("setting", "device, mode, and what is watched", lambda row, _: spoken(row.arm.setting), right=False),
    Column(
        "update, {unit}",
        "time of one parameter update once it runs steadily, ± half its 95 % interval over fresh processes",
        lambda row, scale: words.estimate(row.seconds, scale) if row.seconds else "-",
    ),
    Column(
        "x reference",
        "its time over the reference's, paired lap by lap: 0.5 takes half as long",
        lambda row, _: "1" if row.arm.role == "reference" else words.estimate(row.ratio) if row.ratio else "-",
        dispensable=1,
    ),
    Column("verdict", "what that ratio allows to be said; same: within 2 % for certain", _verdict, right=False),
    Column(
        "whole job",
        "the workload from start to end, timed once",
        lambda row, _: words.seconds(row.job_seconds),
        dispensable=2,
    ),
    Column(
        "cold start",
        "import, build and first update, with any compilation; ~ when others were starting beside it",
        _cold,
        dispensable=3,
    ),
    Column(
        "final loss",
        "computed by the referee from the weights at the end of the job",
        lambda row, _: f"{row.judgement.loss:.6g}" if row.judgement and row.judgement.loss is not None else "-",
        dispensable=4,
    ),
    Column(
        "off the oracle",
        "distance of its weights from the float64 answer, of what rounding can explain",
        _distance,
        dispensable=5,
    ),
)


def heads(unit: str) -> list[str]:
    """The heads of all columns, with the unit of the update column filled in."""
    return [column.head.format(unit=unit) for column in COLUMNS]


def cells(row: Row, scale: float) -> list[str]:
    """The texts of one row, in the order of the columns."""
    return [words.plain(column.text(row, scale)) for column in COLUMNS]


def unit_of(rows: Sequence[Row]) -> tuple[float, str]:
    """The unit in which a table shows its updates."""
    return words.unit_for([row.seconds.value for row in rows if row.seconds])
