"""What tests of the measuring ask of the system."""

import pytest

from bench.runner import memory_layout


@pytest.fixture
def can_hold() -> None:
    """Skips where the system refuses to lie still."""
    with memory_layout.fixed_addresses() as fixed:
        if not fixed:
            pytest.skip("this system refuses personality()")
