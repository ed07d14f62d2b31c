"""Builds C on the spot and calls it. Apart because every native arm needs the same compiler, flags and complaint."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from torch import Tensor

from impls.contract import UnavailableError

# What -ffast-math allows for sums, without what it links in: code that changes how the whole process rounds.
FLAGS = (
    *("-O3", "-march=native", "-funroll-loops", "-shared", "-fPIC"),
    *("-fassociative-math", "-freciprocal-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)
WIDE = ("-mprefer-vector-width=512",)  # x86: compilers prefer 256 bits even where 512 are faster
REALS = {"float32": "float", "float64": "double"}


def build(source: str, dtype: str, *, threads: int = 1) -> ctypes.CDLL:
    """The shared library that a C source makes; in it REAL is the C type of `dtype`.

    threads  1, or more: then OpenMP is linked

    Raises UnavailableError where there is no C compiler.
    """
    compilers = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    found = next(filter(None, map(shutil.which, compilers)), None)
    if found is None:
        raise UnavailableError(f"needs a C compiler: install {' or '.join(compilers)}, e.g. apt-get install gcc")
    flags = [*FLAGS, *(WIDE if platform.machine() == "x86_64" else ()), *(["-fopenmp"] if threads > 1 else [])]
    with tempfile.TemporaryDirectory(prefix="looprace-c-") as folder:
        written, library = Path(folder, "arm.c"), Path(folder, "arm.so")
        written.write_text(source, encoding="utf-8")
        command = [found, *flags, f"-DREAL={REALS[dtype]}", str(written), "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(
                f"{found} cannot build it: {(done.stderr.strip().splitlines() or ['no message'])[0]}"
            )
        return ctypes.CDLL(str(library))


def pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    """The address of a tensor's first element; null for None. The tensor must be contiguous and outlive the call."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())
