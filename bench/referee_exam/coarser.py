"""Variations of an arm that computes in bfloat16: what is wrong must be told from what is only coarser."""

from dataclasses import replace

from bench.referee_exam.mutants import MUTANTS
from bench.referee_exam.variation import Variation

BF16 = "bf16_autocast"
TOLD = (  # mistakes that are larger than the rounding of bfloat16
    "zero_grad left out",
    "gradient of the last parameter is zero",
    "first parameter gets no gradient",
    "clipping left out",
    "loss of two parts added up, not averaged",
    "tied weights detached in one place",
    "weight decay lost",
    "momentum begins anew in each update",
    "no correction of the start",
    "batch of the first update in all",
    "each update made twice",
    "normalisation in evaluation mode",
)
LEGAL_COARSER = (Variation(name="in bfloat16", recipe=BF16),)
MUTANTS_COARSER = tuple(
    replace(mutant, name=f"{mutant.name}, in bfloat16", recipe=BF16) for mutant in MUTANTS if mutant.name in TOLD
)
