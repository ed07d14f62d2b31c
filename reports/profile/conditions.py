"""What differs between two arms besides their code, in sentences: settings, and what their processes were found to do."""

from collections.abc import Iterator

from bench.results.profile import Profile
from bench.results.record import Arm
from impls.contract.coordinates import COORDINATES

_CONDITIONS = {
    "dtype": "left weights in {}",
    "device": "left weights on {}",
    "threads": "had PyTorch set to this many threads: {}",
    "busy threads": "kept this many threads busy: {}",
    "float32 matmul precision": "had the float32 matmul precision {} (high and medium allow TF32)",
    "denormal numbers": "had denormal numbers {}",
    "data": "was given data with the digest {}",
}


def differences(
    arm: Arm, reference: Arm, profile: Profile | None = None, of_reference: Profile | None = None
) -> list[str]:
    """What differs besides the code, in sentences: from the settings, and from what the processes were found to do.

    Empty when only the code differs. What only a profile knows is left out where one of the two has none.
    """
    settings = [
        (coordinate.difference, str(coordinate.of(arm.setting)), str(coordinate.of(reference.setting)))
        for coordinate in COORDINATES
        if coordinate.difference
    ]
    conditions = list(_conditions(profile, of_reference)) if profile and of_reference else []
    return [
        f"{arm.name} {text.format(own)}; {reference.name} {text.format(others)}."
        for text, own, others in [*settings, *conditions]
        if own != others
    ]


def _conditions(profile: Profile, of_reference: Profile) -> Iterator[tuple[str, str, str]]:
    """What both processes were found to do; without what their settings ask to differ, which is listed already."""
    settings = vars(profile.arm.setting), vars(of_reference.arm.setting)
    for name, text in _CONDITIONS.items():
        same_setting = settings[0].get(name) == settings[1].get(name)
        if same_setting and name in profile.conditions and name in of_reference.conditions:
            yield text, profile.conditions[name], of_reference.conditions[name]
    if (own := _gradient(profile)) and (others := _gradient(of_reference)):
        yield "{}", own, others


def _gradient(profile: Profile) -> str:
    """How the arm obtains its gradient, as PyTorch's profiler saw it; empty where the profiler saw nothing."""
    if profile.full is None or profile.full.profiled is None:
        return ""
    by_autograd = any(one.part == "backward" or "autograd::" in one.name for one in profile.full.operations)
    return "has its gradient from autograd" if by_autograd else "works its gradient out without autograd"
