"""The parts of an update's time: their names, their order, and the families that they belong to."""

from dataclasses import dataclass
from enum import StrEnum


class PartName(StrEnum):
    """Every part, by the name that documents and files know it by; in the order in which tables and bars show them."""

    INTERPRETER = "interpreter"
    CALL = "call"
    DISPATCH = "dispatch"
    AUTOGRAD = "autograd"
    OPTIMIZER = "optimizer"
    ENTERING_COMPILED_CODE = "entering compiled code"
    DEVICE_WITHOUT_DATA = "device without data"
    DATA_PATH = "data path"
    COPIES = "copies"
    WAITING = "waiting for the device"
    LAUNCH_GAPS = "launch gaps"
    READING_ONCE = "reading the data once"
    FORWARD = "forward"
    BACKWARD = "backward"
    OPTIMIZER_STEP = "optimizer step"
    COMPILED_CODE = "compiled code"
    FORWARD_KERNELS = "forward kernels"
    BACKWARD_KERNELS = "backward kernels"
    OPTIMIZER_KERNELS = "optimizer kernels"
    COMPILED_KERNELS = "compiled kernels"
    KERNELS = "kernels"
    DEVICE_KERNELS = "device kernels"
    WATCHING = "watching"
    UNEXPLAINED = "unexplained"


# FORWARD to COMPILED_CODE are the parts of a step of which it is not known what the size of its data adds.
# Overhead: what an update costs whatever the size of its data. Work: what the data add. All other parts are neither.
OVERHEAD = (
    PartName.INTERPRETER,
    PartName.CALL,
    PartName.DISPATCH,
    PartName.AUTOGRAD,
    PartName.OPTIMIZER,
    PartName.ENTERING_COMPILED_CODE,
    PartName.DEVICE_WITHOUT_DATA,
)
WORK = (
    PartName.FORWARD_KERNELS,
    PartName.BACKWARD_KERNELS,
    PartName.OPTIMIZER_KERNELS,
    PartName.COMPILED_KERNELS,
    PartName.KERNELS,
    PartName.DEVICE_KERNELS,
)


@dataclass(frozen=True)
class Part:
    """Seconds of an update that one part takes, and how they were obtained, in words."""

    name: PartName
    seconds: float
    how: str
