"""The stopwatch, with a scripted clock and on a real GPU where there is one; and what devices need."""

import importlib.util
import shutil
from collections.abc import Callable, Mapping

import pytest
import torch

from bench import clock
from bench.processes.command_loop import is_out_of_memory
from bench.worker import device
from tests.conftest import Checkout

NO_CUDA = device.absent("cuda")


def test_the_clock_is_read_right_before_and_right_after_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU nothing but the call lies between the two readings, and their difference is the time."""
    events: list[str] = []
    readings = iter([10.0, 12.5])

    def now() -> float:
        events.append("clock")
        return next(readings)

    monkeypatch.setattr(clock, "now", now)
    times = device.Stopwatch("cpu").time(lambda: events.append("call"))
    assert times == (2.5, None, 0.0)
    assert events == ["clock", "call", "clock"]


def test_the_processor_is_always_there() -> None:
    """The CPU is never absent; for a missing GPU the reason says which part is missing."""
    assert device.absent("cpu") is None
    assert NO_CUDA is None or NO_CUDA.startswith("no CUDA: ")


def test_running_out_of_memory_is_recognised() -> None:
    """Python's own error, that of torch's allocator and those of drivers count; other errors do not."""
    assert is_out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert is_out_of_memory(caught.value)
    for text in ("CUDA error: out of memory", "Triton Error [CUDA]: out of memory"):
        assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_compiling_without_a_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a C++ compiler on the path, compile mode on the CPU is refused with the cure."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert device.cannot_compile("cpu") == "torch.compile needs a C++ compiler for the CPU: install g++ or clang++"


def test_compiling_for_cuda_needs_triton_and_what_it_builds_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton builds its launchers with a C compiler: without either, what to install is said before anything fails."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "clang" else None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert device.cannot_compile("cuda") == "torch.compile needs triton for CUDA: pip install triton"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert device.cannot_compile("cuda") is None
    monkeypatch.setenv("CC", "icc")
    assert "needs a C compiler" in str(device.cannot_compile("cuda"))


@pytest.mark.cuda
@pytest.mark.skipif(NO_CUDA is not None, reason=str(NO_CUDA))
def test_work_that_is_still_queued_is_waited_for() -> None:
    """The host's time includes the device's: a call that only queues work is not called fast, and the wait is reported."""
    x = torch.ones(4096, 4096, device="cuda")

    def work() -> None:
        for _ in range(50):
            torch.mm(x, x)

    seconds, on_device, drain = device.Stopwatch("cuda").time(work)
    assert on_device is not None
    assert seconds >= 0.9 * on_device
    assert drain > 0


@pytest.mark.cuda
@pytest.mark.skipif(NO_CUDA is not None, reason=str(NO_CUDA))
def test_cuda_races_cpu(checkout: Callable[[Mapping[str, str]], Checkout]) -> None:
    """On a GPU machine one race holds both devices, every answer is right, and blocks are timed by the device too."""
    place = checkout({})
    status, arms = place.arms("--rows=10000", "--updates=200", "--rounds=1", "--device=cuda,cpu", "--mode=eager")
    assert status == 0
    assert arms["linear/numpy eager"]["status"] in ("ok", "unsupported")
    (folder,) = (place.path / "results").iterdir()
    records = [path.read_text() for path in folder.glob("records/*/round-001/linear-nn_sgd-cuda*.json")]
    assert records
    assert all('"device_blocks": [\n' in text for text in records)
