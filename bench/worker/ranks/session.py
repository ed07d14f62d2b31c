"""A worker's session in one of several ranks: every rank does the same, and the slowest one's time counts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from msgspec import structs

from bench.messages.commands import Finished, Prepare, Prepared
from bench.messages.protocol import Answer, Done
from bench.results.record import Share
from bench.worker.session import Session
from impls.contract.setting import Setting
from impls.recipe.ranks_patch import SHARES


class RankSession(Session):
    """The state of one rank. torch and the other ranks are there once an arm has been prepared."""

    def __init__(self, send: Callable[[Answer], None], everywhere: set[int], launch_seconds: float) -> None:
        super().__init__(send, everywhere)
        self._launch_seconds = launch_seconds  # until this rank had begun

    def prepare(self, command: Prepare) -> Prepared:
        """The same; that torchrun had to load torch, too, before it started the ranks belongs to their start."""
        prepared = super().prepare(command)
        return structs.replace(prepared, import_seconds=prepared.import_seconds + self._launch_seconds)

    def _ready(self, setting: Setting) -> ModuleType:
        device = super()._ready(setting)
        import torch
        import torch.distributed as dist

        from bench.worker.ranks.slowest import SlowestStopwatch

        if not setting.is_step:  # whose build first makes the plain step's updates, on as many threads as the judge
            torch.set_num_threads(1)
        device.meet(setting.device)
        self._rank, self._ranks = dist.get_rank(), dist.get_world_size()
        self._flags = device.global_flags()
        self.stopwatch = SlowestStopwatch(setting.device)
        return device

    def _settle(self, cores: Sequence[int]) -> None:
        super()._settle([cores[self._rank % len(cores)]])

    def observe(self, target: str) -> Done:
        """The same, with rows that are dealt out unevenly: a mean of means would not be that of all rows."""
        with uneven(self.arm, self._ranks):
            return super().observe(target)

    def _write(self, target: str, observed: Any) -> None:
        if self._rank == 0:
            super()._write(target, observed)

    def _goes_on(self, wanted: bool) -> bool:
        from bench.worker.ranks import slowest

        return slowest.agreed(wanted, self.setting.device)

    def finish(self, updates: int) -> Finished:
        """The same, of all ranks together."""
        from bench.worker.ranks import share, slowest

        finished = super().finish(updates)
        device = self.setting.device
        return structs.replace(
            finished,
            peak_resident_bytes=int(sum(slowest.of_each(float(finished.peak_resident_bytes), device))),
            shares=self._shares(device) if share.is_known(self.arm) else (),
        )

    def _shares(self, device: str) -> tuple[Share, ...]:
        """What each rank needs for its own rows."""
        from bench.worker.ranks import share, slowest

        rows = slowest.of_each(float(share.rows(self.arm)), device)
        seconds = slowest.of_each(share.seconds(self.arm), device)
        return tuple(Share(rows=int(each), seconds=own) for each, own in zip(rows, seconds, strict=True))

    def _computes_alone(self) -> bool:
        return False


@contextmanager
def uneven(arm: Any, ranks: int) -> Iterator[None]:
    """While it is entered, a step's patch deals twice as many rows out to the last rank as to each other one."""
    names: dict[str, Any] = vars(getattr(arm, "module", None) or arm)
    before = names.get(SHARES)
    if before is not None:
        names[SHARES] = [1] * (ranks - 1) + [2]
    try:
        yield
    finally:
        if before is not None:
            names[SHARES] = before
