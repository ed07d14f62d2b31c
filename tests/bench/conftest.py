"""A fixture for tests that need fixed memory addresses."""

import pytest

from bench.processes import memory_layout


@pytest.fixture
def can_hold() -> None:
    """Skips the test where the system does not let a process switch off random addresses."""
    with memory_layout.fixed_addresses() as fixed:
        if not fixed:
            pytest.skip("this system refuses personality()")
