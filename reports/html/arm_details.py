"""Everything that a run recorded of one arm, for the part of the page that unfolds below the table."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.results.record import Arm, Caveat, Judgement, Race, Record, Telemetry
from bench.results.store import Store
from impls.contract.words import grouped
from reports.figures import block_strip
from reports.figures.block_strip import Strip
from reports.html.recipe_details import answer_facts, patch_of
from reports.html.run_table import glyph
from reports.html.source import Source
from reports.profile import modules
from reports.profile.attribution import Attribution
from reports.profile.conditions import differences
from reports.profile.profiled import Profiled, artifacts, counters, operations, remarks
from reports.profile.text import doubts, sentence, signed
from reports.run.columns import unit_of, verdict
from reports.run.report import RaceResult
from reports.run.rows import Row
from reports.text import numbers
from reports.text.columns import NOTHING, Column, cells, heads
from reports.text.run_command import command

MOST = 1_000_000  # bytes of an animation that is carried inside the page
WEIGHTS = 6  # numbers of an answer that are shown


@dataclass(frozen=True)
class Fact:
    """A name, its value as text, and what the name means where that needs saying."""

    name: str
    text: str
    meaning: str = ""


@dataclass(frozen=True)
class WorstJudgement:
    """The worst judgement of an arm at one point of its rounds: after the first update, the job or the blocks."""

    when: str
    times: int
    updates: str
    loss: str
    distance: str
    tolerance: str
    share: str
    fault: str


@dataclass(frozen=True)
class RepeatedCaveat:
    """A caveat, and the number of rounds that have it."""

    caveat: Caveat
    rounds: int


@dataclass(frozen=True)
class ProfileDetails:
    """What profiling recorded of an arm.

    sentence    where an update's time goes and what can be done; empty where that is not known
    parts       of an update: name, share and seconds, how they were obtained
    modules     heads and cells of the table of what the modules of a step cost
    operations  name, calls and seconds an update
    files       beside the page, with what they are
    """

    sentence: str
    parts: tuple[Fact, ...]
    counters: tuple[Fact, ...]
    modules: tuple[tuple[str, ...], ...]
    operations: tuple[tuple[str, str, str], ...]
    remarks: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ArmDetails:
    """What the page shows of one arm.

    headline   its time and its verdict
    animation  the GIF of its watched job, where it is small; empty where there is none
    gif        the name of that file in the folder of the run
    answer     of a recipe of a step: the referee's figures, and what was compiled
    patch      of a recipe of a step: the lines that it stands for
    """

    id: str
    row: Row
    glyph: str
    headline: str
    rounds: int
    facts: tuple[Fact, ...]
    cold: tuple[Fact, ...]
    counters: tuple[Fact, ...]
    judgements: tuple[WorstJudgement, ...]
    variables: tuple[Fact, ...]
    caveats: tuple[RepeatedCaveat, ...]
    block_strip: Strip | None
    animation: bytes
    gif: str
    command: str
    profile: ProfileDetails | None
    answer: tuple[Fact, ...]
    patch: Source | None


def arm_details(
    number: str, row: Row, result: RaceResult, columns: Sequence[Column[Row]], colour: str, run: Store
) -> ArmDetails:
    """The details of an arm.

    number   what its id ends with
    columns  of the table, which leaves some out where the page is narrow; the details have all
    """
    records = result.records[row.arm]
    gif = f"pictures/{row.arm.slug}.gif"
    animation = _animation(run.path / gif)
    scale, unit = unit_of(result.listed)
    texts = zip(columns, heads(columns, unit), cells(columns, row, scale), strict=True)
    return ArmDetails(
        id=f"arm-{number}",
        row=row,
        glyph=glyph(row.verdict),
        headline=", ".join(filter(None, [numbers.seconds(row.seconds.value) if row.seconds else "", verdict(row)])),
        rounds=len(records),
        facts=tuple(Fact(head, text, column.meaning) for column, head, text in texts if text not in ("", NOTHING)),
        cold=tuple(_cold(row, records)),
        counters=tuple(_counters(row, records)),
        judgements=tuple(_judgements(records)),
        variables=tuple(_variables(records)),
        caveats=tuple(_caveats(records)),
        block_strip=block_strip.draw(records, colour),
        animation=animation if len(animation) <= MOST else b"",
        gif=gif if animation else "",
        command=command(row.arm, result.race),
        profile=_profile(row, result.race, result.profiled) if result.profiled else None,
        answer=tuple(Fact(*each) for each in answer_facts(row)),
        patch=patch_of(row),
    )


def _unlike(arm: Arm, reference: Arm, profiled: Profiled) -> list[str]:
    """In what an arm and the reference differ besides their code."""
    return differences(arm, reference, profiled.profiles.get(arm), profiled.profiles.get(reference))


def _profile(row: Row, race: Race, profiled: Profiled) -> ProfileDetails | None:
    profile, attribution = profiled.profiles.get(row.arm), profiled.attribution(row.arm)
    if profile is None:
        return None
    parts = [
        Fact(
            part.name, f"{numbers.percent(part.seconds / each.measured.value)}, {signed(part.seconds) or '0'}", part.how
        )
        for each in ([attribution] if attribution else ())
        for part in each.parts
    ]
    return ProfileDetails(
        sentence=sentence(attribution) if attribution else "",
        parts=tuple(parts),
        counters=tuple(Fact(*each) for each in counters(profile)),
        modules=_modules(attribution),
        operations=tuple(operations(profile)),
        remarks=(
            *_unlike(row.arm, race.reference, profiled),
            *remarks(profile),
            *(doubts(attribution) if attribution else ()),
        ),
        files=tuple(artifacts(profile, race)),
    )


def _modules(attribution: Attribution | None) -> tuple[tuple[str, ...], ...]:
    """The head and the rows of the table of modules; () where they are not known."""
    if not (attribution and attribution.modules):
        return ()
    columns = modules.columns(attribution.measured.value)
    return tuple(heads(columns)), *(tuple(cells(columns, row)) for row in modules.listed(attribution.modules))


def _cold(row: Row, records: Sequence[Record]) -> Iterator[Fact]:
    first = next((record for record in records if record.first_seconds is not None), None)
    if first is None:
        return
    beside = "" if first.alone else ", while other arms were starting"
    yield Fact("import", numbers.seconds(first.import_seconds), "loading the framework and the implementation")
    yield Fact("build", numbers.seconds(first.build_seconds))
    yield Fact("first update", f"{numbers.seconds(first.first_seconds)}{beside}", "with any compilation")
    if row.seconds and first.first_seconds:
        factor = first.first_seconds / row.seconds.value
        if factor > 1:
            yield Fact("first against steady", f"as long as {numbers.count(factor)} steady updates")


def _counters(row: Row, records: Sequence[Record]) -> Iterator[Fact]:
    timed = [record for record in records if record.blocks]
    yield Fact("rounds", f"{len(timed)} timed of {len(records)}")
    if timed:
        yield Fact("blocks", grouped(sum(len(record.blocks) for record in timed)), "what is timed at once")
        yield Fact("updates a block", _span(record.updates_per_block for record in timed))
        drains = [record.drain_seconds for record in timed if record.drain_seconds is not None]
        if any(drains):
            meaning = "median time that a block's work still ran on the device after the loop had returned"
            yield Fact("drain", numbers.seconds(max(drains)), meaning)
        device = [each / (r.updates_per_block or 1) for r in timed for each in r.device_blocks]
        if device:
            yield Fact("update by the device's clock", numbers.seconds(float(np.median(device))))
    if row.peak_resident_bytes:
        meaning = "the most memory that its process held; the framework is most of it"
        yield Fact("peak resident", f"{row.peak_resident_bytes / 2**20:.0f} MiB", meaning)
    yield from _telemetry([record.telemetry for record in timed if record.telemetry])
    values = [f"{name} {_number(value)}" for name, value in (row.weights or {}).items()]
    if values and len(values) <= WEIGHTS:
        yield Fact("weights at the end", ", ".join(values))
    if row.judgement and row.judgement.fault:
        yield Fact("fault", row.judgement.fault)


def _telemetry(rounds: Sequence[Telemetry]) -> Iterator[Fact]:
    """What the device's counters showed right after the blocks: least to most."""
    for name, unit in (("megahertz", "MHz"), ("watts", "W"), ("celsius", "degrees")):
        values = [value for each in rounds for value in getattr(each, name) if value is not None]
        if values:
            low, high = numbers.count(min(values), 3), numbers.count(max(values), 3)
            yield Fact(f"{rounds[0].device}, {unit}", low if low == high else f"{low} to {high}", "right after a block")
    held = Counter[str]()
    for each in rounds:
        held.update(each.held)
    if held:
        yield Fact("clocks held down", ", ".join(f"{why} in {grouped(count)} blocks" for why, count in held.items()))


def _number(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_number(each) for each in value[:WEIGHTS])}{', ...' if len(value) > WEIGHTS else ''}]"
    return f"{value:.6g}" if isinstance(value, int | float) else "not finite"


def _span(values: Iterable[int | None]) -> str:
    known = sorted({number for number in values if number is not None})
    if not known:
        return NOTHING
    low, high = grouped(known[0]), grouped(known[-1])
    return low if low == high else f"{low} to {high}"


def _judgements(records: Sequence[Record]) -> Iterator[WorstJudgement]:
    judgements = [judgement for record in records for judgement in record.judgements]
    order = list(dict.fromkeys(judgement.when for judgement in judgements))
    judgements.sort(key=lambda judgement: order.index(judgement.when))
    for when, group in groupby(judgements, key=lambda judgement: judgement.when):
        same_time = list(group)
        worst = max(same_time, key=_share)
        yield WorstJudgement(
            when=when,
            times=len(same_time),
            updates=_span(judgement.updates for judgement in same_time),
            loss=NOTHING if worst.loss is None else f"{worst.loss:.6g}",
            distance="not finite" if worst.distance is None else f"{worst.distance:.1e}",
            tolerance=f"{worst.tolerance:.1e}",
            share=NOTHING
            if worst.distance is None or not worst.tolerance
            else f"{numbers.count(100 * _share(worst))} %",
            fault=worst.fault or "",
        )


def _share(judgement: Judgement) -> float:
    if judgement.fault and judgement.distance is None:
        return float("inf")
    return (judgement.distance or 0.0) / judgement.tolerance if judgement.tolerance else 0.0


def _variables(records: Sequence[Record]) -> Iterator[Fact]:
    """The environment variables of all rounds; one that was not the same in all of them has several values."""
    for name in sorted({name for record in records for name in record.variables}):
        values = dict.fromkeys(record.variables[name] for record in records if name in record.variables)
        yield Fact(name, ", ".join(values))


def _caveats(records: Sequence[Record]) -> Iterator[RepeatedCaveat]:
    caveats = dict.fromkeys(caveat for record in records for caveat in record.caveats)
    for caveat in caveats:
        yield RepeatedCaveat(caveat, sum(caveat in record.caveats for record in records))


def _animation(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except (OSError, ValueError):
        return b""
    return content if content.startswith(b"GIF8") else b""
