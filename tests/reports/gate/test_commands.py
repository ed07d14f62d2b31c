"""The commands in a gate's reports: the command line takes them, and they mean the same arm."""

import shlex

import pytest
import typer
from msgspec.structs import replace

from bench.cli.app import app
from bench.results.gate import Side
from bench.results.record import Arm
from impls.contract.setting import Setting
from reports.gate.commands import repeat, resume
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import HEAD, plan
from tests.reports.records import arm


def typed(command: str) -> dict[str, object]:
    """The values of the options of a command, as the command line parses them."""
    program, *words = shlex.split(command)[2:]
    assert (program, words[0]) == ("bench", "gate")
    gate = typer.main.get_command(app).commands["gate"]  # type: ignore[attr-defined]
    context = gate.make_context("gate", words[1:])
    given = {name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"}
    return {name: context.params[name] for name in given}


@pytest.mark.parametrize(
    ("repeated", "more"),
    [
        (arm("linear/manual"), {}),
        (arm("linear/compiled_forward", mode="compile"), {"mode": "compile"}),
        (
            arm("linear/nn_sgd", batch=7, threads=2, dtype="float64", seed=3, rows=77, updates=9),
            {"batch": "7", "threads": "2", "dtype": "float64", "seed": "3", "rows": "77", "updates": "9"},
        ),
    ],
)
def test_an_arm_is_repeated_by_its_setting(repeated: Arm, more: dict[str, object]) -> None:
    """The command races this arm against the same commit, with the coordinates that are not the workload's own."""
    said = typed(repeat(plan(), repeated))
    base = {"base": "0123456789ab", "workload": ["linear/line"], "implementation": [repeated.implementation]}
    assert said == base | {"device": "cpu", "mode": "eager"} | more


def test_an_arm_of_a_step_is_repeated_by_its_recipe_and_what_was_set() -> None:
    """The command names the step, the recipe, and those parameters alone that a person set; plain needs no recipe."""
    setting = Setting(updates=1, threads=2, parameters=(("hidden", 64), ("lr", 0.1)))
    of_step = Arm(workload="train/my_step.py", implementation="way_fast+fused", setting=setting)
    shared = {"base": "0123456789ab", "names": ["train/my_step.py"], "device": "cpu", "threads": "2"}
    said = typed(repeat(plan(options={"set": "hidden"}), of_step))
    assert said == shared | {"set_": ["hidden=64"], "recipe": ["way_fast+fused"]}
    assert typed(repeat(plan(options={}), replace(of_step, implementation="plain"))) == shared


def test_it_keeps_the_options_that_decide_what_is_raced() -> None:
    """Interpreters, project, folder, head and margins are those of the gate."""
    options: dict[str, str | bool] = {
        "head": "my branch",
        "base-python": "/old/python",
        "project": "../theirs",
        "folder": "benchmarks",
        "gate": "5%",
        "everything": True,
        "results": "elsewhere",
    }
    words = typed(repeat(plan(options=options), arm("linear/c")))
    assert words["head"] == "my branch"
    assert (words["base_python"], str(words["project"]), words["folder"]) == ("/old/python", "../theirs", "benchmarks")
    assert (words["gate"], words["everything"], words["implementation"]) == ("5%", True, ["linear/c"])
    assert "results" not in words


def test_an_older_plan_repeats_its_own_command() -> None:
    """A plan without options, as earlier versions wrote it, has the command of the whole gate."""
    command = "python -m bench gate --base origin/main --gate 5%"
    assert repeat(plan(command=command, options=None), arm("linear/c")) == command


def test_a_base_without_a_commit_is_said_by_name() -> None:
    """A base without a commit is given by its name."""
    side = Side(role="base", name="HEAD", commit=None)
    assert typed(repeat(plan(base=side, head=HEAD), arm()))["base"] == "HEAD"


def test_going_on_finds_the_folder_again() -> None:
    """The gate's name, and the folder of results where one was asked for."""
    assert typed(resume(plan())) == {"resume": verdicts.RUN}
    said = typed(resume(plan(options={"results": "my results"})))
    assert str(said["results"]) == "my results"


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_names_are_one_word_of_the_shell(text: str) -> None:
    """Whatever a name holds, a shell sees the options of one command and no second one."""
    hostile = Arm(workload=text, implementation=text, setting=arm().setting)
    command = repeat(plan(options={}, base=Side(role="base", name=text, commit=None)), hostile)
    assert command.isprintable()
    assert shlex.split(command)[4:14:2] == ["--base", "--workload", "--implementation", "--device", "--mode"]
