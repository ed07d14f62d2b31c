"""Whether there is a GPU that PyTorch can use, found out without loading PyTorch or starting a process."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench.system import toolchain
from bench.system.environment import gpus

# A driver without NVML: of AMD, of a Jetson, of Windows' Linux, of an NVIDIA container that lacks the library.
DRIVERS = ("kfd", "nvhost-gpu", "nvmap", "dxg", "nvidia0")
HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


@cache
def why_no_gpu() -> str | None:
    """None where a GPU can be used, or may be; else the reason why none can."""
    build = toolchain.torch_build(toolchain.torch_folder())
    drivers = bool(gpus()) or any(Path("/dev", name).exists() for name in DRIVERS)
    return reason(build, drivers=drivers, variables=os.environ)


def reason(build: Mapping[str, str | bool | None], *, drivers: bool, variables: Mapping[str, str]) -> str | None:
    """The reason from what is known.

    build    what torch/version.py says; empty where it cannot be read
    drivers  whether a GPU's driver answers
    """
    if build and not (build.get("cuda") or build.get("hip")):
        return "this PyTorch is built for the CPU only"
    if not drivers:
        return "no driver of a GPU was found"
    hidden = next((name for name in HIDING if variables.get(name, "0").strip() in ("", "-1")), None)
    return f"{hidden} hides every GPU" if hidden else None
