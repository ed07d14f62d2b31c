"""Carries a climb out: after the race of all rewrites alone, a race for each step up, and one that leaves each rewrite out.

What is on disk is the state: each stage is a run of its own, which is completed where it was stopped, and decided from its
records alone. It yields its progress and never prints.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from bench import clock
from bench.climb.outcomes import Outcome, outcomes_of
from bench.climb.stacks import joined, next_recipes, without_each
from bench.processes.fork_servers import Servers
from bench.progress import Progress
from bench.results.climb import Climb, Ended, Stage, StageKind
from bench.results.record import Arm, Plan, Race
from bench.results.store import Store
from bench.runner import race as racing
from bench.runner.done_rounds import round_seconds
from bench.runner.resume import files_of
from impls.recipe.recipe import PLAIN_NAME

SINGLES = 0.4  # of the budget, for the race of all rewrites alone
LAST = 0.25  # of what remains of it, kept for the race that leaves each rewrite out
MARGIN = 0.03  # of it, for what no round counts: examining the step, writing reports
SHARE = 0.5  # of what is left besides, that a step up may take
ROUNDS: Mapping[StageKind, tuple[int, int]] = {"singles": (3, 6), "stack": (4, 10), "left out": (5, 14)}
PRECISION: Mapping[StageKind, float] = {"singles": 0.02, "stack": 0.015, "left out": 0.01}
LAP_SECONDS = 3.0  # of laps in each round
RESTING = 1.1  # ratio to the recipe so far, beyond which an addition is raced no further


@dataclass
class _State:
    """What is known while a race is climbed from.

    pace      ratio of the recipe so far to the plain step
    promises  ratio to the plain step, alone, of each recipe that may still help
    raced     stacks that have been raced
    spent     seconds before it was begun, or before it was stopped
    before    stages that were decided before the climb was stopped
    longest   seconds that a stage took
    """

    root: Store
    plan: Plan
    race: Race
    servers: Servers
    begin: float
    budget: float
    stages: list[Stage] = field(default_factory=list)
    pace: float = 1.0
    spent: float = 0.0
    promises: dict[str, float] = field(default_factory=dict)
    raced: set[str] = field(default_factory=set)
    before: tuple[Stage, ...] = ()
    longest: float = 0.0

    @property
    def recipe(self) -> str:
        """The recipe so far."""
        return self.stages[-1].kept if self.stages else PLAIN_NAME

    @property
    def decided(self) -> bool:
        """Whether the next stage was decided before the climb was stopped."""
        return len(self.before) > len(self.stages)

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget - (clock.now() - self.begin)

    @property
    def folder(self) -> str:
        """Of the climb, from the root of the run."""
        return f"climb/{self.race.slug}"

    def write(self, ended: Ended = "") -> None:
        """Writes climb.json."""
        stages = (*self.stages, *self.before[len(self.stages) :])
        seconds = self.spent + clock.now() - self.begin
        climb = Climb(race=self.race, stages=stages, recipe=stages[-1].kept, ended=ended, seconds=seconds)
        self.root.write_climb(climb)


def with_climb(plan: Plan, budget: float) -> Plan:
    """The same plan with a climb, both in so many seconds; hopeless arms rest."""
    return structs.replace(
        plan,
        rounds=ROUNDS["singles"],
        precision=PRECISION["singles"],
        budget=SINGLES * budget,
        climb=(1 - SINGLES) * budget,
        lap_seconds=LAP_SECONDS,
        alone=False,
        resting=RESTING,
        settled=0,
    )


def run(plan: Plan, root: Store) -> Generator[Progress, None, None]:
    """Climbs from each race of a run, whose rounds are done, in the time that these left.

    Raises WriteError when a file cannot be written, StoreError when one cannot be read or another process writes there.
    """
    budget = plan.budget + plan.climb - sum(round_seconds(root.rounds(race)) for race in plan.races)
    with root.alone(), racing.servers_of(root, plan) as servers:
        for number, race in enumerate(plan.races):
            spent = round_seconds(root.rounds(race))
            state = _State(root, plan, race, servers, clock.now(), budget / len(plan.races), spent=spent)
            for doing in _climb(state):
                elapsed = clock.now() - state.begin + number * state.budget
                yield Progress(doing, elapsed, max(budget, elapsed))


def _climb(state: _State) -> Iterator[str]:
    if (before := state.root.climb(state.race)) is not None:
        if before.ended:
            return
        state.before, state.spent = before.stages, before.seconds
    _begin(state)
    ended: Ended = "top"
    while recipes := next_recipes(state.recipe, state.promises, state.raced, state.pace):
        if not state.decided and state.left - LAST * state.budget < state.longest:
            ended = "time"
            break
        yield from _stack(state, recipes)
    state.write()
    yield from _leave_out(state)
    state.write(ended)


def _begin(state: _State) -> None:
    """Takes over the singles: the best of those proved faster is the first step up."""
    singles = outcomes_of(state.root, state.race, PLAIN_NAME)
    faster = [one for one in singles if one.usable and one.verdict == "faster"]
    kept = faster[0].recipe if faster else PLAIN_NAME
    tried = tuple(one.recipe for one in singles)
    state.stages.append(Stage(kind="singles", folder="", base=PLAIN_NAME, tried=tried, kept=kept))
    state.raced |= {PLAIN_NAME, *(one.recipe for one in faster)}
    state.pace = faster[0].value if faster else 1.0
    state.promises = {one.recipe: one.value for one in singles if one.promising}


def _stack(state: _State, recipes: Sequence[str]) -> Iterator[str]:
    """One step up: races these beside the recipe so far, and keeps the best that is proved faster than it."""
    base, number = state.recipe, len(state.stages)
    begin, name = clock.now(), f"{number}-stack"
    share = SHARE * (state.left - LAST * state.budget)
    compared = yield from _race(state, name, "stack", [base, *recipes], base, share)
    faster = [one for one in compared if one.usable and one.verdict == "faster"]
    kept = faster[0].recipe if faster else base
    folder = f"{state.folder}/{name}"
    state.stages.append(Stage(kind="stack", folder=folder, base=base, tried=tuple(recipes), kept=kept))
    state.raced |= {*recipes, base}
    state.pace *= faster[0].value if faster else 1.0
    helpless = {one.recipe for one in compared if not one.promising}
    state.promises = {one: alone for one, alone in state.promises.items() if not _spent(base, one, helpless)}
    state.longest = max(state.longest, clock.now() - begin)
    state.write()


def _leave_out(state: _State) -> Iterator[str]:
    """Races the last recipe once more, beside itself without each of its rewrites; what is worth nothing is left out."""
    if state.recipe == PLAIN_NAME:
        return
    recipe, name = state.recipe, f"{len(state.stages)}-left-out"
    recipes = list(dict.fromkeys(without_each(recipe).values()))
    compared = yield from _race(state, name, "left out", [recipe, *recipes], recipe, state.left - MARGIN * state.budget)
    spare = [one for one in compared if one.recipe in recipes and one.usable and one.verdict in ("faster", "same")]
    kept = spare[0].recipe if spare else recipe
    folder = f"{state.folder}/{name}"
    if not _is_proved(state, folder, kept):
        kept = PLAIN_NAME
    state.stages.append(Stage(kind="left out", folder=folder, base=recipe, tried=tuple(recipes), kept=kept))


def _is_proved(state: _State, folder: str, recipe: str) -> bool:
    """Whether the last race proved a recipe faster than the plain step, and the same: else nothing is promised."""
    store = Store(state.root.path / folder)
    race = store.plan().races[0]
    beside_plain = outcomes_of(store, race, PLAIN_NAME)
    return any(one.recipe == recipe and one.usable and one.verdict == "faster" for one in beside_plain)


def _spent(base: str, single: str, helpless: set[str]) -> bool:
    """Whether a single did not help on top of the base: what did not help one recipe is not tried on the next."""
    stack = joined(base, single)
    return stack is not None and stack.name in helpless


def _race(
    state: _State, name: str, kind: StageKind, recipes: Sequence[str], base: str, budget: float
) -> Generator[str, None, list[Outcome]]:
    """Races recipes in a run of their own, which it completes; returns how they compare with one of them."""
    store = Store(state.root.path / state.folder / name, state.root.cache)
    plan = _plan(state, store, kind, recipes, budget)
    for step in racing.run(plan, store, servers=state.servers) if not state.decided else ():
        yield f"{kind} of {state.race.workload}, {base}: round {step.round}, {step.doing}"
    race = plan.races[0]
    return outcomes_of(store, race, base)


def _plan(state: _State, store: Store, kind: StageKind, recipes: Sequence[str], budget: float) -> Plan:
    """The plan of a stage: that which was begun, where there is one."""
    if (store.path / "plan.json").is_file():
        return store.plan()
    first = state.race.arms[:2]
    others = dict.fromkeys(one for one in recipes if one != PLAIN_NAME)
    arms = [Arm(workload=state.race.workload, implementation=one, setting=first[0].setting) for one in others]
    race = Race(workload=state.race.workload, arms=(*first, *arms))
    plan = structs.replace(
        state.plan,
        races=(race,),
        rounds=ROUNDS[kind],
        precision=PRECISION[kind],
        budget=budget,
        lap_seconds=LAP_SECONDS,
        alone=False,
        climb=0.0,
        resting=RESTING * state.pace if kind == "stack" else 0.0,
        settled=0,
        notes=(),
    )
    plan = plan.named(f"{state.plan.run} {kind} {store.path.name}", files_of(plan))
    store.path.mkdir(parents=True, exist_ok=True)
    store.write_plan(plan, state.root.environment())
    return plan
