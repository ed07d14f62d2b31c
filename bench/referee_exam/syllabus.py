"""What the exam asks: every variation with its kind, and the steps that it is asked of."""

from bench.referee_exam.coarser import LEGAL_COARSER, MUTANTS_COARSER
from bench.referee_exam.legal import LEGAL, LEGAL_COMPILED
from bench.referee_exam.mutants import MUTANTS
from bench.referee_exam.random_mutants import RANDOM_LEGAL, RANDOM_MUTANTS
from bench.referee_exam.several_processes import LEGAL_TOGETHER, MUTANTS_TOGETHER
from bench.referee_exam.variation import Variation
from bench.results.scores.referee import Kind

QUICK: tuple[tuple[Kind, tuple[Variation, ...]], ...] = (
    ("mutant", (*MUTANTS, *MUTANTS_COARSER, *RANDOM_MUTANTS)),
    ("legal", (*LEGAL, *LEGAL_COARSER, *RANDOM_LEGAL)),
)
ALONE: tuple[tuple[Kind, tuple[Variation, ...]], ...] = (
    ("mutant", MUTANTS_TOGETHER),
    ("legal", (*LEGAL_TOGETHER, *LEGAL_COMPILED)),
)


def asked() -> list[tuple[Kind, Variation]]:
    """Every variation with its kind."""
    return [(kind, one) for kind, ones in (*QUICK, *ALONE) for one in ones]


def asked_again() -> list[tuple[Kind, Variation]]:
    """Those that are asked at further seeds: legal ones, which another start may refuse, and all that draw at random.

    A mistake that is found by tens of bits at one seed is found at another; what needs processes of its own takes long.
    """
    return [(kind, one) for kind, one in asked() if (kind == "legal" or one.random) and not one.alone]


def named(name: str) -> Variation:
    """The variation of this name."""
    return next(one for _, one in asked() if one.name == name)
