"""The clock."""

import time

import pytest

from bench import clock


def test_an_arm_that_replaces_the_clock_of_python_changes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions are taken before any arm is imported."""
    for name in ("perf_counter", "process_time"):
        monkeypatch.setattr(time, name, lambda: 0.0)
    assert clock.now() > 0
    assert clock.worked() > 0
