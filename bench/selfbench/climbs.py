"""Climbs from every shipped step, and holds what they end with against an exhaustive search over singles and pairs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from bench import clock
from bench.climb.outcomes import outcomes_of
from bench.climb.stacks import joined
from bench.processes.worker_process import ROOT
from bench.results.climb import Climb
from bench.results.record import Race
from bench.results.store import Store
from bench.selfbench.figure import Figure
from impls.recipe import steps
from impls.recipe.recipe import PLAIN_NAME

MINUTES = 15  # that a climb may take
SEARCHED = ("steps/digits_mlp", "steps/conv_net", "steps/vae")  # on which the search is exhaustive
BEST = 6  # singles whose pairs are all raced
ROUNDS = 6  # of the search


def climbs(count: int, results: Path) -> Iterator[Figure]:
    """Climbs from the first so many shipped steps, the searched ones first; a climb that is done is not made again."""
    names = [*SEARCHED, *(file.name for file in steps.choose(("steps/*",)) if file.name not in SEARCHED)]
    for name in names[:count]:
        begin = clock.now()
        document = climbed(name, results)
        (race,) = document["races"]
        climb = race["climb"]
        seconds = climb["seconds"] or clock.now() - begin
        said = "nothing is faster than plain"
        if climb["recipe"]:
            span = f"{1 / climb['high']:.2f} to {1 / climb['low']:.2f}"
            said = f"{'+'.join(climb['recipe'])}, {1 / climb['ratio']:.2f} times as fast ({span})"
        raced = sum(arm["status"] == "ok" and arm["class"] != "floor" for arm in race["arms"]) - 1
        yield Figure(
            f"climb from {name}",
            f"{said}, {climb['bits_lost'] or 0:.1f} bits lost; {raced} rewrites and ways, {seconds / 60:.1f} minutes",
            f"at most {MINUTES} minutes",
            seconds <= MINUTES * 60,
        )


def search(count: int, climbed: Path, results: Path) -> Iterator[Figure]:
    """Races the best singles of the first so many climbs, all pairs of them, and what the climb ended with."""
    for name in SEARCHED[:count]:
        store = Store.find("latest", climbed / slug(name))
        (race,) = store.plan().races
        climb = store.climb(race)
        assert climb is not None, "climb first"
        recipes = _candidates(store, race, climb)
        options = [part for recipe in recipes for part in ("--recipe", recipe)]
        document = _bench(
            "run", name, "--json", "--rewrite=none", f"--rounds={ROUNDS}", "--results", str(results), *options
        )
        arms = {arm["implementation"]: arm for arm in document["races"][0]["arms"]}
        own = arms[climb.recipe]
        better = [recipe for recipe, arm in arms.items() if arm["rank"] and own["rank"] and arm["rank"] < own["rank"]]
        table = ", ".join(f"{recipe} {arm['ratio']:.3f}" for recipe, arm in arms.items() if arm["ratio"])
        yield Figure(
            f"search on {name}: {len(recipes)} recipes; {climb.recipe} is beaten by",
            f"{', '.join(better) or 'none'} (ratios to plain: {table})",
            "none",
            not better and own["rank"] is not None,
        )


def _candidates(store: Store, race: Race, climb: Climb) -> list[str]:
    """The best singles of a climb, their pairs, and its recipe."""
    singles = [one.recipe for one in outcomes_of(store, race, PLAIN_NAME) if one.usable][:BEST]
    pairs = [pair.name for one, other in combinations(singles, 2) if (pair := joined(one, other))]
    return list(dict.fromkeys([climb.recipe, *singles, *pairs]))


def climbed(name: str, results: Path) -> dict[str, Any]:
    """The document of the last climb from a step that was brought to its end; of a new one where there is none."""
    own = results / slug(name)
    for store in reversed(Store.all(own)):
        (race,) = store.plan().races
        if (climb := store.climb(race)) and climb.ended:
            return _bench("report", str(store.path), "--json")
    return _bench("climb", name, "--json", f"--budget={MINUTES}m", "--results", str(own))


def slug(name: str) -> str:
    """The last part of a step's name: the folder of its climbs."""
    return name.rpartition("/")[2]


def _bench(*arguments: str) -> dict[str, Any]:
    """The document that a command prints. Wrong arms and such end it with a status of its own, which is no matter here."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if not done.stdout:
        raise RuntimeError(f"bench {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document
