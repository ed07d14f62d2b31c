"""What profiling adds to a race: where each arm's time goes, what was counted, what lies beside. Read once, for all reports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.results.profile import COUNTERS, Profile
from bench.results.record import Arm, Race, grouped
from bench.results.store import Store
from reports.profile import differential, text
from reports.profile.attribution import Attribution, attributions
from reports.profile.differential import Differential
from reports.run.comparison import RaceResult
from reports.text import numbers

FORMAT = 1
OPERATIONS = 8  # of an arm that are told


@dataclass(frozen=True)
class Profiled:
    """Of one race: the profiles by arm, and the attributions in the order of the ladder; both empty without profiling."""

    profiles: Mapping[Arm, Profile] = field(default_factory=dict)
    attributions: tuple[Attribution, ...] = ()

    def attribution(self, arm: Arm) -> Attribution | None:
        """Where the arm's update goes; None where that is not known."""
        return next((each for each in self.attributions if each.arm == arm), None)


def profiled_of(run: Store, results: Sequence[RaceResult]) -> tuple[dict[Race, Profiled], list[str]]:
    """What a run found out of its races; and a sentence for each file that cannot be read."""
    found, unread = {}, list[str]()
    for result in results:
        profiles, torn = run.profiles(result.race)
        machine, spoiled = run.machine(result.race)
        unread += torn + spoiled
        if profiles:
            parts = attributions(result, profiles, machine)
            found[result.race] = Profiled({profile.arm: profile for profile in profiles}, parts)
    return found, unread


def counted(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """What was counted in an arm: name, number, and what it means."""
    for name, meaning in COUNTERS.items():
        if name in profile.counters:
            yield name.replace("_", " "), numbers.count(profile.counters[name], 4), meaning
    if profile.peak_resident_bytes:
        yield "peak resident", f"{profile.peak_resident_bytes / 2**20:.0f} MiB", "in a process that did nothing else"
    if profile.peak_device_bytes:
        yield "peak on the device", f"{profile.peak_device_bytes / 2**20:.1f} MiB", "by PyTorch's allocator"
    if profile.energy:
        yield "energy", text.joules(profile.energy), text.above_idle(profile.energy)


def remarks(profile: Profile) -> Iterator[str]:
    """What should be said of how an arm was profiled, in sentences."""
    if profile.status != "ok":
        yield f"It could not be profiled, {profile.status.replace('_', ' ')}: {profile.reason}."
    if profile.drawn > 1:
        yield f"Its process is number {profile.drawn}: those before it ran at another speed than in the race, as chance has it."
    for why in profile.breaks:
        yield f"The compiler broke its graph: {why}."
    for what, why in profile.reasons.items():
        yield f"{what}: {why}."
    if profile.slowdown is not None:
        samples = grouped(sum(profile.stacks.values()))
        yield f"py-spy took {samples} samples, while an update took {numbers.count(profile.slowdown, 3)} times as long."


def operations(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """The operations that take longest at full size: name, calls and seconds an update, the profiler's own cost within."""
    if profile.full:
        for each in sorted(profile.full.operations, key=lambda each: -each.seconds)[:OPERATIONS]:
            if each.seconds > 0:
                yield each.name, numbers.count(each.calls, 3), numbers.seconds(each.seconds)


def artifacts(profile: Profile, race: Race) -> Iterator[tuple[str, str]]:
    """Files that profiling left, each by its place in the run's folder, with what it is."""
    for name, what in profile.artifacts.items():
        yield f"profiles/{race.slug}/{profile.arm.slug}/{name}", what


def document(path: str, found: Mapping[Race, Profiled], pairs: Sequence[Differential]) -> dict[str, Any]:
    """The JSON document of a profiling: profiles, attributions, and what two arms differ in.

    path  the run's folder
    """
    return {
        "format": FORMAT,
        "run": path,
        "profiles": [msgspec.to_builtins(profile) for each in found.values() for profile in each.profiles.values()],
        "attributions": [text.document(each) for one in found.values() for each in one.attributions],
        "differentials": [differential.document(pair) for pair in pairs],
    }
