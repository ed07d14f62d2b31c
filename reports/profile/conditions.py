"""What differs between two arms besides their code: an audit in sentences. Apart because it reads findings, and makes none."""

from collections.abc import Iterator

from bench.results.profile import Profile
from bench.results.record import Arm

# The coordinates that must be equal for a ratio to mean anything, with what a difference does.
_COORDINATES = {
    "device": "computes on {}",
    "dtype": "computes in {}",
    "threads": "may use this many threads: {}",
    "rows": "has {} rows",
    "features": "has {} features",
    "batch_rows": "reads this many rows in an update: {}",
    "updates": "makes {} updates",
    "lr": "has the learning rate {}",
    "seed": "has data and a batch order drawn from the seed {}",
    "watch": "is watched: {}",
    "mode": "is run in the mode {}",
}
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
    """Sentences on what is not the same for both, from their settings, and from what their processes were found to do.

    Empty when only the code differs. What only a profile knows is left out where one of the two is missing.
    """
    settings = [
        (said, str(getattr(arm.setting, n)), str(getattr(reference.setting, n))) for n, said in _COORDINATES.items()
    ]
    seen = list(_seen(profile, of_reference)) if profile and of_reference else []
    return [
        f"{arm.name} {said.format(mine)}; {reference.name} {said.format(others)}."
        for said, mine, others in [*settings, *seen]
        if mine != others
    ]


def _seen(profile: Profile, of_reference: Profile) -> Iterator[tuple[str, str, str]]:
    """What both processes were found to do; what was asked to differ has been said already."""
    settings = vars(profile.arm.setting), vars(of_reference.arm.setting)
    for name, said in _CONDITIONS.items():
        asked = settings[0].get(name) == settings[1].get(name)
        if asked and name in profile.conditions and name in of_reference.conditions:
            yield said, profile.conditions[name], of_reference.conditions[name]
    if (mine := _gradient(profile)) and (others := _gradient(of_reference)):
        yield "{}", mine, others


def _gradient(profile: Profile) -> str:
    """How it comes by its gradient, as PyTorch's profiler saw it; empty where that saw nothing."""
    if profile.full is None or profile.full.profiled is None:
        return ""
    by_autograd = any(each.part == "backward" or "autograd::" in each.name for each in profile.full.operations)
    return "has its gradient from autograd" if by_autograd else "works its gradient out without autograd"
