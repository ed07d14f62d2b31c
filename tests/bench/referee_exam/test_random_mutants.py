"""The mistakes in how numbers are drawn, and the other ways to draw: each fits a shipped step and changes what it draws."""

import torch

from bench.judge.standard.observation import RANDOM, observe
from bench.referee_exam.random_mutants import RANDOM_LEGAL, RANDOM_MUTANTS
from bench.referee_exam.variation import VariedStep
from impls.recipe import steps
from impls.recipe.live_step import LiveStep


def test_each_variation_fits_a_shipped_step() -> None:
    """Put into the first step that it fits, it makes its updates, which draw other numbers than the plain step's."""
    left = [*RANDOM_MUTANTS, *RANDOM_LEGAL]
    for name in ("steps/vae", "steps/policy_gradient", "steps/dropout_net"):
        file = steps.find(name)
        setting = steps.setting(file, {})
        plain = LiveStep(file, setting)
        known = observe(plain)[RANDOM]
        fitting = [variation for variation in left if variation.applies(plain) is None]
        for variation in fitting:
            assert not torch.equal(observe(VariedStep(file, setting, variation))[RANDOM], known), variation.name
        left = [variation for variation in left if variation not in fitting]
    assert left == []
