"""The store of ensembles: a second referee makes none and knows the same; another step, or a damaged file, is made anew."""

from pathlib import Path

import pytest

from bench.judge.referee import Referee
from bench.judge.standard import ensemble_store, truth
from bench.judge.standard.ensemble_store import EnsembleStore, digest_of
from bench.runner.referee import ensembles_folder
from tests.bench.judge.conftest import STEP, Written

MEMBERS = 3


class NoEnsemble(Exception):
    """An ensemble was made."""


def test_a_second_referee_makes_no_ensemble(written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads what the first has kept, equal to the last digit; a file that is damaged, or of another name, does not count."""
    made = written(STEP)
    first = Referee(*made, members=MEMBERS, store=EnsembleStore(tmp_path))
    files = sorted(tmp_path.iterdir())
    assert [file.suffix for file in files] == [".msgpack"] * 2  # in float32 and in float64

    def moved(_: int) -> None:
        raise NoEnsemble

    with monkeypatch.context() as patched:
        patched.setattr(truth, "Moved", moved)
        second = Referee(*made, members=MEMBERS, store=EnsembleStore(tmp_path))
        assert (second.single.spreads, second.exact.spreads) == (first.single.spreads, first.exact.spreads)
        files[0].write_bytes(files[1].read_bytes())
        files[1].write_bytes(b"damaged")
        with pytest.raises(NoEnsemble):
            Referee(*made, members=MEMBERS, store=EnsembleStore(tmp_path))
    third = Referee(*made, members=MEMBERS, store=EnsembleStore(tmp_path))
    assert (third.single.spreads, third.exact.spreads) == (first.single.spreads, first.exact.spreads)


def test_whatever_an_ensemble_depends_on_changes_its_digest(written: Written) -> None:
    """Its members, another truth, another rate, and code that computes the same to the bit."""
    referee = Referee(*written(STEP), members=0)
    plain, exact = referee.plain, referee.single.truth
    digests = {digest_of(plain, exact, MEMBERS), digest_of(plain, exact, MEMBERS + 1)}
    digests.add(digest_of(plain, referee.single.plain, MEMBERS))
    for text in (
        STEP.replace("lr=0.05", "lr=0.06"),
        STEP.replace("return F.cross_entropy(", "return 1 * F.cross_entropy("),
    ):
        digests.add(digest_of(Referee(*written(text), members=0).plain, exact, MEMBERS))
    assert len(digests) == 5
    assert digest_of(plain, exact, MEMBERS) in digests


def test_a_store_does_not_grow_without_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    """The file that was used longest ago goes first."""
    referee = Referee(*written(STEP), members=0)
    store, exact = EnsembleStore(tmp_path), referee.single.truth
    for members in (1, 2, 3):
        store.spreads(referee.plain, exact, members, lambda: referee.single.spreads)
        size = max(file.stat().st_size for file in tmp_path.iterdir())
        monkeypatch.setattr(ensemble_store, "MOST", int(2.5 * size))
    assert {file.stem for file in tmp_path.iterdir()} == {
        digest_of(referee.plain, exact, members) for members in (2, 3)
    }


def test_the_users_cache_holds_the_ensembles() -> None:
    """In the folder that the environment names for caches; an empty name keeps none."""
    assert ensembles_folder({"HOME": "/h"}) == "/h/.cache/looprace/ensembles"
    assert ensembles_folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == "/c/looprace/ensembles"
    assert ensembles_folder({"HOME": "/h", "LOOPRACE_CACHE": "/own"}) == "/own/ensembles"
    assert ensembles_folder({"HOME": "/h", "LOOPRACE_CACHE": ""}) == ensembles_folder({}) == ""
