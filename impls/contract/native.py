"""Compiles C source into a library that an arm can call."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from torch import Tensor

from impls.contract import UnavailableError

# The part of -ffast-math that concerns sums; the whole option would change how the entire process rounds.
FLAGS = (
    *("-O3", "-march=native", "-funroll-loops", "-shared", "-fPIC"),
    *("-fassociative-math", "-freciprocal-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)
WIDE = ("-mprefer-vector-width=512",)  # x86: compilers prefer 256 bits even where 512 are faster
REALS = {"float32": "float", "float64": "double"}


def build(source: str, dtype: str, *, threads: int = 1) -> ctypes.CDLL:
    """Compiles a C source, in which REAL stands for the C type of `dtype`, and loads it.

    threads  more than 1 links OpenMP

    Raises UnavailableError where there is no C compiler.
    """
    compilers = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    compiler = next(filter(None, map(shutil.which, compilers)), None)
    if compiler is None:
        raise UnavailableError(f"needs a C compiler: install {' or '.join(compilers)}, e.g. apt-get install gcc")
    flags = [*FLAGS, *(WIDE if platform.machine() == "x86_64" else ()), *(["-fopenmp"] if threads > 1 else [])]
    with tempfile.TemporaryDirectory(prefix="looprace-c-") as folder:
        written, library = Path(folder, "arm.c"), Path(folder, "arm.so")
        written.write_text(source, encoding="utf-8")
        command = [compiler, *flags, f"-DREAL={REALS[dtype]}", str(written), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(
                f"{compiler} cannot build it: {(done.stderr.strip().splitlines() or ['no message'])[0]}"
            )
        return ctypes.CDLL(str(library))


def pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    """The address of a tensor's first element; null for None. The tensor must be contiguous, and live until the call ends."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
