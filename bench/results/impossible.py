"""What cannot be true of the numbers and names in a file of a run: a report must survive whatever a stranger wrote there."""

from typing import Any

from msgspec import Struct

from bench.results.gate import GatePlan, PairedRound
from bench.results.record import Plan, Record
from impls.contract.coordinates import COORDINATES
from impls.contract.setting import Setting

LEAST, MOST = 1e-12, 1e12  # seconds that anything may take
LARGEST_MARGIN = 100.0  # a slowdown to a hundred times as long
COUNT = 2**53  # the most of anything that is counted: up to it all programs agree on whole numbers
TINY, HUGE = 1e-300, 1e300  # of other numbers: their products stay finite
MOST_TEXT = 100_000  # characters of a reason, a patch or all caveats: more would fill a page
MOST_LAPS = 100_000  # of a round
LONGEST = 200  # characters of a name that becomes a file's


class Gpu(Struct, frozen=True):
    """A GPU in environment.json."""

    name: str


class Machine(Struct, frozen=True):
    """The machine in environment.json."""

    processor: str = ""
    cores: int | None = None
    gpus: tuple[Gpu, ...] = ()


class Environment(Struct, frozen=True):
    """The shape of environment.json, as far as reports rely on it."""

    machine: Machine = Machine()
    system: str = ""
    python: str = ""
    packages: dict[str, str | None] = {}
    revision: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    moment: dict[str, Any] = {}


def plan(plan: Plan) -> str:
    """What cannot be true of a plan, in words; "" where all of it can."""
    arms = [arm for race in plan.races for arm in race.arms]
    implementations = {arm.implementation for arm in arms}
    workloads = {race.workload for race in plan.races} | {arm.workload for arm in arms}
    if not all(race.arms for race in plan.races):
        return "a race of it has no arms"
    if not all(0 < len(name) <= LONGEST for name in implementations | workloads):
        return f"a name in it has more than {LONGEST} characters, or none"
    if any(name.startswith("/") or ".." in name.split("/") for name in implementations):
        return "an implementation in it has the name of a path"
    if not all(1 <= number <= COUNT for number in plan.rounds):
        return "its numbers of rounds are not positive"
    if plan.swept and not all(_is_size(race.reference.setting, plan.swept) for race in plan.races):
        return f"it sweeps {plan.swept!r}, which is no size of what it races"
    return ""


def _is_size(setting: Setting, swept: str) -> bool:
    """Whether it is a number in a setting, or a parameter of a step that is one."""
    if setting.is_step:
        return isinstance(setting.named.get(swept), int | float)
    return any(each.name == swept and each.swept for each in COORDINATES)


def record(record: Record) -> str:
    """What cannot be true of a record, in words; "" where all of it can."""
    if record.blocks and not LEAST <= min(record.blocks) <= max(record.blocks) <= MOST:
        return "its blocks are not positive times"
    if len(record.laps) != len(record.blocks) or len(record.device_blocks) not in (0, len(record.blocks)):
        return "its blocks are not one for each lap"
    if len(record.laps) > MOST_LAPS or sum(map(len, _texts(record))) > MOST_TEXT:
        return "it has more laps or more text than any run writes"
    if not all(0 <= seconds <= MOST for seconds in _times(record) if seconds is not None):
        return "a time in it is negative, or longer than anything takes"
    if not all(0 <= count <= COUNT for count in _counts(record) if count is not None):
        return "a number in it is negative, or too large for anything that is counted"
    if not all(number == 0 or TINY <= abs(number) <= HUGE for number in _numbers(record) if number is not None):
        return "a number in it is too large or too small to compute with"
    return ""


def _texts(record: Record) -> tuple[str, ...]:
    caveats = [text for caveat in record.caveats for text in (caveat.code, caveat.text, caveat.advice)]
    answer = (record.answer.reason, *record.answer.left_out) if record.answer else ()
    return (record.reason, record.patch, *caveats, *answer)


def gate_plan(plan: GatePlan) -> str:
    """What cannot be true of the plan of a gate, in words; "" where all of it can."""
    if not all(0 <= cell.margins.floor < cell.margins.gate <= LARGEST_MARGIN for cell in plan.cells):
        return "a margin in it is no slowdown that can be decided"
    if not 1 <= plan.most <= COUNT:
        return "its number of rounds is not positive"
    if not all(0 < len(cell.arm.implementation) <= LONGEST for cell in plan.cells):
        return f"a name in it has more than {LONGEST} characters, or none"
    return ""


def paired_round(paired: PairedRound) -> str:
    """What cannot be true of a round of a gate, in words; "" where all of it can."""
    if wrong := record(paired.base) or record(paired.head):
        return wrong
    phases = [seconds for sides in paired.phases.values() for laps in sides.values() for seconds in laps]
    if not all(0 <= seconds <= MOST for seconds in (paired.seconds, *phases)):
        return "a time in it is negative, or longer than anything takes"
    return ""


def _times(record: Record) -> tuple[float | None, ...]:
    job = (record.job.seconds,) if record.job else ()
    own = (
        record.import_seconds,
        record.build_seconds,
        record.first_seconds,
        record.block_seconds,
        record.drain_seconds,
    )
    return (*own, *job, record.round_seconds, *record.spent.values(), *record.device_blocks)


def _counts(record: Record) -> tuple[int | None, ...]:
    own = (record.round, record.updates_per_block, record.peak_resident_bytes, record.peak_device_bytes)
    setting = record.arm.setting
    sizes = (setting.rows, setting.features, setting.updates, setting.every, setting.threads)
    laps = (min(record.laps), max(record.laps)) if record.laps else ()
    return (*own, *laps, *sizes, *((record.job.updates,) if record.job else ()))


def _numbers(record: Record) -> tuple[float | None, ...]:
    return tuple(number for one in record.judgements for number in (one.loss, one.distance, one.tolerance))
