"""The exam of one step at one seed: every variation that means something for it, judged by the referee and by other rules."""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import structs
from torch import Tensor

from bench import clock
from bench.judge.draws.own_draws import drawn
from bench.judge.referee import Referee
from bench.judge.standard.bits import distances, kind
from bench.judge.standard.observation import GRADIENT, RANDOM, Observation
from bench.referee_exam.candidate import CandidateError, answers, later_losses
from bench.referee_exam.rules import LATER, RULES, pairs, values
from bench.referee_exam.variation import Variation, VariedStep
from bench.results.scores.referee import OURS, Judgement, Kind
from bench.runner.referee import needs_draws
from impls.contract.setting import Setting
from impls.recipe.live_step import NotApplicable
from impls.recipe.recipe import Recipe
from impls.recipe.step_file import StepFile


@dataclass(frozen=True)
class Reference:
    """What answers are compared with, besides the referee's own standards.

    start   the state before the updates
    plain   what the plain step did, as tests look at it
    exact   the same in float64
    """

    start: Mapping[str, Tensor]
    plain: Mapping[str, Tensor]
    exact: Mapping[str, Tensor]


class Examiner:
    """Asks the referee of one step. Truth and ensembles are computed when this is made.

    referee  of the step
    """

    def __init__(self, file: StepFile, setting: Setting, members: int) -> None:
        self.referee = Referee(file, setting, members)
        plain = self.referee.plain
        start = {name: tensor.detach().clone() for name, tensor in plain.tensors().items()}
        truth = self.referee.single.truth
        self._reference = Reference(
            start,
            values(self.referee.single.plain | later_losses(plain), start),
            values(truth | (later_losses(self.referee.double) if self.referee.double else {}), start),
        )

    def judgements(self, variations: list[tuple[Kind, Variation]]) -> Iterator[Judgement]:
        """One for each variation; with a reason instead of an answer where it means nothing for this step."""
        for number, (kind_of_it, variation) in enumerate(variations):
            plain = self.referee.plain
            plain.reset()
            blank = Judgement(
                step=plain.file.name,
                seed=plain.setting.seed,
                variation=variation.name,
                kind=kind_of_it,
                recipe=variation.recipe,
                random=variation.random,
            )
            try:
                yield self._judgement(blank, variation, number)
            except (NotApplicable, CandidateError) as error:
                yield structs.replace(blank, reason=str(error))
            except Exception as error:  # noqa: BLE001 - a step that a variation does not fit is not asked about it
                traceback.print_exception(error)
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                yield structs.replace(blank, reason=reason)

    def _judgement(self, blank: Judgement, variation: Variation, number: int) -> Judgement:
        plain = self.referee.plain
        recipe = Recipe.read(variation.recipe)
        if reason := variation.applies(plain):
            raise NotApplicable(reason)
        single, exact = answers(plain.file, plain.setting, variation)
        begin = clock.now()
        name = Recipe(recipe.rewrites, f"variation_{number}").name
        answer = self.referee.judge(name, single, exact)
        if plain.facts.draws and not variation.alone and needs_draws(answer):
            sampled = drawn(VariedStep(plain.file, plain.setting, variation))
            answer = self.referee.judge(name, single, exact, drawn=sampled)
        seconds = clock.now() - begin
        others = self._others(single)
        return structs.replace(
            blank,
            answer=answer,
            change=change(exact, self.referee.exact.truth),
            passed={name: passed for name, (passed, _) in others.items()},
            seconds={OURS: seconds} | {name: spent for name, (_, spent) in others.items()},
        )

    def _others(self, single: Observation) -> dict[str, tuple[bool, float]]:
        """Of each other rule, whether it calls the answer equal to the plain step's, and the seconds that it took."""
        known = self._reference
        looked_at = list(pairs(known.plain, values(single, known.start), known.exact))
        given: dict[str, tuple[bool, float]] = {}
        for rule in RULES:
            begin = clock.now()
            passed = all(rule.passes(pair) for name, pair in looked_at if name.startswith(LATER) == rule.losses)
            given[rule.name] = passed, clock.now() - begin
        return given


def change(exact: Observation, truth: Observation) -> float:
    """How far an answer is from the plain step's, both in float64: of all that both have, the largest difference in norm,
    relative to the largest tensor of its kind; 1 where a gradient is missing.
    """
    largest: dict[str, float] = {}
    for name, value in truth.items():
        largest[kind(name)] = max(largest.get(kind(name), 0.0), value.double().norm().item())
    shows = any(name.startswith(GRADIENT) for name in exact)
    most = 0.0
    for name, value in truth.items():
        if name == RANDOM or not value.is_floating_point():
            continue
        if name not in exact:
            most = max(most, 1.0 if shows and name.startswith(GRADIENT) else 0.0)
        elif exact[name].shape == value.shape:
            size = largest[kind(name)]
            most = max(most, distances(exact[name], value)[0] / size if size else 0.0)
    return most
