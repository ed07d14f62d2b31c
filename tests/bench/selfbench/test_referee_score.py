"""The score of the referee: which variations count, and what each method had wrong."""

from pathlib import Path

import msgspec
import pytest

from bench.results.record import Answer, Power, Word
from bench.results.scores.referee import OURS, Judgement, Kind, Paper
from bench.results.store import StoreError
from bench.selfbench.referee_score import papers, score


def judgement(
    kind: Kind,
    word: Word,
    *,
    equal: bool,
    change: float = 0.1,
    bits: float = 30.0,
    recipe: str = "plain",
    random: bool = False,
) -> Judgement:
    """What was said of a variation; `equal` is what the one other rule said."""
    return Judgement(
        step="steps/made_up",
        seed=0,
        variation=f"{kind} {word} {change}",
        kind=kind,
        recipe=recipe,
        random=random,
        answer=Answer(word=word, bits_lost_float64=bits, scale_bits_float64=-30.0),
        change=change,
        passed={"other": equal},
        seconds={OURS: 0.5, "other": 0.1},
    )


JUDGEMENTS = (
    judgement("mutant", "different", equal=True),
    judgement("mutant", "same", equal=False, bits=2.0),
    judgement("mutant", "different", equal=True, change=1e-9),
    judgement("mutant", "unjudged", equal=False, change=0.2),
    judgement("legal", "closer", equal=True, bits=0.5),
    judgement("legal", "different", equal=False, bits=9.0),
    judgement("legal", "coarser", equal=True, bits=1.0),
    judgement("mutant", "different", equal=False, random=True),
    judgement("legal", "same in distribution", equal=False, random=True),
    judgement("mutant", "coarser", equal=False, recipe="bf16_autocast"),
    judgement("legal", "coarser", equal=False, recipe="bf16_autocast"),
    Judgement(
        step="steps/made_up", seed=0, variation="no", kind="mutant", recipe="plain", reason="it has no BatchNorm"
    ),
)
PAPER = Paper(
    step="steps/made_up",
    seed=0,
    members=59,
    seconds=2.0,
    rules={"other": "another rule"},
    power={"float64": Power(gradient=1e-12, rate=2e-12)},
    machine="a machine",
    versions={"torch": "2.13.0"},
    judgements=JUDGEMENTS,
)


def test_each_method_is_charged_with_its_own_errors() -> None:
    """A mutant that is called equal is missed; a legal variation that is not, refused; float32 that loses bits as well."""
    ours, other = score([PAPER]).methods
    assert (ours.missed, ours.mutants, ours.refused, ours.legal) == (1, 3, 2, 3)
    assert (other.missed, other.mutants, other.refused, other.legal) == (1, 3, 1, 3)
    assert (ours.seconds, other.seconds) == (0.5, 0.1)


def test_what_hardly_changes_an_update_and_what_is_coarser_are_counted_apart() -> None:
    """Mutants below a millionth, arms in bfloat16, and other draws, are in no method's count."""
    result = score([PAPER])
    assert result.small == (1, 1)
    assert result.coarser == (1, 0, 1, 1)
    assert result.random == (1, 1, 1, 0)
    assert result.unjudged == 1
    assert [mark.bits for mark in result.marks] == [30.0, 2.0, 30.0, 0.5, 9.0, 1.0]


def test_papers_are_read_from_a_folder_that_has_some(tmp_path: Path) -> None:
    """A paper comes back as it was written; an empty folder is an error in a sentence."""
    with pytest.raises(StoreError, match="holds no paper of an exam of the referee"):
        papers(tmp_path)
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "made_up-0.json").write_bytes(msgspec.json.encode(PAPER))
    assert papers(tmp_path) == [PAPER]
