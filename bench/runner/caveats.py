"""Caveats about how an arm behaved while it was timed: what was seen, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence

from bench.messages.commands import Finished
from bench.results.record import Arm, Caveat, Share

WAITED = 0.05  # share of the timed seconds without a processor, above which there is a caveat
UNDRAINED = 0.5  # share of a block for which the device still works after `advance` has returned
FAULTS = 8  # pages of memory an update: a steady loop needs none
LAGS = 1.5  # times what another rank needs for as many rows
GROWN = (
    32 << 20
)  # bytes by which a process may grow while timed: an allocator moves less, a loop that keeps things more


def caveats_of(arm: Arm, finished: Finished | None, *, in_a_window: bool, block_seconds: float) -> Iterator[Caveat]:
    """A caveat with advice for each thing that an arm should not have done, or that should not have happened to it.

    finished       what its worker answered at the end; None where it ended before
    in_a_window    whether it was drawn on the screen
    block_seconds  median time of its blocks; 0 where there are none
    """
    if in_a_window:
        yield Caveat(
            code="in_a_window",
            text=f"{arm.name} was drawn in a window on the screen, which takes longer than drawing off it",
            advice="unset DISPLAY to measure the drawing alone",
        )
    if finished is None:
        return
    for change in () if arm.setting.is_step else finished.changed_flags:  # a step and its recipe may set what they like
        yield Caveat(
            code="changed_flags",
            text=f"{arm.name} changed a global setting of torch ({change})",
            advice="set it inside the implementation's own functions, or not at all",
        )
    if finished.waited > WAITED and arm.setting.device == "cpu":
        yield Caveat(
            code="busy",
            text=f"{arm.name} waited for its processor for {finished.waited:.0%} of the time it was timed",
            advice="close other programs, or repeat when the machine is idle",
        )
    yield from _of_shares(arm, finished.shares)
    drained = finished.drain_seconds / block_seconds if block_seconds else 0.0
    if drained > UNDRAINED:
        yield Caveat(
            code="undrained",
            text=f"{arm.name} had returned when {drained:.0%} of a block's time was still to come: its device was at work",
            advice="wait for the device before reading a clock of your own; here that is done, and its time is counted",
        )
    if finished.page_faults > FAULTS and arm.setting.watch == "none":
        yield Caveat(
            code="page_faults",
            text=f"{arm.name} gave memory back to the kernel and took it anew in every update; which of its processes "
            "do so, and how much, is chance, so its rounds differ",
            advice="keep tensors from one update to the next, or set MALLOC_TRIM_THRESHOLD_=1073741824 and "
            "MALLOC_MMAP_THRESHOLD_=33554432 for the whole run",
        )
    yield from _of_growth(arm, finished.grown)


def _of_shares(arm: Arm, shares: Sequence[Share]) -> Iterator[Caveat]:
    """A caveat where one of several processes needs longer for its rows than another one for as many."""
    seconds = [share.seconds for share in shares]
    if not seconds or max(seconds) < LAGS * min(seconds):
        return
    slow, fast = seconds.index(max(seconds)), seconds.index(min(seconds))
    yield Caveat(
        code="lags",
        text=f"rank {slow} of {arm.name} needs {max(seconds) * 1e6:.0f} µs for its rows of an update, rank {fast} "
        f"{min(seconds) * 1e6:.0f} µs for as many: an update takes as long as the slowest rank",
        advice="give each process a core of its own, and let none do what the others do not, such as logging",
    )


def _of_growth(arm: Arm, grown: Mapping[str, int]) -> Iterator[Caveat]:
    """Caveats for what a steady loop does not do: compile, ask for device memory, grow."""
    if (compilations := grown.get("compilations", 0)) > 0:
        yield Caveat(
            code="recompiled",
            text=f"{arm.name} compiled something {_times(compilations)} while it was timed",
            advice="give compiled functions tensors of one shape and no numbers that change; "
            "TORCH_LOGS=recompiles says which of them does",
        )
    if (segments := grown.get("segments", 0)) > 0:
        yield Caveat(
            code="allocated",
            text=f"{arm.name} asked the device's driver for memory {_times(segments)} while it was timed",
            advice="keep no tensor from one update to the next but the weights, and make buffers when building",
        )
    if (size := grown.get("resident_bytes", 0)) > GROWN and arm.setting.watch == "none":
        yield Caveat(
            code="grew",
            text=f"{arm.name} grew by {size / 1e6:.0f} MB while it was timed",
            advice="look for a list that keeps something of each update, such as losses with their graphs",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
