"""Devices: whether one is there, its clock, its memory, and torch's global settings. Loads torch.

The only file of bench that names CUDA.
"""

import importlib.util
import os
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from bench import clock
from impls.recipe.flags import global_flags as global_flags


def absent(device: str) -> str | None:
    """None when the device can be used, else the reason why not."""
    if device == "cpu" or torch.cuda.is_available():
        return None
    built = torch.version.cuda
    if built is None:
        return f"no CUDA: this PyTorch ({torch.__version__}) was built for the CPU only"
    return f"no CUDA: PyTorch was built for CUDA {built}, but no GPU or no driver for it was found"


def cannot_compile(device: str) -> str | None:
    """None when torch.compile has what it needs for the device, else what to install."""
    compilers = [os.environ["CXX"]] if "CXX" in os.environ else ["g++", "clang++"]
    if device == "cpu" and not any(map(shutil.which, compilers)):
        return f"torch.compile needs a C++ compiler for the CPU: install {' or '.join(compilers)}"
    if device == "cuda" and importlib.util.find_spec("triton") is None:
        return "torch.compile needs triton for CUDA: pip install triton"
    if device == "cuda" and not any(map(shutil.which, [os.environ["CC"]] if "CC" in os.environ else ["gcc", "clang"])):
        return "torch.compile needs a C compiler for CUDA, with which triton builds its launchers: install gcc or clang"
    return None


def number_of_ranks(device: str, threads: int) -> int:
    """How many processes make the updates of an arm together: one for each GPU, on the CPU one for each thread."""
    return torch.cuda.device_count() if device == "cuda" else threads


def meet(device: str) -> None:
    """Joins the other processes of an arm, which torchrun has started, each on a GPU of its own where it computes on one."""
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")


class Stopwatch:
    """Times calls on one device. It alone waits for the device's queue to be empty before it reads the clock."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"

    def drain(self) -> None:
        """Waits until the device has finished everything it was asked to do."""
        if self._cuda:
            torch.cuda.synchronize()

    def time(self, call: Callable[[], None]) -> tuple[float, float | None, float]:
        """Seconds of the call with all its work done; the same by the device's own clock; seconds spent draining."""
        self.drain()
        if not self._cuda:
            begin = clock.now()
            call()
            return clock.now() - begin, None, 0.0
        first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin = clock.now()
        first.record()
        call()
        last.record()
        returned = clock.now()
        torch.cuda.synchronize()
        end = clock.now()
        return end - begin, first.elapsed_time(last) / 1000, end - returned


def forget_peak(device: str) -> None:
    """Makes `peak_bytes` start anew."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_bytes(device: str) -> int | None:
    """The most memory that tensors had on the device at a time; None for the host, where it is not counted."""
    return torch.cuda.max_memory_allocated() if device == "cuda" else None


def compilations() -> int:
    """How often torch.compile has compiled something in this process; 0 where nobody has loaded it."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return int(dynamo.counters["frames"]["total"]) if dynamo else 0


def footprint(device: str) -> dict[str, int]:
    """What a steady loop does not increase: compilations, requests to the driver for memory, the size of this process.

    PyTorch keeps the memory that it gets from the driver, so a loop asks only once for what it needs.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "compilations": compilations(),
        "segments": torch.cuda.memory_stats().get("segment.all.allocated", 0) if device == "cuda" else 0,
        "resident_bytes": pages * resource.getpagesize(),
    }


def page_faults() -> int:
    """Pages of memory that the kernel has given this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def arithmetic() -> dict[str, object]:
    """Settings that decide how exact and how fast float32 is; a matmul precision of "high" or "medium" allows TF32."""
    return {
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "denormal numbers": "kept" if torch.tensor([1e-40]).mul(1.0).item() else "flushed",
    }
