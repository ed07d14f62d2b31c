"""The Triton kernels compiled to machine code for GPUs that are not here, at the sizes of the default run.

Triton brings the assembler, so no GPU is needed. What is read back is what the machine code needs: registers, and memory
that stands in for registers where there are too few of them.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("triton", reason="needs triton: pip install triton")

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from impls.contract.catalogue import workloads
from impls.linear import floor_barrier, floor_launch, floor_read_triton, kernels, triton_persistent, triton_update

ROWS = workloads()["linear/line"].setting().rows
STEP = 1e-4
WARP = 32  # threads
REGISTERS = 65_536  # of a multiprocessor
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
POINTERS = {
    "x": "*fp32",
    "y": "*fp32",
    "weight": "*fp32",
    "bias": "*fp32",
    "sums": "*fp32",
    "arrived": "*i64",
    "updates": "i32",
}
BATCHES = {"order": "*i64", "number": "*i64"}


@dataclass(frozen=True)
class Gpu:
    """A kind of GPU: its compute capability, times ten, and its multiprocessors."""

    capability: int
    processors: int


GPUS = {"A100": Gpu(80, 108), "H100": Gpu(90, 132), "B200": Gpu(100, 148)}


def launches(gpu: Gpu) -> dict[str, tuple[Any, kernels.Tiles, dict[str, Any]]]:
    """Each kernel of the default run: the function, its tiles, and the constants that it is compiled with besides theirs."""
    streaming = kernels.streaming_tiles(ROWS, 1, gpu.processors)
    small = kernels.streaming_tiles(256, 1, gpu.processors)
    resident = kernels.resident_tiles(ROWS, 1, gpu.processors, 4)
    job = {"features": 1, "step": STEP}
    whole = job | {"count": ROWS, "cycle": 1, "order": None, "number": None}
    return {
        "update": (triton_update._update, streaming, whole | {"together": streaming.together}),
        "mini-batch": (triton_update._update, small, job | {"count": 256, "cycle": 390, "together": small.together}),
        "persistent": (triton_persistent._updates, resident, job | {"count": ROWS, "together": resident.together}),
        "read": (floor_read_triton._read, streaming, {"count": ROWS, "features": 1}),
        "barrier": (floor_barrier._crossings, resident, {}),
        "launch": (floor_launch._nothing, kernels.Tiles(1, 1, 1), {}),
    }


def needs(gpu: Gpu, name: str, folder: Path) -> dict[str, int]:
    """What the machine code of a kernel needs: REG registers a thread; STACK, LOCAL and SHARED bytes."""
    function, tiles, constants = launches(gpu)[name]
    given = {key: value for key, value in (constants | tiles.sizes).items() if key in function.arg_names}
    types = POINTERS | BATCHES | dict.fromkeys(given, "constexpr")
    source = ASTSource(fn=function, signature={key: types[key] for key in function.arg_names}, constexprs=given)
    target = GPUTarget("cuda", gpu.capability, WARP)
    binary = folder / "kernel.cubin"
    binary.write_bytes(triton.compile(source, target=target, options={"num_warps": tiles.warps}).asm["cubin"])
    said = subprocess.run(
        [TOOLS / "cuobjdump", "--dump-resource-usage", binary], capture_output=True, text=True, check=True
    ).stdout
    return {key: int(number) for key, number in re.findall(r"(REG|STACK|LOCAL|SHARED):(\d+)", said)}


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of this test's own; and a word on multiplications fused with additions, which Triton asks for."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")


@pytest.mark.parametrize("name", list(launches(GPUS["H100"])))
@pytest.mark.parametrize("gpu", list(GPUS))
def test_a_kernel_needs_no_memory_in_place_of_registers(gpu: str, name: str, tmp_path: Path) -> None:
    """No kernel spills, and a resident one fits: all registers of its threads, on as many processors as it has programs."""
    found = needs(GPUS[gpu], name, tmp_path)
    _, tiles, _ = launches(GPUS[gpu])[name]
    assert (0, 0) == (found["STACK"], found["LOCAL"])
    assert found["REG"] * tiles.warps * WARP <= REGISTERS
    if name == "persistent":
        assert tiles.programs <= GPUS[gpu].processors
