"""What two runs were measured on and with, and in what they differ: machine, software, conditions, plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.record import Plan
from impls.contract.coordinates import RACED
from impls.contract.words import grouped
from reports.text.sanitize import plain

ABSENT = "not recorded"
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ, as text: "torch", "2.12.0", "2.13.0"."""

    what: str
    then: str
    now: str

    @property
    def text(self) -> str:
        """ "torch: 2.12.0 then, 2.13.0 now"."""
        return f"{self.what}: {self.then} then, {self.now} now"


@dataclass(frozen=True)
class Setup:
    """What a run was measured on and with, as texts that can be compared; empty where the run kept no environment.

    machine     processor, cores, memory, GPUs; no times are compared unless all of these are equal
    software    Python, driver and packages; no seconds are compared unless all of these are equal
    others      system, commit and variables, which may explain a change
    conditions  frequency policy, limits, compilers and the like; compared where both runs recorded them
    """

    machine: Mapping[str, str]
    software: Mapping[str, str]
    others: Mapping[str, str]
    conditions: Mapping[str, str]

    @property
    def name(self) -> str:
        """The machine in one line; empty when it is not known."""
        return ", ".join(self.machine.values())


def setup_of(environment: Mapping[str, Any]) -> Setup:
    """The setup of a recorded environment. Whatever is missing or malformed in it reads as "not recorded"."""
    machine, revision = _part(environment, "machine"), _part(environment, "revision")
    recorded = machine.get("gpus")
    gpus = [gpu for gpu in recorded if isinstance(gpu, dict)] if isinstance(recorded, list) else []
    drivers = ", ".join(dict.fromkeys(_text(gpu.get("driver")) for gpu in gpus))
    names = [f"{_text(gpu.get('name'))} with {_memory(gpu.get('memory_bytes'))}" for gpu in gpus]
    hardware = {
        "processor": _text(machine.get("processor")),
        "cores": f"{_text(machine.get('cores'))} cores, {_text(machine.get('threads'))} threads",
        "memory": _memory(machine.get("memory_bytes")),
        "GPUs": ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "no GPU",
    }
    packages = {plain(name): _text(version) for name, version in _part(environment, "packages").items()}
    commit = _text(revision.get("commit"))[:12] + (", with changes" if revision.get("changed") is True else "")
    variables = {f"variable {plain(name)}": _text(value) for name, value in _part(environment, "variables").items()}
    return Setup(
        machine=hardware if machine else {},
        software={"Python": _text(environment.get("python")), **({"driver": drivers} if gpus else {}), **packages},
        others={"system": _text(environment.get("system")), "commit": commit, **variables},
        conditions={plain(name): _text(value) for name, value in _part(environment, "conditions").items()},
    )


def differences(then: Mapping[str, str], now: Mapping[str, str], absent: str = ABSENT) -> list[Difference]:
    """The names whose two texts differ, in their order.

    absent  the text of a name that one of the two does not have
    """
    names = dict.fromkeys([*then, *now])
    pairs = ((name, then.get(name, absent), now.get(name, absent)) for name in names)
    return [Difference(name, before, after) for name, before, after in pairs if before != after]


def coordinates(plan: Plan) -> dict[str, str]:
    """What is raced, as texts: workloads, references, and all values of each coordinate that is the same within a race."""
    settings = [race.reference.setting for race in plan.races]
    names = [name for name in vars(settings[0]) if name not in RACED] if settings else []
    return {
        "workload": _all(race.workload for race in plan.races),
        "reference": _all(race.reference.name for race in plan.races),
        **{name: _all(_value(getattr(setting, name)) for setting in settings) for name in names},
    }


def listed(differences: Sequence[Difference], most: int = 6) -> str:
    """Several differences as part of a sentence."""
    more = len(differences) - most
    return "; ".join(
        [difference.text for difference in differences[:most]] + ([f"and {more} more"] if more > 0 else [])
    )


def _part(environment: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = environment.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Any) -> str:
    return ABSENT if value is None or isinstance(value, dict | list) else plain(str(value))


def _memory(size: Any) -> str:
    """Rounded to a GiB: from version to version a kernel reserves a little more or less for itself."""
    return f"{size / 2**30:.0f} GiB" if isinstance(size, int) and size > 0 else f"memory {ABSENT}"


def _all(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(map(plain, values)))


def _value(value: Any) -> str:
    return grouped(value) if isinstance(value, int) else str(value)
