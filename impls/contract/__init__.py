"""What an implementation promises and what it is given: the names that a file in a family's folder imports.

They are loaded when they are first used, so that `bench --help`, which reads the table of settings, does not wait for NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impls.contract.contract import (
        Domain,
        Implementation,
        Oracle,
        Problem,
        Quadratic,
        Task,
        UnavailableError,
        Work,
        Workload,
    )
    from impls.contract.setting import Setting, SettingError

__all__ = [
    "Domain",
    "Implementation",
    "Oracle",
    "Problem",
    "Quadratic",
    "Setting",
    "SettingError",
    "Task",
    "UnavailableError",
    "Work",
    "Workload",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    folder = "setting" if name.startswith("Setting") else "contract"
    return getattr(import_module(f"impls.contract.{folder}"), name)
