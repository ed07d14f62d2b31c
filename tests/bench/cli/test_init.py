"""`bench init` writes a step that trains as it stands, keeps what is there, and names the next commands."""

import json
import runpy
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from bench.cli.app import app
from bench.cli.init import TEMPLATE


def test_the_step_that_init_writes_trains(tmp_path: Path) -> None:
    """Three updates of the file, run as any step is, lower its loss; its comments name the file that was typed."""
    file = tmp_path / "mine.py"
    done = CliRunner().invoke(app, ["init", str(file)])
    assert done.exit_code == 0
    assert f"python -m bench check {file}\n" in done.output
    assert f"python -m bench run {file}\n" in done.output
    assert f"python -m bench run {file} --set" in file.read_text(encoding="utf-8")

    step = runpy.run_path(str(file))
    torch.manual_seed(0)
    model = step["model"]()
    optimizer = step["optimizer"](model)
    batch = next(step["batches"](0))
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = step["loss"](model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


def test_what_the_template_shows_in_comments_runs(tmp_path: Path) -> None:
    """The four optional functions, taken out of their comments, are Python that does one update."""
    code, comments = TEMPLATE.read_text(encoding="utf-8").split("# Four more", 1)
    shown = "\n".join(line.removeprefix("#").removeprefix(" ") for line in comments.splitlines()[2:])
    file = tmp_path / "full.py"
    file.write_text(code + shown, encoding="utf-8")
    step = runpy.run_path(str(file))
    model = step["model"]()
    optimizer = step["optimizer"](model)
    batch = next(step["batches"](0))
    step["schedule"](optimizer, 1000)
    assert optimizer.param_groups[0]["lr"] == 5e-4
    losses = []
    for update in (step["update"], step["way_by_hand"]):
        losses.append(update(model, optimizer, batch).item())
        step["gradients"](model)
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("there.py", "exists and is left as it is"),
        ("step.txt", "its name ends in .py"),
        ("absent/step.py", "cannot be written: No such file or directory"),
    ],
)
def test_init_refuses_by_name(tmp_path: Path, name: str, said: str) -> None:
    """A file that is there, one that is no module, and a folder that is not: exit status 2, nothing written."""
    (tmp_path / "there.py").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(app, ["init", str(tmp_path / name)])
    assert done.exit_code == 2
    assert said in done.output
    assert (tmp_path / "there.py").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]


def test_init_as_json(tmp_path: Path) -> None:
    """`--json` prints one document: the file, and what to type next."""
    file = (tmp_path / "mine.py").as_posix()
    document = json.loads(CliRunner().invoke(app, ["init", file, "--json"]).output)
    assert document == {
        "format": 1,
        "file": file,
        "next": [f"python -m bench check {file}", f"python -m bench run {file}"],
    }
