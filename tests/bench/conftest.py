"""What tests of the measuring ask of the system."""

import pytest

from bench import layout


@pytest.fixture
def can_hold() -> None:
    """Skips where the system refuses to lie still."""
    with layout.held() as held:
        if not held:
            pytest.skip("this system refuses personality()")
