"""What two runs differ in that is not time: machine, software, code, plan. Apart: a difference is named, never measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.results.record import Plan, grouped
from impls.contract.setting import RACED
from reports.text.sanitize import plain

ABSENT = "not recorded"
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Difference:
    """One thing in which two runs differ, in words: "torch", "2.12.0", "2.13.0"."""

    what: str
    then: str
    now: str

    @property
    def text(self) -> str:
        """ "torch: 2.12.0 then, 2.13.0 now"."""
        return f"{self.what}: {self.then} then, {self.now} now"


@dataclass(frozen=True)
class Setup:
    """What a run was measured on, as texts that can be compared; empty where the run did not keep its environment.

    machine     processor, cores, memory, GPUs: without all of these being equal no time is compared with another
    software    Python, driver and packages: without these being equal no seconds are
    others      system, commit, variables: what may explain a change
    conditions  frequency policy, limits, compilers and the like: the same, where both runs recorded them
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
    """Takes any JSON: what is missing, or not as `environment.describe` writes it, reads as not recorded."""
    machine, revision = _part(environment, "machine"), _part(environment, "revision")
    listed = machine.get("gpus")
    gpus = [gpu for gpu in listed if isinstance(gpu, dict)] if isinstance(listed, list) else []
    drivers = ", ".join(dict.fromkeys(_text(gpu.get("driver")) for gpu in gpus))
    named = [f"{_text(gpu.get('name'))} with {_memory(gpu.get('memory_bytes'))}" for gpu in gpus]
    hardware = {
        "processor": _text(machine.get("processor")),
        "cores": f"{_text(machine.get('cores'))} cores, {_text(machine.get('threads'))} threads",
        "memory": _memory(machine.get("memory_bytes")),
        "GPUs": ", ".join(f"{named.count(name)} x {name}" for name in dict.fromkeys(named)) or "no GPU",
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


def differing(then: Mapping[str, str], now: Mapping[str, str], absent: str = ABSENT) -> list[Difference]:
    """Where two texts of one name differ, in the order of the names."""
    names = dict.fromkeys([*then, *now])
    pairs = ((name, then.get(name, absent), now.get(name, absent)) for name in names)
    return [Difference(name, was, is_) for name, was, is_ in pairs if was != is_]


def coordinates(plan: Plan) -> dict[str, str]:
    """What is raced, in words: workloads, references, and every value of each coordinate that a race has one of."""
    settings = [race.reference.setting for race in plan.races]
    names = [name for name in vars(settings[0]) if name not in RACED] if settings else []
    return {
        "workload": _all(race.workload for race in plan.races),
        "reference": _all(race.reference.name for race in plan.races),
        **{name: _all(_value(getattr(setting, name)) for setting in settings) for name in names},
    }


def listed(differences: Sequence[Difference], most: int = 6) -> str:
    """Several in a row, for a sentence."""
    more = len(differences) - most
    return "; ".join([each.text for each in differences[:most]] + ([f"and {more} more"] if more > 0 else []))


def _part(environment: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = environment.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return ABSENT if value is None or isinstance(value, dict | list) else plain(str(value))


def _memory(size: Any) -> str:
    """To the GiB, for a kernel keeps a little more or less for itself from version to version."""
    return f"{size / 2**30:.0f} GiB" if isinstance(size, int) and size > 0 else f"memory {ABSENT}"


def _all(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(map(plain, values)))


def _value(value: Any) -> str:
    return grouped(value) if isinstance(value, int) else str(value)
