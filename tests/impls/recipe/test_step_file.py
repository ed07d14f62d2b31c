"""A step file is read, not run: its summary, functions, ways, and the parameters that each function takes."""

from pathlib import Path

import pytest

from impls.recipe.step_file import StepFault, import_roots, read
from tests.impls.steps_in_tests import written

STEP = '''"""Learns.

More about it.
"""

from elsewhere import model, something as loss

SIZE = 8


def optimizer(model, lr=1e-3, *, name="adam", nesterov=True, steps=10, decay=-1, betas=(0.9, 0.99), size=SIZE):
    raise SystemExit


def batches(seed, steps=10):
    raise SystemExit


def way_fast(model, optimizer, batch, chunk=4):
    raise SystemExit


def other(width=3):
    raise SystemExit
'''


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    """Nothing of it is run; what it imports counts as defined, with the line of the import."""
    file = written(tmp_path, STEP)
    assert (file.name, file.summary, file.ways) == ("step.py", "Learns.", ("fast",))
    assert file.functions == {"model": 6, "loss": 6, "optimizer": 11, "batches": 15}
    assert file.where("batches") == "step.py:15"
    assert file.where() == "step.py"


def test_parameters_are_arguments_with_a_literal_default(tmp_path: Path) -> None:
    """Numbers, texts and truth values; not tuples, not what is computed, not those of the file's other functions."""
    file = written(tmp_path, STEP)
    expected = {"lr": 1e-3, "name": "adam", "nesterov": True, "steps": 10, "decay": -1, "chunk": 4}
    assert file.parameters == expected
    assert file.takes == {
        "optimizer": ("lr", "name", "nesterov", "steps", "decay"),
        "batches": ("steps",),
        "way_fast": ("chunk",),
    }
    assert file.arguments("batches", {"steps": 3, "lr": 1.0}) == {"steps": 3}
    assert file.arguments("schedule", {"steps": 3}) == {}


@pytest.mark.parametrize("default", ["20", "10.0"])
def test_two_defaults_for_one_parameter_are_refused(default: str, tmp_path: Path) -> None:
    """Both lines are named; 10 and 10.0 are two defaults, for a parameter has one type."""
    text = STEP.replace("batches(seed, steps=10)", f"batches(seed, steps={default})")
    with pytest.raises(StepFault) as caught:
        written(tmp_path, text)
    assert str(caught.value) == (
        f"step.py:15: the parameter steps has the default {default} here and 10 in line 11: give it one default."
    )


def test_a_function_that_wraps_another_takes_its_parameters(tmp_path: Path) -> None:
    """A later function of the same name that passes **keywords on takes what the earlier one took; else it does not."""
    wrapped = "\n\nbefore = batches\n\n\ndef batches(seed{more}):\n    return before(seed{more})\n"
    passed_on = written(tmp_path, STEP + wrapped.format(more=", **parameters"), "on.py")
    dropped = written(tmp_path, STEP + wrapped.format(more=""), "dropped.py")
    assert passed_on.takes["batches"] == ("steps",)
    assert dropped.takes["batches"] == ()


def test_imports_are_looked_for_beside_the_file_and_in_its_repository(tmp_path: Path) -> None:
    """First the file's own folder, then the root of its repository, then src below that, where there is one."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "train" / "steps").mkdir(parents=True)
    path = tmp_path / "train" / "steps" / "step.py"
    assert import_roots(path) == [str(path.parent), str(tmp_path), str(tmp_path / "src")]
    (tmp_path / ".git").rmdir()
    if not any((folder / ".git").exists() for folder in tmp_path.parents):
        assert import_roots(path) == [str(path.parent)]


def test_a_name_that_is_given_is_shown(tmp_path: Path) -> None:
    """A shipped step is called by its name in the catalogue, in faults too."""
    path = tmp_path / "gan.py"
    path.write_text(STEP, encoding="utf-8")
    assert read(path, "steps/gan").where("batches") == "steps/gan:15"
