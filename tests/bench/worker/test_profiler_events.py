"""Notes of PyTorch's profiler are sorted into parts; nothing is lost or counted twice."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
from torch._C._autograd import DeviceType
from torch.autograd import profiler

from bench.worker.profiler_events import NAMED, WINDOW, counts, notes, part_of, summary


def looked_at(*calls: Callable[[], object], times: int = 1) -> profiler.profile:
    """A session of the profiler in which each of these functions is called so often."""
    session = profiler.profile(use_kineto=True, profile_memory=True)
    with session, profiler.record_function(WINDOW):
        for _ in range(times):
            for call in calls:
                call()
    return session


@pytest.mark.parametrize(
    ("chain", "part"),
    [
        (["aten::mm"], "forward"),
        (["aten::mm", "AddmmBackward0", "autograd::engine::evaluate_function: AddmmBackward0"], "backward"),
        (["aten::add_", "Optimizer.step#SGD.step"], "optimizer"),
        (["aten::copy_", "aten::addmm", "aten::linear"], "copy"),
        (["aten::copy_", "Optimizer.step#SGD.step"], "copy"),
        (["aten::empty", "aten::mean"], "allocation"),
        (["aten::empty_strided", "aten::_to_copy", "aten::to"], "allocation"),
        (["aten::as_strided", "aten::to"], "copy"),
        (["aten::copy_", "aten::stack", "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"], "data"),
        (["aten::index"], "data"),
        (["aten::as_strided", "aten::index"], "data"),
        (["aten::index", "aten::embedding"], "forward"),
        (["aten::index_add"], "forward"),
        (["aten::_local_scalar_dense", "aten::item"], "sync"),
        (["cudaDeviceSynchronize"], "sync"),
        (
            ["aten::addmm", "## Call CompiledFxGraph abc ##", "CompiledFunction", "Torch-Compiled Region: 0/0"],
            "compiled",
        ),
        (["Torch-Compiled Region: 2/0", "Optimizer.step#SGD.step"], "compiled"),
        (["CompiledFunctionBackward", "autograd::engine::evaluate_function: CompiledFunctionBackward"], "compiled"),
    ],
)
def test_an_operation_belongs_where_its_names_say(chain: Sequence[str], part: str) -> None:
    """The names of an operation and of what called it decide its part."""
    assert part_of(tuple(chain), {("aten::index",)}) == part


def test_seconds_of_all_operations_and_outside_are_those_of_the_window() -> None:
    """No time is lost and none counted twice: own times and the time outside add up to the window."""
    x = torch.ones(1000)
    session = looked_at(lambda: x + x, lambda: x.mean(), times=50)
    (window,) = [event for event in session.function_events if event.name == WINDOW]
    result = summary(session.function_events, 1, 1e-3)
    whole = sum(operation.seconds for operation in result.operations) + result.outside
    assert whole == pytest.approx(window.time_range.elapsed_us() / 1e6, rel=1e-3)


def test_calls_are_an_update_and_entries_those_of_the_interpreter() -> None:
    """mean calls sum and div_: three calls an update, one of which Python made."""
    result = summary(looked_at(torch.ones(10).mean, times=20).function_events, 20, 1e-3)
    by_name = {operation.name: operation for operation in result.operations}
    assert (by_name["aten::mean"].calls, by_name["aten::mean"].entries) == (1, 1)
    assert (by_name["aten::sum"].calls, by_name["aten::sum"].entries) == (1, 0)
    assert result.events == sum(operation.calls for operation in result.operations)


def test_rare_operations_are_summed_up_by_part() -> None:
    """Beyond the operations that keep their names, the others become "everything else" of their part."""
    x = torch.rand(4, 4)
    names = (
        "abs neg exp sin cos tan log sqrt floor ceil round sign trunc frac sigmoid tanh erf sinh cosh asin acos atan"
    )
    more = "relu log1p expm1 log2 log10 rsqrt reciprocal square erfc erfinv asinh atanh acosh exp2 isnan t clone mean std prod"
    session = looked_at(*(partial(getattr(torch, name), x) for name in [*names.split(), *more.split()]))
    result = summary(session.function_events, 1, 1e-3)
    others = [operation for operation in result.operations if operation.name == "everything else"]
    assert len(result.operations) - len(others) == NAMED
    assert len({operation.part for operation in others}) == len(others) >= 1
    assert result.events == len(session.function_events) - 1


def test_operations_are_counted_as_dispatched() -> None:
    """sum dispatches to its other overload, which makes a view and fills: four operations, known from the source of PyTorch."""
    noted = notes(looked_at(torch.ones(8).sum))
    assert sorted(note.name() for note in noted if note.name().startswith("aten")) == [
        "aten::as_strided",
        "aten::fill_",
        "aten::sum",
        "aten::sum",
    ]
    assert counts(noted, on_device=False) == {
        "operations": 4,
        "host_reads": 0,
        "allocations": 1,
        "allocated_bytes": 4,
        "peak_bytes": 4,
    }


def test_the_peak_is_what_is_held_at_a_time() -> None:
    """Two tensors of four bytes held together are eight bytes; one that is freed before the next does not add up."""

    def one_by_one() -> None:
        torch.ones(1)
        torch.ones(1)

    def together() -> None:
        _ = torch.ones(1), torch.ones(1)

    assert counts(notes(looked_at(one_by_one, times=5)), on_device=False)["peak_bytes"] == 4
    assert counts(notes(looked_at(together, one_by_one, times=5)), on_device=False)["peak_bytes"] == 8


def test_what_is_held_before_the_window_is_no_part_of_the_peak() -> None:
    """Only what is allocated and freed after the beginning of the window counts."""
    with profiler.profile(use_kineto=True, profile_memory=True) as session:
        before = torch.ones(100)
        with profiler.record_function(WINDOW):
            after = [torch.ones(3)]
            del before
            after.append(torch.ones(5))
    assert counts(notes(session), on_device=False)["peak_bytes"] == 12


def test_a_number_is_read_however_it_is_spelled() -> None:
    """item(), float(), int() and the truth of a tensor are one read each; an operation that returns a tensor is none."""
    x = torch.ones(2)
    read = looked_at(x[0].item, lambda: float(x[0]), lambda: int(x[0]), lambda: bool(x[0] > 0), x.sum, x.clone)
    assert counts(notes(read), on_device=False)["host_reads"] == 4


def test_labels_and_the_engine_are_no_operations() -> None:
    """Steps of autograd's engine and a user's labels are not dispatched."""
    x = torch.ones(3, requires_grad=True)

    def labelled() -> None:
        with profiler.record_function("mine::own"):
            torch.autograd.grad(x.sin().sum(), x)

    noted = notes(looked_at(labelled))
    dispatched = [note.name() for note in noted if note.name().startswith("aten::")]
    assert any(note.name().startswith("autograd::engine") for note in noted)
    assert counts(noted, on_device=False)["operations"] == len(dispatched)


class Note:
    """A scripted note of a device's runtime."""

    def __init__(self, name: str, start: int, end: int, kind: DeviceType = DeviceType.CPU) -> None:
        self._values = {"name": name, "start_ns": start, "end_ns": end, "nbytes": 0, "device_type": kind}
        self._values |= {"is_user_annotation": name == WINDOW, "is_hidden_event": False}

    def __getattr__(self, name: str) -> object:
        return lambda: self._values[name]


def test_what_a_device_is_asked_counts_only_within_the_window() -> None:
    """The harness waits for the device after the arm has returned; that wait is not the arm's."""
    noted = [
        Note(WINDOW, 12, 120, DeviceType.CUDA),  # the same for the device, which is done later
        Note(WINDOW, 0, 100),
        Note("cudaLaunchKernel", 10, 11),
        Note("cuLaunchKernelEx", 12, 13),
        Note("cudaGraphLaunch", 14, 15),
        Note("cudaMemcpyAsync", 20, 21),
        Note("cudaStreamSynchronize", 30, 31),
        Note("cudaDeviceSynchronize", 101, 110),
    ]
    result = counts(noted, on_device=True)
    assert (result["kernel_launches"], result["copies"], result["synchronisations"]) == (3, 1, 1)
