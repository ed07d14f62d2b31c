"""The scripts that show silent errors of torch still show them with the torch that they name."""

import runpy

import pytest
import torch

from impls.recipe.step_file import read
from tests.conftest import ROOT

FOLDER = ROOT / "docs" / "compiler_faults"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "alibi")


@pytest.mark.skipif(not torch.__version__.startswith("2.13.0"), reason="the faults are those of torch 2.13.0")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_shows_its_fault(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how large the difference is, and ends with status 1; with status 0 the fault is gone, and so may it be."""
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(FOLDER / f"{name}.py"))
    assert end.value.code == 1
    assert "of its size" in (said := capsys.readouterr().out) or "of their size" in said


def test_the_step_that_shows_one_can_be_raced() -> None:
    """It is a step file like any other."""
    assert read(FOLDER / "alibi.py").summary.startswith("A small causal attention")
