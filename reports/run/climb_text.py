"""A climb in words: the columns of its steps up, and sentences on what each rewrite is worth and what added nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.results.statistics import Estimate, verdict
from impls.contract.words import counted
from reports.run.climb import Addition, ClimbResult, LeftOut, StepUp
from reports.run.columns import bits_lost
from reports.run.rows import Row, unranked_reason
from reports.text import numbers
from reports.text.columns import NOTHING, Column

HEADING = "The climb"
LISTED = 8  # recipes of one kind that a sentence names

STEP_COLUMNS: tuple[Column[StepUp], ...] = (
    Column(
        "step up",
        "the rewrites that were added, and those that were taken out for them",
        lambda s, _: _changed(s),
        right=False,
        wraps=True,
    ),
    Column("gain", "how many times as fast the step became by it", lambda s, _: times(s.change)),
    Column("in all", "how many times as fast as the plain step it is then", lambda s, _: times(s.row.ratio)),
    Column("bits lost", "what the recipe's answer lost by then", lambda s, _: bits_lost(s.row)),
    Column(
        "first update",
        "how long the first update took, with all that was compiled; what an earlier race had compiled was found again",
        lambda s, _: numbers.seconds(s.row.first_seconds),
    ),
    Column("memory", "the most that its process held", lambda s, _: _memory(s.row)),
)


def summary(result: ClimbResult) -> str:
    """How many recipes were tried in how many races, and how it ended."""
    stages = result.climb.stages
    races = counted(len(stages), "race")
    took = f", {result.climb.seconds / 60:.0f} minutes" if result.climb.seconds >= 90 else ""
    ended = {
        "": "it was stopped before its end",
        "top": "nothing else that was tried makes it faster",
        "time": "its time was up: a longer --budget would try more",
    }[result.climb.ended]
    return f"{counted(result.tried, 'recipe')} in {races}{took}; {ended}"


def left_out(result: ClimbResult) -> list[str]:
    """What each rewrite of the last recipe is worth, a sentence for each."""
    return [_worth(each) for each in result.left_out if each.change]


def lost(result: ClimbResult) -> Iterator[str]:
    """What was tried on top of a recipe and not kept, a sentence for each recipe and outcome."""
    by_base: dict[tuple[str, str], list[str]] = {}
    for each in result.additions:
        by_base.setdefault((each.base, _outcome(each)), []).append(_tried(each))
    for (base, outcome), tried in by_base.items():
        named = ", ".join(tried[:LISTED]) + (f" and {len(tried) - LISTED} more" if len(tried) > LISTED else "")
        yield f"Beside {base} {outcome}: {named}"


def document(result: ClimbResult) -> dict[str, Any]:
    """The climb as `climb --json` and a race of a run have it."""
    row, climb = result.row, result.climb
    ratio = row.ratio if row else None
    singles = climb.stages[0].tried if climb.stages else ()
    return {
        "format": 1,
        "recipe": list(row.rewrites) if row else [],
        **_ratio(ratio),
        "pays_off_after": row.break_even.updates if row and row.break_even else None,
        "bits_lost": row.bits_lost if row else None,
        "patch": row.patch or None if row else None,
        "ended": climb.ended or None,
        "seconds": climb.seconds,
        "singles": list(singles),
        "stack": [
            {
                "recipe": each.recipe,
                "added": list(each.added),
                "removed": list(each.removed),
                **_ratio(each.change),
                "in_all": _ratio(each.row.ratio),
                "bits_lost": each.row.bits_lost,
                "first_seconds": each.row.first_seconds,
                "peak_bytes": each.row.peak_bytes,
            }
            for each in result.steps_up
        ],
        "left_out": [{"rewrites": list(each.rewrites), **_ratio(each.change)} for each in result.left_out],
        "not_kept": [
            {"recipe": each.recipe, "base": each.base, **_ratio(each.change), "verdict": each.row.verdict}
            for each in result.additions
        ],
    }


def _ratio(estimate: Estimate | None) -> dict[str, float | None]:
    return {
        name: getattr(estimate, field, None) for name, field in (("ratio", "value"), ("low", "low"), ("high", "high"))
    }


def _changed(one: StepUp | Addition) -> str:
    """ "+ fused + cpp_wrapper - foreach"."""
    return " ".join([*(f"+ {name}" for name in one.added), *(f"- {name}" for name in one.removed)])


def times(ratio: Estimate | None) -> str:
    """ "1.81 (1.78 to 1.84)", how many times as fast."""
    if ratio is None:
        return NOTHING
    value = numbers.count(1 / ratio.value, 3)
    if ratio.low is None or ratio.high is None or ratio.low <= 0:
        return value
    return f"{value} ({numbers.count(1 / ratio.high, 3)} to {numbers.count(1 / ratio.low, 3)})"


def times_as_long(change: Estimate) -> str:
    """ "1.24 (1.20 to 1.28) times as long"."""
    span = f" ({numbers.count(change.low, 3)} to {numbers.count(change.high, 3)})" if change.low and change.high else ""
    return f"{numbers.count(change.value, 3)}{span} times as long"


def _memory(row: Row) -> str:
    return f"{numbers.count(row.peak_bytes / 2**20, 3)} MiB" if row.peak_bytes else NOTHING


def _worth(one: LeftOut) -> str:
    names = " and ".join(one.rewrites)
    change = one.change
    assert change is not None
    takes = f"an update takes {times_as_long(change)}"
    said = {
        "slower": takes,
        "faster": f"{takes}: it was left out",
        "same": f"{takes}, which is the same: it was left out",
        "unresolved": f"{takes}, which may be chance",
    }[verdict(change)]
    return f"Without {names} {said}"


def _outcome(one: Addition) -> str:
    if one.row.verdict not in ("faster", "slower", "same", "unresolved"):
        return "not to be used"
    return {
        "faster": "also faster, but not the fastest",
        "slower": "slower",
        "same": "no faster",
        "unresolved": "not known to be faster",
    }[verdict(one.change)]


def _tried(one: Addition) -> str:
    """ "+ fused (1.02, alone 0.74)"."""
    name = _changed(one)
    if one.row.verdict not in ("faster", "slower", "same", "unresolved"):
        return f"{name} ({one.row.verdict}: {unranked_reason(one.row)})".replace(": )", ")")
    alone = f", alone {numbers.count(one.alone.value, 3)}" if one.alone else ""
    return f"{name} ({numbers.count(one.change.value, 3) if one.change else NOTHING} of its time{alone})"


def remarks(result: ClimbResult) -> Sequence[str]:
    """All sentences below the table of the steps up."""
    return [*left_out(result), *lost(result)]
