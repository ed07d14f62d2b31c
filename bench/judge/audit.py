"""The audit: judges what an arm does in the state that its race has reached, where it may have become another one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

import torch

from bench.judge import mistakes
from bench.judge.standard.bits import ALGEBRA, Spread, Standard, compare, spreads
from bench.judge.standard.observation import Observation, drew_the_same, is_identical, observe, skipped_in
from bench.judge.standard.race_state import NotCarried, carried, without_state
from bench.judge.standard.truth import spreads_of, truth_of
from bench.judge.words import SAME, Evidence, answered
from bench.results.record import Answer
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe

FEW = 5  # members of the ensemble that is asked before the whole one is


class Audit:
    """Compares arms with what the plain step does from the state that their race has reached.

    How far rounding takes the plain step from there is asked of more and more runs, until they explain the answer: of the
    plain step alone, then of a small ensemble, then of the whole one. What none of them explains is different.

    plain    the plain step, in the dtype that is raced
    double   the same in float64; None where it cannot be computed so
    members  of the whole ensemble
    coarse   makes the step with only what makes a recipe coarser by intention
    """

    def __init__(
        self, plain: LiveStep, double: LiveStep | None, members: int, coarse: Callable[[Recipe], LiveStep]
    ) -> None:
        self._plain, self._double, self._members, self._coarse = plain, double, members, coarse

    def answer(self, recipe: Recipe, observed: Observation, first: Evidence) -> Answer:
        """The word on an arm; unjudged, with the reason, where its state cannot be put into the plain step.

        observed  what it did, and the state that it began with
        first     what was known of it at the start
        """
        rounding = self._coarse(recipe) if recipe.coarser else self._plain
        steps = {id(step): step for step in (self._plain, self._double, rounding) if step is not None}
        try:
            with ExitStack() as stack:
                for step in steps.values():
                    stack.enter_context(carried(step, observed))
                return self._answer(rounding, without_state(observed), first)
        except NotCarried as error:
            return Answer(word="unjudged", reason=str(error))

    def _answer(self, rounding: LiveStep, answer: Observation, first: Evidence) -> Answer:
        """The word, from the state that all steps are in now; `rounding` is the one whose precision the arm has."""
        if skipped := skipped_in(answer):  # a scaler tries a higher scale from time to time
            return Answer(
                word="unjudged", reason="its scaler left out an update that was to be judged", skipped=skipped
            )
        plain = observe(self._plain)
        if is_identical(answer, plain):
            return Answer(word="identical")
        if self._plain.facts.draws and not drew_the_same(answer, plain):
            return Answer(word="unjudged", reason="its updates draw other random numbers than the plain step's")
        truth = truth_of(self._plain, self._double, plain, FEW)
        coarser = rounding is not self._plain
        before = (first.own or first.single).most
        for found in self._spreads(rounding, truth):
            standard = Standard(plain, truth, found)
            single = compare(answer, standard)
            own = single if coarser else None
            evidence = Evidence(single, first.double, own=own, limit=max(ALGEBRA, before + SAME))
            if not single.exceeds(max(SAME, before)):
                return answered(evidence)
        if not coarser:
            evidence = replace(evidence, mistake=mistakes.named(answer, self._plain, standard, limit=2 * SAME))
        return answered(evidence)

    def _spreads(self, step: LiveStep, truth: Observation) -> Iterator[Mapping[str, Spread]]:
        """What rounding explains, better and better."""
        yield spreads(truth, [observe(step)], torch.finfo(getattr(torch, step.setting.dtype)).eps)
        for members in sorted({FEW, max(FEW, self._members)}):
            yield spreads_of(step, truth, members)
