"""The referee of one step: prepares truth and ensembles once, then judges the answers of its arms."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from msgspec import structs

from bench import clock
from bench.judge import mistakes, power
from bench.judge.audit import Audit
from bench.judge.draws.own_draws import PlainDraws
from bench.judge.standard.bits import ALGEBRA, Comparison, Spread, Standard, compare
from bench.judge.standard.ensemble_store import EnsembleStore
from bench.judge.standard.observation import (
    LOSS,
    Observation,
    difference,
    drew_the_same,
    is_identical,
    observe,
    skipped_in,
)
from bench.judge.standard.race_state import not_carried
from bench.judge.standard.truth import NOTHING_KEPT, spreads_of, standard
from bench.judge.words import SAME, Evidence, answered, answered_by_draws, loses_in_float32, word_of
from bench.results.record import Answer, Draws, Power
from impls.contract.setting import Setting
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import PLAIN, Recipe
from impls.recipe.step_file import StepFile

MEMBERS_FLOAT64 = 9  # of the ensemble in float64, whose limit is wide
MEMBERS_COARSER = 5  # of the ensemble in a coarser precision, whose limit is as wide
OTHER_DRAWS = (
    "its updates draw other random numbers than the plain step's, so that single updates cannot be compared, "
    "and its distribution could not be sampled"
)
NO_EQUAL_DRAWS = "there it draws other random numbers than the plain step"
NOT_REPEATABLE = (
    "two builds of the step with the same seed differ ({}), so that no answer can be compared with the plain step's"
)


class Referee:
    """Judges arms of a step at a setting.

    plain      the plain step, in the dtype that is raced
    double     the same in float64; None where it cannot be computed so
    no_double  why not
    difference the first tensor in which two builds of the plain step differ; "" where it is repeatable
    seconds    that truth and ensembles took

    members  of the ensemble; 0: the step is built only, and nothing can be judged
    say      takes what is being done
    store    where ensembles are kept
    revised  whether arms are of another revision of the step: the plain one may then compute something else, too
    """

    def __init__(
        self,
        file: StepFile,
        setting: Setting,
        members: int,
        say: Callable[[str], None] = lambda _: None,
        store: EnsembleStore = NOTHING_KEPT,
        *,
        revised: bool = False,
    ) -> None:
        begin = clock.now()
        self._store, self._revised = store, revised
        say("build of the step")
        self.plain = LiveStep(file, setting)
        self.double, self.no_double = in_float64(self.plain)
        self._single = standard(self.plain, self.double, members, say, store)
        self.difference = difference(self._single.plain, observe(LiveStep(file, setting)))
        self._exact = self._single
        if self.double is not None and self.double is not self.plain:
            self._exact = standard(self.double, self.double, min(members, MEMBERS_FLOAT64), say, store)
        self._first: dict[str, Evidence] = {}  # of the last answer from the start, by implementation
        self._decided: dict[str, Comparison] = {}  # in float64, by implementation with the plain step's draws
        self._own: dict[Recipe, Mapping[str, Spread]] = {}  # of recipes that are coarser by intention
        self._members, self._ways = members, dict[Recipe, tuple[Standard, Standard | None]]()
        self._coarse: dict[Recipe, LiveStep] = {}  # the steps in their precision
        self._audit = Audit(self.plain, self.double, members, self._coarse_step)
        self._known_power: dict[tuple[bool, bool], Power] = {}
        self._draws = PlainDraws(self.plain, say)
        self.seconds = clock.now() - begin

    @property
    def single(self) -> Standard:
        """What answers are compared with in the dtype that is raced."""
        return self._single

    @property
    def exact(self) -> Standard:
        """What answers are compared with in float64; the same as `single` where there is no float64."""
        return self._exact

    def judge(
        self,
        implementation: str,
        answer: Observation,
        answer_float64: Observation | None = None,
        no_float64: str = "",
        drawn: Observation | None = None,
    ) -> Answer:
        """The word on an arm's answer.

        answer_float64  of the same arm in float64, with the plain step's draws; None where there is none this time
        no_float64      why; "" where an earlier one has been judged, whose figures count on
        drawn           what `own_draws.drawn` found: without it an arm that draws other numbers is "unjudged", and
                        nothing is said about the draws of one whose first loss is wrong, which may have drawn others
        """
        if self.difference:
            return Answer(word="unjudged", reason=NOT_REPEATABLE.format(self.difference))
        recipe = Recipe.read(implementation)
        if recipe.algorithmic:
            return self._another_way(recipe, answer, answer_float64, no_float64)
        double, no_double = self._in_float64(implementation, answer, answer_float64, no_float64)
        draws: Draws = "equal" if self.plain.facts.draws else ""
        if draws and not drew_the_same(answer, self._single.plain):
            draws = "own"
        elif draws and recipe != PLAIN and not _begins_right(compare(answer, self._single), SAME):
            draws = "" if drawn is None else "equal" if self._draws.are_equal(drawn) else "own"
        if draws == "own":
            if drawn is None:
                return Answer(word="unjudged", reason=OTHER_DRAWS, draws="own")
            return self._by_draws(recipe, drawn, double, no_double)
        evidence = Evidence(
            single=compare(answer, self._single),
            double=double,
            no_double=no_double,
            identical=is_identical(answer, self._single.plain),
            wide=self.wide,
            skipped=skipped_in(answer),
        )
        if loses_in_float32(evidence):
            if recipe.coarser:
                evidence = replace(evidence, own=self._in_its_precision(recipe, answer))
            else:  # it is float32 that is timed
                evidence = replace(evidence, mistake=self._mistake(answer))
        elif word_of(evidence) == "different" and recipe != PLAIN:
            evidence = replace(evidence, mistake=self._mistake(answer, answer_float64))
        self._first[implementation] = evidence
        by_float64 = self.double is not None and (double is not None or evidence.identical)
        judged = answered(evidence, self.power(float64=by_float64, gradients=not recipe.whole))
        if judged.word == "different" and recipe == PLAIN and not self._revised:  # another process builds another step
            self.difference = judged.tensor
            return Answer(word="unjudged", reason=NOT_REPEATABLE.format(self.difference))
        return structs.replace(judged, draws=draws, skipped=evidence.skipped)

    def _another_way(
        self, recipe: Recipe, answer: Observation, answer_float64: Observation | None, no_float64: str
    ) -> Answer:
        """The word on an arm that trains in another way than the step: it is held to what one process does in that way."""
        single, exact = self._alone(recipe)
        if self.double is self.plain:
            answer_float64 = answer
        if exact is not None and answer_float64 is not None:
            self._decided[recipe.name] = compare(answer_float64, exact)
        evidence = Evidence(
            single=compare(answer, single),
            double=self._decided.get(recipe.name),
            no_double=no_float64 if exact else self.no_double,
            identical=is_identical(answer, single.plain),
            skipped=skipped_in(answer),
        )
        return answered(evidence)

    def _alone(self, recipe: Recipe) -> tuple[Standard, Standard | None]:
        """What such an arm is held to, in the dtype that is raced and in float64."""
        if recipe not in self._ways:
            file, setting = self.plain.file, self.plain.setting
            one = LiveStep(file, setting, recipe, alone=True)
            exact = LiveStep(file, replace(setting, dtype="float64"), recipe, alone=True) if self.double else None
            held = standard(one, exact, self._members, store=self._store)
            double = standard(exact, exact, min(self._members, MEMBERS_FLOAT64), store=self._store) if exact else None
            self._ways[recipe] = held, double
        return self._ways[recipe]

    def _by_draws(self, recipe: Recipe, drawn: Observation, double: Comparison | None, no_double: str) -> Answer:
        """The word on an arm that draws numbers of its own, when it is timed."""
        if double is not None and not _begins_right(double, ALGEBRA):  # its float64 cannot draw the plain step's either
            double, no_double = None, NO_EQUAL_DRAWS
        known = self.power(float64=True, gradients=not recipe.whole) if double else None
        judged = answered_by_draws(
            self._draws.compared(drawn, recipe, self._spreads_of(recipe)), double, no_double, known
        )
        coarser = recipe.coarser and judged.word != "different"
        return structs.replace(judged, word="coarser") if coarser else judged

    @property
    def not_carried(self) -> str:
        """Why no arm can be judged in the state that its race has reached; "" where they can."""
        return "" if self.difference else not_carried(self.plain)

    def audit(self, implementation: str, observed: Observation) -> Answer:
        """The word on what an arm that was judged does in the state that its race has reached: see `observed_here`."""
        if implementation not in self._first:
            return Answer(word="unjudged", reason="its updates draw other random numbers than the plain step's")
        return self._audit.answer(Recipe.read(implementation), observed, self._first[implementation])

    def _in_its_precision(self, recipe: Recipe, answer: Observation) -> Comparison:
        """The comparison of an arm that is coarser by intention."""
        return compare(answer, replace(self._single, spreads=self._spreads_of(recipe)))

    def _spreads_of(self, recipe: Recipe) -> Mapping[str, Spread]:
        """What rounding explains in the precision of a recipe: the ensemble is the step with only what makes it coarser."""
        if not recipe.coarser:
            return self._single.spreads
        coarse = recipe.only_coarser
        if coarse not in self._own:
            step = self._coarse_step(recipe)
            self._own[coarse] = spreads_of(step, self._single.truth, MEMBERS_COARSER, store=self._store)
        return self._own[coarse]

    def _coarse_step(self, recipe: Recipe) -> LiveStep:
        """The step with only what makes a recipe coarser."""
        coarse = recipe.only_coarser
        if coarse not in self._coarse:
            self._coarse[coarse] = LiveStep(self.plain.file, self.plain.setting, coarse)
        return self._coarse[coarse]

    def _in_float64(
        self, implementation: str, answer: Observation, answer_float64: Observation | None, no_float64: str
    ) -> tuple[Comparison | None, str]:
        """The comparison in float64, of now or of an earlier round, or the reason why there is none."""
        if self.double is None:
            return None, self.no_double
        equal = Recipe.read(implementation).with_equal_draws.name
        if self.double is self.plain:
            answer_float64 = answer
        if answer_float64 is not None:
            if self.plain.facts.draws and not drew_the_same(answer_float64, self._exact.plain):
                return None, NO_EQUAL_DRAWS
            self._decided[equal] = compare(answer_float64, self._exact)
        return self._decided.get(equal), no_float64

    @property
    def wide(self) -> str:
        """The tensor that rounding moves most, relative to the largest of its kind, where that is too far to judge it."""
        wide = {name: one for name, one in self._single.spreads.items() if one.is_wide and not one.is_rounding}
        return max(wide, key=lambda name: wide[name].noise / wide[name].largest, default="")

    def power(self, *, float64: bool, gradients: bool = True) -> Power:
        """What would be noticed of an arm, in float64 or in the dtype that is raced.

        gradients  whether the arm shows its gradients, or only what they change
        """
        step, exact, limit = (self.double, self._exact, ALGEBRA) if float64 else (self.plain, self._single, SAME)
        assert step is not None
        key = (float64, gradients)
        if key not in self._known_power:
            self._known_power[key] = power.measured(step, exact, limit, gradients=gradients)
        return self._known_power[key]

    def _mistake(self, answer: Observation, answer_float64: Observation | None = None) -> str:
        """The known mistake behind a different answer; "" where it is none of them."""
        if answer_float64 is not None and self.double is not None:
            return mistakes.named(answer_float64, self.double, self._exact)
        return mistakes.named(answer, self.plain, self._single, limit=2 * SAME)


def in_float64(step: LiveStep) -> tuple[LiveStep | None, str]:
    """A plain step in float64, or the reason why there is none."""
    if step.setting.dtype == "float64":
        return step, ""
    try:
        double = LiveStep(step.file, replace(step.setting, dtype="float64"))
        double.update_once()
        double.reset()
    except Exception as error:  # noqa: BLE001 - whatever a user's code raises there is the reason
        return None, f"the step does not run in float64: {' '.join(str(error).split())[:200]}"
    return double, ""


def _begins_right(comparison: Comparison, limit: float) -> bool:
    """Whether the loss of the first update is right, which alone depends on nothing but the forward pass."""
    return comparison.first_above(limit, f"{LOSS} 0") == ""
