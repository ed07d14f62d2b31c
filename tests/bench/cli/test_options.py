"""The options of each command: which there are, and how what was typed becomes a choice."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.cli import options, profile, report, run
from bench.cli.app import app
from bench.runner.plan import Choice
from impls.contract.coordinates import COORDINATES, Coordinate
from impls.contract.setting import SettingError


def choice(**setting: str | None) -> Choice:
    """The choice of `run` with these coordinates typed."""
    return run.choice(options.Run(setting=setting))


@pytest.mark.parametrize("coordinate", [each for each in COORDINATES if each.help], ids=lambda each: each.name)
def test_a_blank_coordinate_is_no_choice(coordinate: Coordinate) -> None:
    """`--batch ""` leaves the batch to the default, like not typing it; so does a list of nothing but commas."""
    for blank in ("", " ", ",", None) if coordinate.several else ("", " ", None):
        assert choice(**{coordinate.name: blank}) == Choice()


@pytest.mark.parametrize("name", ["sweep", "budget"])
def test_a_blank_option_is_no_choice(name: str) -> None:
    """An empty range or time is none."""
    typed: dict[str, Any] = {name: ""}
    assert run.choice(options.Run(**typed)) == Choice()


def test_zero_is_a_choice_of_a_seed() -> None:
    """A seed of 0 is kept; rows of 0 are refused with their domain."""
    assert choice(seed="0") == Choice().at(seed=0)
    with pytest.raises(SettingError, match="rows must be a whole number of at least 1; got 0"):
        choice(rows="0")


def test_names_and_patterns_are_one_list() -> None:
    """`profile NAME... --implementation PATTERN` takes both."""
    typed = options.Profile(names=["linear/c"], implementation=["linear/n*"])
    assert profile.choice(typed).implementation == ("linear/c", "linear/n*")


@pytest.mark.parametrize("coordinate", [each for each in COORDINATES if each.help], ids=lambda each: each.name)
def test_every_coordinate_is_an_option_of_run(coordinate: Coordinate) -> None:
    """What the table of coordinates has, `run` takes, with the table's help."""
    shown = " ".join(CliRunner().invoke(app, ["run", "--help"], terminal_width=500).output.split())
    assert f"--{coordinate.name} " in shown
    assert coordinate.help.partition("  ")[0] in shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"mode": "compile,foo"}, "mode must be one of eager, compile, cpp-wrapper, .*; got 'foo'"),
        ({"device": "cpu,gpu"}, "device must be one of cpu, cuda; got 'gpu'"),
        ({"dtype": "float32,half"}, "dtype must be one of float32, float64; got 'half'"),
        ({"watch": "loss,lost"}, "watch must be one of none, loss, draw; got 'lost'"),
        ({"batch": "full,1e3,all"}, "batch must be full or a whole number of at least 1; got 'all'"),
        ({"threads": "1,two"}, "threads must be a whole number of at least 1; got 'two'"),
    ],
)
def test_an_unknown_value_in_a_list_is_refused_by_name(typed: dict[str, str], said: str) -> None:
    """No value of a list is dropped in silence: the unknown one is named with what there is."""
    with pytest.raises(SettingError, match=said):
        choice(**typed)


def test_a_value_that_is_typed_twice_counts_once() -> None:
    """Two races of the same batch would write to the same folder."""
    assert choice(batch="7,full,7_0,70").setting == {"batch": (7, "full", 70)}


def test_a_report_of_an_archive_needs_a_folder(tmp_path: Path) -> None:
    """An archive is only read, so that somebody must say where its report goes."""
    archive = tmp_path / "run.tar.gz"
    archive.touch()
    report.check(options.Report(run=str(archive), out=tmp_path))
    with pytest.raises(SettingError, match="add --out FOLDER"):
        report.check(options.Report(run=str(archive)))


def test_options_that_a_resumed_run_would_ignore_are_refused() -> None:
    """`run --resume latest --rows 5` would go on with the old rows, so it is refused."""
    done = CliRunner().invoke(app, ["run", "--resume", "latest", "--rows", "5", "--json"])
    assert done.exit_code == 2
    assert "--rows was settled when the run was begun" in done.output
