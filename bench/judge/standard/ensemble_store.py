"""What rounding explains, kept from run to run under a digest of everything that it was made of."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
import torch
from msgspec import Struct
from torch import Tensor
from torch.utils import _pytree as pytree

from bench.judge.standard.bits import Spread
from bench.judge.standard.observation import Observation, kept, observe
from bench.judge.standard.race_state import state_of
from bench.processes.worker_process import ROOT
from impls.recipe import step_file
from impls.recipe.flags import global_flags
from impls.recipe.live_step import LiveStep

MADE_BY = ("bench/judge/standard", "impls/recipe", "impls/rewrites")  # the code that ensembles come from
LARGEST, MOST = 32_000_000, 256_000_000  # bytes of one file that is read, and of all files that are kept


class Kept(Struct, frozen=True, kw_only=True):
    """The content of a file: what rounding explains, for each tensor of an update, and what it was made of."""

    digest: str
    spreads: dict[str, Spread]


class EnsembleStore:
    """A folder of files, each named by its digest. What cannot be read is made anew; what cannot be written is not kept.

    folder  None: nothing is kept
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def spreads(
        self, step: LiveStep, truth: Observation, members: int, make: Callable[[], Mapping[str, Spread]]
    ) -> Mapping[str, Spread]:
        """What rounding explains of a step's updates: what is kept of an ensemble of so many members, else what is made."""
        if self._folder is None or not members:
            return make()
        digest = digest_of(step, truth, members)
        path = self._folder / f"{digest}.msgpack"
        with suppress(OSError, msgspec.MsgspecError, ValueError):
            known = _read(path)
            if known.digest == digest and known.spreads.keys() == truth.keys():
                path.touch()  # the oldest are removed first
                return known.spreads
        made = dict(make())
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part")
            partial.write_bytes(msgspec.msgpack.encode(Kept(digest=digest, spreads=made)))
            partial.replace(path)
            _bound(self._folder)
        return made


def digest_of(step: LiveStep, truth: Observation, members: int) -> str:
    """A digest of everything that the ensemble of a step depends on.

    The step's code and setting, the state and the batches that its updates begin with, what they do to the bit, what would
    be right, torch and its settings, the processor's instructions, and the code of the judge.
    """
    plain = observe(step)
    batches = [step.batches[(step.start + number) % len(step.batches)] for number in (0, 1)]
    read = {str(place): leaf for place, leaf in enumerate(pytree.tree_leaves(batches)) if isinstance(leaf, Tensor)}
    other = [repr(leaf) for leaf in pytree.tree_leaves(batches) if not isinstance(leaf, Tensor)]
    digest = hashlib.sha256(_code())
    for source in step_file.sources(step.file.path).values():
        digest.update(hashlib.sha256(source.content).digest())
    described = (step.setting, step.recipe.name, step.patch, members, other, global_flags(), torch.get_num_threads())
    machine = (torch.__version__, torch.backends.cpu.get_cpu_capability(), _device_name(step.setting.device))
    digest.update(repr((*described, *machine)).encode())
    for observation in (state_of(step), read, plain, truth):
        for part in _bytes(observation):
            digest.update(part)
    return digest.hexdigest()


def _device_name(device: str) -> str:
    name = getattr(torch.get_device_module(device), "get_device_name", None)
    return str(name()) if name else ""


@cache
def _code() -> bytes:
    """A digest of the code that ensembles come from."""
    files = sorted(file for folder in MADE_BY for file in (ROOT / folder).glob("*.py"))
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).digest()


def _bytes(observation: Observation) -> Iterator[bytes]:
    """The names, kinds and bits of some tensors."""
    for name, tensor in observation.items():
        value = kept(tensor)
        yield repr((name, tuple(value.shape), value.dtype)).encode()
        yield value.reshape(-1).view(torch.uint8).numpy().tobytes()


def _read(path: Path) -> Kept:
    with path.open("rb") as file:
        return msgspec.msgpack.decode(file.read(LARGEST), type=Kept)


def _bound(folder: Path) -> None:
    """Removes the oldest files, as long as there are more bytes than are kept."""
    files = [(file.stat().st_mtime, file.stat().st_size, file) for file in folder.glob("*.msgpack")]
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if total <= MOST:
            break
        file.unlink(missing_ok=True)
        total -= size
