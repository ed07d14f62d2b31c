"""The commands that a gate's reports tell a reader to type: the door must take them, and they must mean the same arm."""

import shlex

import pytest
import typer

from bench.cli.app import app
from bench.results.gate import Side
from bench.results.record import Arm
from reports.gate.commands import repeat, resume
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import HEAD, plan
from tests.reports.records import arm


def typed(command: str) -> dict[str, object]:
    """What the door understands: the values of the options that were typed."""
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
            {"batch": "7", "threads": "2", "dtype": "float64", "seed": 3, "rows": 77, "updates": 9},
        ),
    ],
)
def test_an_arm_is_repeated_by_its_setting(repeated: Arm, more: dict[str, object]) -> None:
    """The command races this arm against the same commit, and says of the setting what is not the workload's own."""
    said = typed(repeat(plan(), repeated))
    base = {"base": "0123456789ab", "workload": ["linear/line"], "implementation": [repeated.implementation]}
    assert said == base | {"device": "cpu", "mode": "eager"} | more


def test_it_keeps_what_says_which_sides_are_raced() -> None:
    """Interpreters, project, folder, head and margins are those of the gate; its budget and its arms are not."""
    command = (
        "python -m bench gate --base origin/main --head 'my branch' --base-python=/old/python --project ../theirs "
        "--folder benchmarks --gate 5% --everything --budget 5m --implementation 'linear/*'"
    )
    said = typed(repeat(plan(command=command), arm("linear/c")))
    assert said["head"] == "my branch"
    assert (said["base_python"], str(said["project"]), said["folder"]) == ("/old/python", "../theirs", "benchmarks")
    assert (said["gate"], said["everything"], said["implementation"]) == ("5%", True, ["linear/c"])
    assert "budget" not in said


def test_a_base_without_a_commit_is_said_by_name() -> None:
    """What no commit holds cannot be said by a commit."""
    side = Side(role="base", name="HEAD", commit=None)
    assert typed(repeat(plan(base=side, head=HEAD), arm()))["base"] == "HEAD"


def test_going_on_finds_the_folder_again() -> None:
    """The gate's name, and the folder of results where one was asked for."""
    assert typed(resume(plan())) == {"resume": verdicts.RUN}
    said = typed(resume(plan(command="python -m bench gate --base a --results 'my results'")))
    assert str(said["results"]) == "my results"


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_names_are_one_word_of_the_shell(text: str) -> None:
    """Whatever a name holds, a shell that reads the command sees the options of the door, and no second command."""
    hostile = Arm(workload=text, implementation=text, setting=arm().setting)
    command = repeat(plan(command=text, base=Side(role="base", name=text, commit=None)), hostile)
    assert command.isprintable()
    assert shlex.split(command)[4:14:2] == ["--base", "--workload", "--implementation", "--device", "--mode"]
