"""The exam of one step: mistakes are told, legal variations are not, and each other rule answers by its own definition."""

import pytest
import torch

from bench.referee_exam import syllabus
from bench.referee_exam.paper import Examiner
from bench.results.scores.referee import OURS, Judgement
from impls.recipe import steps

ASKED = (
    "gradients x 1.00003",
    "momentum dampened by 0.1",
    "two processes, mean of uneven means",
    "rows in another order",
    "uneven parts, weighted by their rows",
    "Adam by hand",
)


@pytest.fixture(scope="module")
def judged() -> dict[str, Judgement]:
    """What is said of some variations of a shipped step."""
    torch.set_num_threads(1)
    file = steps.find("steps/digits_mlp")
    examiner = Examiner(file, steps.setting(file, {"hidden": 16}), members=9)
    wanted = [(kind, one) for kind, one in syllabus.asked() if one.name in ASKED]
    return {one.variation: one for one in examiner.judgements(wanted)}


@pytest.mark.parametrize("name", ["gradients x 1.00003", "two processes, mean of uneven means"])
def test_a_mistake_is_told(judged: dict[str, Judgement], name: str) -> None:
    """A factor that most tests let pass, and a mean of means over two real processes, are different."""
    answer = judged[name].answer
    assert answer is not None
    assert answer.word == "different"
    assert judged[name].change is not None


@pytest.mark.parametrize("name", ["rows in another order", "uneven parts, weighted by their rows", "Adam by hand"])
def test_another_way_to_compute_the_same_is_not_refused(judged: dict[str, Judgement], name: str) -> None:
    """Other orders of adding up, and an optimizer written by hand, are the same."""
    answer = judged[name].answer
    assert answer is not None
    assert answer.word in ("identical", "closer", "same")


def test_other_rules_are_asked_about_the_same_answers(judged: dict[str, Judgement]) -> None:
    """A factor of 1.00003 is within the tolerances of some rules and beyond those of others; seconds are kept for all."""
    passed = judged["gradients x 1.00003"].passed
    assert passed["cosine 0.99"]
    assert passed["assert_close"]
    assert not passed["twice eager's error"]
    assert judged["gradients x 1.00003"].seconds.keys() == {OURS, *passed}


def test_a_variation_that_means_nothing_for_a_step_is_not_asked(judged: dict[str, Judgement]) -> None:
    """A step whose optimizer has no momentum cannot dampen it: a reason takes the place of an answer."""
    assert judged["momentum dampened by 0.1"].answer is None
    assert judged["momentum dampened by 0.1"].reason == "no optimizer has momentum"


def test_every_variation_has_a_name_of_its_own_and_the_exam_is_as_large_as_promised() -> None:
    """At least 20 mutants and 12 legal variations, each found again by its name."""
    asked = syllabus.asked()
    names = [one.name for _, one in asked]
    assert len(set(names)) == len(names)
    assert sum(kind == "mutant" for kind, _ in asked) >= 20
    assert sum(kind == "legal" for kind, _ in asked) >= 12
    assert all(syllabus.named(name).name == name for name in names)


def test_every_mutant_that_applies_changes_the_step(judged: dict[str, Judgement]) -> None:
    """A mutant whose float64 answer equals the plain step's would be no mistake."""
    assert (judged["gradients x 1.00003"].change or 0) > 1e-6
    assert (judged["rows in another order"].change or 0) < 1e-12
