"""What an implementation promises and what it is given: the names that a file in a family's folder imports."""

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

__all__ = ["Domain", "Implementation", "Oracle", "Problem", "Quadratic", "Task", "UnavailableError", "Work", "Workload"]
