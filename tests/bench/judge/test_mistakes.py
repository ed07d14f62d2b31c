"""When an answer counts as what a known mistake makes."""

import torch

from bench.judge.mistakes import agrees
from bench.judge.standard.bits import Spread, Standard

NAME = "change of parameter weight"
LIMIT = 4.0


def test_an_answer_nearer_to_the_truth_is_no_mistake() -> None:
    """An answer 2.3 bits off is within 4 bits of a mistake that is 4.1 bits off; it was called that mistake in a late audit."""
    truth = {NAME: torch.ones(4) / 2}
    spread = Spread(size=1.0, largest=1.0, distances=(1e-6,) * 19, scales=(1e-6,) * 19, epsilon=2.0**-23)
    standard = Standard(truth, truth, {NAME: spread})
    mistaken = {NAME: truth[NAME] * (1 + 1.7e-5)}
    assert not agrees({NAME: truth[NAME] * (1 + 5e-6)}, mistaken, standard, LIMIT)
    assert agrees({NAME: truth[NAME] * (1 + 1.75e-5)}, mistaken, standard, LIMIT)
