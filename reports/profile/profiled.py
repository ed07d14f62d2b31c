"""What profiling adds to a race: profiles, attributions, counters, remarks and files; read once for all reports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.results.profile import COUNTERS, Profile
from bench.results.record import Arm, Race
from impls.contract.words import grouped
from reports.profile import differential, predictions, text
from reports.profile.attribution import Attribution
from reports.profile.differential import Differential
from reports.profile.predictions import Prediction
from reports.text import numbers

FORMAT = 1
OPERATIONS = 8  # of an arm that are listed


@dataclass(frozen=True)
class Profiled:
    """The profiles of a race by arm, the attributions in the order of its rows, and what rewrites can save and saved."""

    profiles: Mapping[Arm, Profile] = field(default_factory=dict)
    attributions: tuple[Attribution, ...] = ()
    predictions: tuple[Prediction, ...] = ()

    def attribution(self, arm: Arm) -> Attribution | None:
        """Where the arm's update goes; None where that is not known."""
        return next((attribution for attribution in self.attributions if attribution.arm == arm), None)


def counters(profile: Profile) -> Iterator[tuple[str, str, str]]:
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
    """What a reader should know of how an arm was profiled, in sentences."""
    if profile.status != "ok":
        yield f"It could not be profiled, {profile.status.replace('_', ' ')}: {profile.reason}."
    if profile.drawn > 1:
        earlier = "the one before it" if profile.drawn == 2 else f"the {profile.drawn - 1} before it"
        yield (
            f"It was profiled in process number {profile.drawn}: {earlier} ran at another speed than in the race, "
            "as the speed of a process varies by chance."
        )
    for why in profile.breaks:
        yield f"The compiler broke its graph: {why}."
    yield from _patterns(profile)
    for what, why in profile.reasons.items():
        yield f"{what}: {why}."
    if profile.slowdown is not None:
        samples = grouped(sum(profile.stacks.values()))
        yield f"py-spy took {samples} samples, while an update took {numbers.count(profile.slowdown, 3)} times as long."


def _patterns(profile: Profile) -> Iterator[str]:
    """What PyTorch's pattern finder says of it; nothing where it was not asked."""
    if profile.patterns is None:
        return
    if not profile.patterns:
        yield "PyTorch's own pattern finder saw nothing to change."
    for pattern in profile.patterns:
        often = numbers.count(pattern.times, 3)
        yield f"PyTorch's own pattern finder ({often} times an update): {pattern.advice.strip().rstrip('.')}."


def operations(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """The slowest operations at full size: name, calls and seconds an update, the profiler's own cost included."""
    if profile.full:
        for operation in sorted(profile.full.operations, key=lambda operation: -operation.seconds)[:OPERATIONS]:
            if operation.seconds > 0:
                yield operation.name, numbers.count(operation.calls, 3), numbers.seconds(operation.seconds)


def artifacts(profile: Profile, race: Race) -> Iterator[tuple[str, str]]:
    """The files that profiling left: the path of each within the run's folder, and what it is."""
    for name, description in profile.artifacts.items():
        yield f"profiles/{race.slug}/{profile.arm.slug}/{name}", description


def document(path: str, profiled: Sequence[Profiled], pairs: Sequence[Differential]) -> dict[str, Any]:
    """The JSON document of `profile --json`: profiles, attributions, and what two arms differ in.

    path  the run's folder
    """
    return {
        "format": FORMAT,
        "run": path,
        "profiles": [msgspec.to_builtins(profile) for one in profiled for profile in one.profiles.values()],
        "attributions": [text.document(attribution) for one in profiled for attribution in one.attributions],
        "predictions": [predictions.document(each) for one in profiled for each in one.predictions],
        "differentials": [differential.document(pair) for pair in pairs],
    }
