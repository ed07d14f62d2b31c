"""Whether there is a GPU, from what can be known without loading PyTorch."""

import subprocess
import sys

import pytest

from bench.system.gpu_presence import reason
from tests.conftest import ROOT

CUDA, ROCM, CPU = {"cuda": "13.0", "hip": None}, {"cuda": None, "hip": "7.0"}, {"cuda": None, "hip": None}


@pytest.mark.parametrize("build", [CUDA, ROCM, {}], ids=["CUDA", "ROCm", "unreadable"])
def test_a_driver_and_a_build_for_it_are_a_gpu(build: dict[str, str | bool | None]) -> None:
    """Where the build cannot be read, the driver alone decides: a worker finds out the rest."""
    assert reason(build, drivers=True, variables={"CUDA_VISIBLE_DEVICES": "0"}) is None


@pytest.mark.parametrize(
    ("build", "drivers", "variables", "said"),
    [
        (CPU, True, {}, "this PyTorch is built for the CPU only"),
        (CUDA, False, {}, "no driver of a GPU was found"),
        (CUDA, True, {"CUDA_VISIBLE_DEVICES": ""}, "CUDA_VISIBLE_DEVICES hides every GPU"),
        (ROCM, True, {"HIP_VISIBLE_DEVICES": "-1"}, "HIP_VISIBLE_DEVICES hides every GPU"),
    ],
)
def test_the_reason_why_there_is_none_is_named(
    build: dict[str, str | bool | None], drivers: bool, variables: dict[str, str], said: str
) -> None:
    """One of three: the build, the driver, or a variable."""
    assert said == reason(build, drivers=drivers, variables=variables)


def test_nothing_heavy_is_loaded_to_find_out() -> None:
    """The question is asked before anything is started, so it must cost next to nothing."""
    script = "import sys; from bench.system.gpu_presence import why_no_gpu; why_no_gpu(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
