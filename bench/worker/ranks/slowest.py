"""What ranks agree on: a time is that of the slowest one, and each decides as the first. Loads torch."""

from collections.abc import Callable

import torch
import torch.distributed as dist

from bench.worker.device import Stopwatch


class SlowestStopwatch(Stopwatch):
    """Times calls that all ranks make: they begin together, and the slowest one's seconds count."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._device = device

    def time(self, call: Callable[[], None]) -> tuple[float, float | None, float]:
        """As Stopwatch does, of the slowest rank."""
        dist.barrier()
        seconds, on_device, drain = super().time(call)
        known = torch.tensor([seconds, on_device or 0.0, drain], dtype=torch.float64, device=self._device)
        dist.all_reduce(known, dist.ReduceOp.MAX)
        slowest, longest, drained = known.tolist()
        return slowest, None if on_device is None else longest, drained


def agreed(wanted: bool, device: str) -> bool:
    """What rank 0 wants."""
    word = torch.tensor(int(wanted), device=device)
    dist.broadcast(word, 0)
    return bool(word.item())


def of_each(number: float, device: str) -> list[float]:
    """The number that each rank has, in their order."""
    own = torch.tensor([number], dtype=torch.float64, device=device)
    every = [torch.zeros_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(every, own)
    return [one.item() for one in every]
