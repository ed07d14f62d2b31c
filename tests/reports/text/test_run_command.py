"""The command beside an arm: typed, it races that arm against that reference."""

import shlex
from typing import Any

import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from bench.cli import options
from bench.cli.run import choice
from bench.results.record import Arm, Race
from bench.runner.plan import make_plan
from impls.floors.names import FLOORS
from impls.recipe import steps
from reports.text.run_command import command
from tests.reports.records import MANUAL, REFERENCE, arm, race


def planned(typed: str) -> list[Race]:
    """The races that `bench run` would plan for it: read by its own options, as the command line does it."""
    app, races = typer.Typer(), list[Race]()

    @app.command()
    @options.takes(options.Run)
    def run(typed: options.Run) -> None:
        races.extend(make_plan(choice(typed), command="").races)

    python, dash, bench, verb, *rest = shlex.split(typed)
    assert (python, dash, bench, verb) == ("python", "-m", "bench", "run")
    done = CliRunner().invoke(app, rest, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return races


COMPILED = arm("linear/nn_sgd", "reference", mode="compile")
CONTESTANTS = [
    arm("linear/manual"),
    arm("linear/while_loop", mode="aot"),
    arm("linear/nn_sgd", watch="draw"),
    arm("linear/nn_sgd", watch="loss", every=7),
    arm("linear/floor_read"),
    arm("linear/manual", rows=1_000, features=3, updates=50),
    arm("linear/manual", batch=256, dtype="float64", seed=3),
]


def reference_of(contestant: Arm) -> Arm:
    """The usual reference for it: the same work, eager and unwatched."""
    fixed = {
        name: getattr(contestant.setting, name) for name in ("rows", "features", "updates", "batch", "dtype", "seed")
    }
    return arm("linear/nn_sgd", "reference", **fixed, every=contestant.setting.every)


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda one: one.name)
def test_the_command_races_the_arm_against_its_reference(contestant: Arm) -> None:
    """Read and planned as `bench run` does it, it gives one race with this reference and this arm."""
    reference = reference_of(contestant)
    (planned_race,) = planned(command(contestant, race(contestant, reference=reference, twin=None)))
    assert planned_race.reference == reference
    assert contestant in planned_race.arms


def test_another_reference_and_another_workload_are_named() -> None:
    """What the workload would not choose by itself is typed: its reference, and a mode that the reference runs in."""
    setting: dict[str, Any] = {"rows": 5, "features": 1, "updates": 10_000, "lr": 1e-4}
    reference = Arm(
        workload="linear/five",
        implementation="linear/manual",
        setting=arm(**setting, mode="compile").setting,
        role="reference",
    )
    contestant = Arm(workload="linear/five", implementation="linear/numpy", setting=arm(**setting).setting)
    (planned_race,) = planned(command(contestant, Race(workload="linear/five", arms=(reference, contestant))))
    assert planned_race.reference == reference
    assert contestant in planned_race.arms


def test_what_is_usual_is_not_typed() -> None:
    """The most common command is short."""
    typed = command(MANUAL, race(MANUAL))
    assert typed == "python -m bench run --implementation linear/manual --device cpu --mode eager"


def test_an_arm_of_a_gpu_names_both_devices_where_the_reference_ran_on_another() -> None:
    """The reference runs on the first device, so its own comes first."""
    contestant = arm("linear/manual", device="cuda")
    assert "--device cpu,cuda" in command(contestant, race(contestant, reference=REFERENCE))


def test_names_are_quoted_and_made_harmless() -> None:
    """A name with a shell command or with control characters of a terminal is harmless."""
    typed = command(arm("x; rm -rf '$HOME'\x1b[31m\u202e"), race(MANUAL))
    assert typed.isprintable()
    assert shlex.split(typed)[5].startswith("x; rm -rf '$HOME'")


def test_an_arm_of_an_unknown_workload_has_a_command_all_the_same() -> None:
    """Of a workload that no longer exists, every size of the setting is typed."""
    old = Arm(workload="gone/away", implementation="gone/one", setting=MANUAL.setting)
    typed = command(old, Race(workload="gone/away", arms=(old,)))
    for part in ("--workload gone/away", "--reference gone/one", "--rows 100000", "--updates 10000", "--features 1"):
        assert part in typed


@pytest.mark.parametrize("recipe", ["fused", "plain"])
def test_the_command_races_a_recipe_against_the_step(recipe: str) -> None:
    """Read and planned as `bench run` does it, it gives one race with this recipe at these parameters, and the floors."""
    file = steps.find("steps/digits_mlp")
    setting = steps.setting(file, {"hidden": 48}, dtype="float64", threads=2, seed=3)
    reference = Arm(workload=file.name, implementation="plain", setting=setting, role="reference")
    contestant = replace(reference, implementation=recipe, role="reference" if recipe == "plain" else "arm")
    (planned_race,) = planned(command(contestant, Race(workload=file.name, arms=(reference, contestant))))
    assert planned_race.reference == reference
    assert {one.implementation for one in planned_race.arms} == {"plain", recipe, *FLOORS}
    assert contestant in planned_race.arms
