"""The modules of a step's model as rows of a table: what each costs in an update, forward and backward."""

from collections.abc import Sequence

from msgspec.structs import replace

from bench.results.profile import ModuleCost, Profile
from reports.text.columns import NOTHING, Column
from reports.text.numbers import count, percent, seconds

LISTED = 12  # modules that have a row of their own, forward and backward counted apart
SHORTEST = 1e-6  # seconds from which a rate means something: what hooks cost is taken off less exactly
OTHERS = "everything else"
_NOWHERE = {"forward": "the loss, and what is in no module", "backward": "the backward pass, in no module"}


def scaled(profile: Profile, measured: float) -> tuple[ModuleCost, ...]:
    """The costs, scaled so that their seconds add up to what the race measured of an update."""
    whole = sum(one.seconds for one in profile.modules)
    factor = measured / whole if whole else 0.0
    return tuple(replace(one, seconds=one.seconds * factor) for one in profile.modules)


def listed(modules: Sequence[ModuleCost]) -> tuple[ModuleCost, ...]:
    """The costliest, the longest first; the others are summed up."""
    ordered = sorted(modules, key=lambda one: -one.seconds)
    if len(ordered) <= LISTED + 1:
        return tuple(ordered)
    rest = ordered[LISTED:]
    summed = ModuleCost(
        module=OTHERS,
        phase="",
        seconds=sum(one.seconds for one in rest),
        operations=sum(one.operations for one in rest),
        bytes=sum(one.bytes for one in rest),
    )
    return (*ordered[:LISTED], summed)


def columns(measured: float) -> tuple[Column[ModuleCost], ...]:
    """The columns of the table; `measured` are the seconds of an update."""
    return (
        Column("share", "of the time that the race measured", lambda one, _: percent(one.seconds / measured)),
        Column("seconds", "an update", lambda one, _: seconds(one.seconds)),
        Column(
            "module", "of the model, without those inside it", lambda one, _: one.module or _nowhere(one), right=False
        ),
        Column("phase", "forward or backward", lambda one, _: one.phase if one.module else "", right=False),
        Column(
            "flop",
            "floating point operations of products, convolutions and attention in an update",
            lambda one, _: count(one.operations, 3) if one.operations else NOTHING,
        ),
        Column(
            "bytes", "read and written by its operations", lambda one, _: count(one.bytes, 3) if one.bytes else NOTHING
        ),
        Column("flop/s", "the rate", lambda one, _: _rate(one.operations, one.seconds)),
        Column("bytes/s", "the rate", lambda one, _: _rate(one.bytes, one.seconds)),
    )


def _nowhere(one: ModuleCost) -> str:
    """What takes the time of what belongs to no module."""
    if one.phase == "outside":
        return "outside of operations: mostly the interpreter"
    return _NOWHERE.get(one.phase, f"the {one.phase}")


def _rate(amount: float, duration: float) -> str:
    return f"{amount / duration:.1e}" if amount and duration >= SHORTEST else NOTHING
