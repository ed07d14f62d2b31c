"""The names that a family's files import: what an implementation is given, and what it must provide.

They are loaded when they are first used, so that `bench --help`, which reads the table of settings, does not wait for NumPy.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from impls.contract.contract import (
        Domain,
        Implementation,
        Oracle,
        Problem,
        Quadratic,
        QuadraticOracle,
        Task,
        UnavailableError,
        Watchable,
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
    "QuadraticOracle",
    "Setting",
    "SettingError",
    "Task",
    "UnavailableError",
    "Watchable",
    "Work",
    "Workload",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # By name and not by a computed one: a computed import makes every arm depend on every file of a side of a gate.
    if name.startswith("Setting"):
        from impls.contract import setting as module
    else:
        from impls.contract import contract as module  # type: ignore[no-redef]
    return getattr(module, name)
