"""The ticks of time that all figures share."""

import pytest

from reports.figures.kit import style


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1e-9, "1 ns"),
        (1e-4, "100 µs"),
        (2e-5, "20 µs"),
        (1e-2, "10 ms"),
        (0.5, "500 ms"),
        (1.0, "1 s"),
        (2000.0, "2 000 s"),
    ],
)
def test_a_round_duration_is_said_with_no_more_digits_than_it_has(seconds: float, said: str) -> None:
    """A tick has no superfluous digits, though 1e-4 is not quite 100 times 1e-6 in binary."""
    assert style.duration(seconds).replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{THIN SPACE}", " ") == said
