"""Reads NVIDIA GPUs through NVML, the driver's own library. Loads no framework.

What a GPU, driver or container does not report is None, never an error.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# The driver's bits for what limits the clocks. Bits that are not listed are shown by number.
IDLE, THROTTLED, HOT = 1, (4, 8, 32, 64, 128, 512, 1024), (8, 32, 64, 128)
REASONS = {
    1: "idle",
    2: "application clocks set",
    4: "software power cap",
    8: "hardware slowdown",
    16: "sync boost with another GPU",
    32: "software thermal slowdown",
    64: "hardware thermal slowdown",
    128: "hardware power brake",
    256: "display clocks set",
    512: "board limit",
    1024: "reliability limit",
}


class Absent(Exception):
    """There is no NVIDIA driver; the message says why."""


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML reports it."""

    library: Any
    handle: Any
    index: int

    def ask(self, question: str, *arguments: Any) -> Any:
        """The answer to nvmlDevice<question>; None when the library is too old or the GPU does not say."""
        call = getattr(self.library, f"nvmlDevice{question}", None)
        if call is None:
            return None
        try:
            return call(self.handle, *arguments)
        except self.library.NVMLError:
            return None

    @property
    def name(self) -> str:
        """The product name."""
        return str(self.ask("GetName") or "a GPU without a name")

    @property
    def driver(self) -> str | None:
        """The version of the driver."""
        try:
            return str(self.library.nvmlSystemGetDriverVersion())
        except self.library.NVMLError:
            return None

    def scaled(self, question: str, scale: float, *arguments: Any) -> float | None:
        """A numeric answer times `scale`."""
        answer = self.ask(question, *arguments)
        return None if answer is None else float(answer) * scale

    def clock(self, question: str, kind: str) -> float | None:
        """GetClockInfo or GetMaxClockInfo of "SM" or "MEM", in MHz."""
        return self.scaled(question, 1.0, getattr(self.library, f"NVML_CLOCK_{kind}"))

    def celsius(self) -> float | None:
        """Its temperature; newer drivers have another function for it."""
        degrees = self.ask("GetTemperatureV", self.library.NVML_TEMPERATURE_GPU)
        return float(degrees) if degrees is not None else self.scaled("GetTemperature", 1.0, 0)

    def reasons(self) -> int | None:
        """The bits of what limits its clocks now; the function was renamed in 2023."""
        for question in ("GetCurrentClocksEventReasons", "GetCurrentClocksThrottleReasons"):
            if (bits := self.ask(question)) is not None:
                return int(bits)
        return None


def spoken(bits: int) -> tuple[str, ...]:
    """The reasons in words, lowest bit first; an unknown bit as its number."""
    set_bits = (1 << place for place in range(bits.bit_length()) if bits >> place & 1)
    return tuple(REASONS.get(bit, f"reason {bit}") for bit in set_bits)


@contextmanager
def opened(library: Any = None) -> Iterator[list[Gpu]]:
    """The GPUs of this machine, with NVML open meanwhile. Raises Absent where there is no driver.

    library  stands in for pynvml in tests
    """
    if library is None:
        import pynvml

        library = pynvml
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        raise Absent(str(error)) from error
    try:
        try:
            count = library.nvmlDeviceGetCount()
            gpus = [Gpu(library, library.nvmlDeviceGetHandleByIndex(index), index) for index in range(count)]
        except library.NVMLError as error:
            raise Absent(str(error)) from error
        yield gpus
    finally:
        library.nvmlShutdown()


def raced(gpus: list[Gpu], variables: Mapping[str, str] = os.environ) -> Gpu | None:
    """The GPU that CUDA calls number 0: the first of CUDA_VISIBLE_DEVICES, by number or by UUID, else the first of all."""
    first = variables.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0].strip()
    if first.isdigit():
        return next((gpu for gpu in gpus if gpu.index == int(first)), None)
    named = (gpu for gpu in gpus if first and str(gpu.ask("GetUUID") or "").startswith(first))
    return next(named, None)


def settings(gpu: Gpu) -> dict[str, Any]:
    """Settings of a GPU that could explain a difference: limits, clocks, modes, firmware, link."""
    mig = gpu.ask("GetMigMode")
    ecc = gpu.ask("GetEccMode")
    return {
        "power limit, W": gpu.scaled("GetEnforcedPowerLimit", 1e-3),
        "power limit by default, W": gpu.scaled("GetPowerManagementDefaultLimit", 1e-3),
        "clock maximum, MHz": gpu.clock("GetMaxClockInfo", "SM"),
        "memory clock maximum, MHz": gpu.clock("GetMaxClockInfo", "MEM"),
        "ecc": None if ecc is None else bool(ecc[0]),
        "mig": None if mig is None else bool(mig[0]),
        "persistence": None if (mode := gpu.ask("GetPersistenceMode")) is None else bool(mode),
        "firmware": gpu.ask("GetVbiosVersion"),
        "link generation": gpu.ask("GetMaxPcieLinkGeneration"),
        "link width": gpu.ask("GetCurrPcieLinkWidth"),
    }
