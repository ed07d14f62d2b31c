"""The columns of the table of a race. A new column is one entry of COLUMNS; every report shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from impls.contract.coordinates import spoken
from reports.run.rows import Row, spoken_verdict
from reports.text import numbers
from reports.text.columns import NOTHING, Column, filled


def _rank(row: Row, _: float) -> str:
    return str(row.rank) if row.rank else ""


def verdict(row: Row) -> str:
    """The verdict on an arm, with the factor where it is at least 1.1: "56.0x faster"; "same"; "wrong"."""
    if row.verdict in ("faster", "slower") and row.ratio:
        factor = row.ratio.value if row.verdict == "slower" else 1 / row.ratio.value
        return f"{numbers.count(factor, 3)}x {row.verdict}" if factor >= 1.1 else row.verdict
    return spoken_verdict(row.verdict)


def bits_lost(row: Row) -> str:
    """What an answer lost: "identical", "none", "0.3"; a dash for a reference and for an arm that was not judged."""
    bits = row.bits_lost
    if row.answer is None or row.arm.role == "reference":
        return NOTHING
    if row.answer.word == "identical":
        return "identical"
    return NOTHING if bits is None else "none" if bits < 0.05 else f"{bits:.1f}"


def _memory(row: Row, _: float) -> str:
    if not row.is_step or row.peak_bytes is None:
        return NOTHING
    more = f" ({row.more_bytes / 2**20:+,.0f})".replace(",", numbers.THIN) if row.more_bytes is not None else ""
    return f"{numbers.count(row.peak_bytes / 2**20, 3)} MiB{more}"


def _cold(row: Row, _: float) -> str:
    return numbers.seconds(row.cold_seconds) + ("" if row.cold_alone or row.cold_seconds is None else "~")


def _pays_off(row: Row, _: float) -> str:
    break_even = row.break_even
    if break_even is None:
        return NOTHING
    if break_even.updates is None:
        return "never"
    return (numbers.count(break_even.updates) if break_even.updates else "at once") + ("" if break_even.alone else "~")


def _distance(row: Row, _: float) -> str:
    judgement = row.judgement
    if judgement is None or judgement.distance is None:
        return NOTHING
    return f"{judgement.distance:.0e} of {judgement.tolerance:.0e}"


def _share(row: Row) -> float | None:
    judgement = row.judgement
    if judgement is None or judgement.distance is None or not judgement.tolerance:
        return None
    return judgement.distance / judgement.tolerance


X_FLOOR_OF_STEP = (
    "its time over the slower floor: the plain update's products alone, or what it changes and its batch touched once; "
    "below 1, it avoids or fuses a product"
)

COLUMNS: tuple[Column[Row], ...] = (
    Column(
        "#",
        "rank by speed within its class; arms that are the same, or cannot be distinguished, share a rank",
        _rank,
        key=lambda row: row.rank,
        id="rank",
    ),
    Column(
        "implementation",
        "the file below impls/",
        lambda row, _: NOTHING if row.is_step else row.arm.implementation,
        right=False,
        occasional=True,
        id="implementation",
    ),
    Column(
        "recipe",
        "the rewrites of the step, in order; plain is the step as it is written",
        lambda row, _: row.arm.implementation if row.is_step else NOTHING,
        right=False,
        wraps=True,
        occasional=True,
        id="recipe",
    ),
    Column(
        "setting",
        "device, mode, and what is watched",
        lambda row, _: spoken(row.arm.setting),
        right=False,
        wraps=True,
        id="setting",
    ),
    Column(
        "update, {unit}",
        "time of one parameter update once it runs steadily, ± half its 95 % interval over fresh processes",
        lambda row, scale: numbers.estimate(row.seconds, scale) if row.seconds else NOTHING,
        key=lambda row: row.seconds.value if row.seconds else None,
        id="update",
    ),
    Column(
        "mean, {unit}",
        "the mean of all blocks, where it lies outside of that interval: rare pauses that the median does not show",
        lambda row, scale: (
            numbers.count(row.mean_seconds / scale, 3) if row.mean_seconds and row.mean_stands_out else NOTHING
        ),
        dispensable=8,
        occasional=True,
        key=lambda row: row.mean_seconds if row.mean_stands_out else None,
        id="mean",
    ),
    Column(
        "bits lost",
        "of its worst tensor: log2 of how much farther from the same update in float64 it is than rounding explains",
        lambda row, _: bits_lost(row),
        occasional=True,
        key=lambda row: row.bits_lost,
        id="bits-lost",
    ),
    Column(
        "x reference",
        "its time over the reference's, paired lap by lap: 0.5 takes half as long",
        lambda row, _: "1" if row.arm.role == "reference" else numbers.estimate(row.ratio) if row.ratio else NOTHING,
        dispensable=1,
        key=lambda row: row.ratio.value if row.ratio else None,
        id="x-reference",
    ),
    Column(
        "x floor",
        "its time over that of only reading the data, once an update; below 1, it keeps the data on the chip",
        lambda row, _: numbers.estimate(row.floor) if row.floor else NOTHING,
        dispensable=2,
        occasional=True,
        key=lambda row: row.floor.value if row.floor else None,
        id="x-floor",
    ),
    Column(
        "verdict",
        "what the ratio shows; same: within 2 % for certain; floor: trains nothing, does only a part of an update",
        lambda row, _: verdict(row),
        right=False,
        key=lambda row: row.ratio.value if row.ratio else None,
        id="verdict",
    ),
    Column(
        "whole job",
        "the workload from start to end, timed once",
        lambda row, _: NOTHING if row.is_step else numbers.seconds(row.job_seconds),
        dispensable=3,
        occasional=True,
        key=lambda row: row.job_seconds,
        id="whole-job",
    ),
    Column(
        "cold start",
        "import, build and first update, with any compilation; ~ measured while other arms were starting",
        _cold,
        dispensable=5,
        key=lambda row: row.cold_seconds,
        id="cold-start",
    ),
    Column(
        "pays off after",
        "updates after which an arm that starts later has caught up with the reference; never: it is not faster",
        _pays_off,
        dispensable=4,
        occasional=True,
        key=lambda row: row.break_even.updates if row.break_even else None,
        id="pays-off-after",
    ),
    Column(
        "final loss",
        "computed by the referee from the weights at the end of the job",
        lambda row, _: f"{row.final_loss:.6g}" if row.final_loss is not None else NOTHING,
        dispensable=6,
        occasional=True,
        key=lambda row: row.final_loss,
        id="final-loss",
    ),
    Column(
        "off the oracle",
        "distance of its weights from the float64 answer, and the most that rounding can explain",
        _distance,
        dispensable=7,
        occasional=True,
        key=_share,
        id="off-the-oracle",
    ),
    Column(
        "memory",
        "the most that it held, on the device where that is known, else in its process; (and over the reference)",
        _memory,
        dispensable=6,
        occasional=True,
        key=lambda row: row.peak_bytes,
        id="memory",
    ),
)


def columns_of(rows: Iterable[Row]) -> tuple[Column[Row], ...]:
    """The columns that a run with these rows shows.

    Recipes of a step that share a setting have no column for it, and lose the ratio first: the verdict has the factor.
    """
    rows = list(rows)
    if not all(row.is_step for row in rows):
        return filled(COLUMNS, rows)
    alike = len({spoken(row.arm.setting) for row in rows}) == 1
    columns = [column for column in COLUMNS if not (alike and column.id == "setting")]
    columns = [replace(each, dispensable=7) if each.id == "x-reference" else each for each in columns]
    return filled((replace(each, meaning=X_FLOOR_OF_STEP) if each.id == "x-floor" else each for each in columns), rows)


def unit_of(rows: Sequence[Row]) -> tuple[float, str]:
    """Scale and name of the unit of a table's updates: that of its faithful arms, where it has any."""
    timed = [row for row in rows if row.seconds]
    faithful = [row for row in timed if row.work == "faithful"] or timed
    return numbers.unit_for([row.seconds.value for row in faithful if row.seconds])
