"""What is typed becomes a choice: blanks are as good as nothing, and what is no part of a choice is passed over."""

from pathlib import Path

import pytest

from bench.cli.options import choice, known_report
from bench.runner.plan import Choice
from impls.contract.setting import SettingError


@pytest.mark.parametrize("name", ["batch", "dtype", "device", "mode", "watch"])
@pytest.mark.parametrize("blank", ["", ",", None])
def test_a_blank_list_is_no_choice(name: str, blank: str | None) -> None:
    """`--batch ""` leaves the batch to the default, like not typing it."""
    assert choice("quick", {name: blank}) == Choice(effort="quick")


@pytest.mark.parametrize("name", ["sweep", "budget"])
def test_a_blank_option_is_no_choice(name: str) -> None:
    """An empty range or time is none."""
    assert choice("quick", {name: ""}) == Choice(effort="quick")


def test_zero_is_a_choice() -> None:
    """A seed of 0 and rows of 0 are kept: the one is right, the other is refused later with its reason."""
    assert choice("quick", {"seed": 0, "rows": 0}) == Choice(effort="quick", seed=0, rows=0)


def test_names_and_patterns_are_one_list() -> None:
    """`profile NAME... --implementation PATTERN` takes both; results and json are no part of a choice."""
    typed = {"names": ["linear/c"], "implementation": ["linear/n*"], "results": "results", "json_": True}
    assert choice("quick", typed).implementation == ("linear/c", "linear/n*")


def test_threads_must_be_numbers() -> None:
    """What is no number is refused, empty too."""
    with pytest.raises(SettingError, match="whole numbers"):
        choice("quick", {"threads": ""})


def test_a_report_of_an_archive_needs_a_folder(tmp_path: Path) -> None:
    """An archive is only read, so that somebody must say where its report goes."""
    archive = tmp_path / "run.tar.gz"
    archive.touch()
    known_report(str(archive), None, tmp_path, None, history=False)
    with pytest.raises(SettingError, match="add --out FOLDER"):
        known_report(str(archive), None, None, None, history=False)
