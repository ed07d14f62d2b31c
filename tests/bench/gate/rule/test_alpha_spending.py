"""The thresholds of the looks, compared with published boundaries and with simulated walks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr, ndtri, stdtr

from bench.gate.rule import alpha_spending
from bench.gate.rule.alpha_spending import ALPHA, LOOKS, START, Kind, crossed, level, looks, spent

KINDS: tuple[Kind, Kind] = ("regressed", "ok")


def test_the_looks_are_the_same_for_every_gate() -> None:
    """Looks follow every round from 4 to 20, then steps of about a quarter; `most` only cuts the list off."""
    assert (*range(4, 21), 25, 32, 40, 50, 64, 80, 100, 128) == looks(128)
    assert () == looks(3)
    assert (4, 5, 6) == looks(6)
    assert list(LOOKS) == sorted(set(LOOKS))
    assert all(1.24 <= later / now <= 1.29 for now, later in pairwise(LOOKS[LOOKS.index(20) :]))


def test_the_recursion_finds_the_published_boundaries() -> None:
    """Five equal looks at 2.5 % one-sided with O'Brien-Fleming spending have the deviates that Lan and DeMets print."""
    walk, found = START, []
    for look in range(1, 6):
        p, walk = crossed(walk, look / 5, 2 * float(ndtr(ndtri(0.0125) / math.sqrt(look / 5))))
        found.append(-float(ndtri(p)))
    assert found == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=6e-4)


def test_a_walk_loses_no_path_and_keeps_its_mean() -> None:
    """The probabilities above, between and below two boundaries add up to 1, and the mean excess is the textbook value."""
    walk = START.between(1.0, -8.0, 1.0)
    assert walk.spent == pytest.approx(float(ndtr(-1.0)))
    assert walk.spent + float(walk.masses.sum()) == pytest.approx(1)
    assert START.excess(4.0, 0.0) == pytest.approx(2 / math.sqrt(2 * math.pi))
    whole = START.between(1.0, -8.0, 8.0)
    assert whole.excess(2.0, 0.5) == pytest.approx(START.excess(2.0, 0.5))
    assert whole.beyond(2.0, 0.5) == pytest.approx(START.beyond(2.0, 0.5))


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_walks_end_as_often_as_was_to_be_spent(kind: Kind) -> None:
    """Of 100 000 sums of normal values with known deviation, the allowed share crosses by 20 and by 64 rounds."""
    generator, walks = np.random.default_rng(5), 100_000
    sums, ended, before = np.zeros(walks), np.zeros(walks, dtype=bool), 0
    for rounds in looks(64):
        sums += math.sqrt(rounds - before) * generator.standard_normal(walks)
        before = rounds
        ended |= sums > -float(ndtri(level(kind, rounds))) * math.sqrt(rounds)
        if rounds in (20, 64):
            due = spent(kind, rounds)
            assert abs(ended.mean() - due) < 4 * math.sqrt(due / walks)


@pytest.mark.parametrize("kind", KINDS)
def test_t_errs_no_more_often_than_it_may(kind: Kind) -> None:
    """Of 40 000 series of 64 rounds with unknown deviation, at most alpha are flagged, within four standard errors."""
    generator, series = np.random.default_rng(6), 40_000
    values, ended = generator.standard_normal((series, 64)), np.zeros(series, dtype=bool)
    for rounds in looks(64):
        now = values[:, :rounds]
        t = now.mean(axis=1) / now.std(axis=1, ddof=1) * math.sqrt(rounds)
        ended |= stdtr(rounds - 1, -t) < level(kind, rounds)
    assert 0.8 * ALPHA[kind] < ended.mean() < ALPHA[kind] + 4 * math.sqrt(ALPHA[kind] / series)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_spent_grows_and_never_exceeds_what_is_allowed(kind: Kind) -> None:
    """The spent error has no jump at the horizon, and stays below alpha for any number of rounds."""
    total = [spent(kind, rounds) for rounds in range(1, 5000)]
    assert total == sorted(total)
    assert max(total) < ALPHA[kind]
    assert spent(kind, 21) - spent(kind, 20) < 0.02 * ALPHA[kind]
    assert spent(kind, 20) == pytest.approx(0.72 * ALPHA[kind])
    assert spent(kind, 10) / spent(kind, 20) == pytest.approx(1 / 2)


def test_a_first_look_spends_all_that_is_due_and_later_ones_do_not_change_it() -> None:
    """The first threshold is what may be spent; thresholds do not depend on whether later ones were computed before."""
    alpha_spending._look.cache_clear()
    alone = level("regressed", 4)
    assert alone == pytest.approx(spent("regressed", 4))
    first = level("ok", 12)
    alpha_spending._look.cache_clear()
    assert level("ok", 640) > 0
    assert (first, alone) == (level("ok", 12), level("regressed", 4))


def test_there_is_no_level_between_looks() -> None:
    """The error names the looks."""
    with pytest.raises(ValueError, match="no look at 21 rounds, only at 4, 5, 6"):
        level("ok", 21)
