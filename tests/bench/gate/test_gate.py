"""Whole gates from the command line, on small repositories with real commits."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.forking import Forks

ARMS = ("linear/manual", "linear/no_grad", "linear/analytic", "linear/in_place", "linear/nn_sgd")
SMALL = ("--mode", "eager", "--rows", "20000", "--updates", "1000")
BUSY = """            end = time.perf_counter() + 150e-6
            while time.perf_counter() < end:
                pass
"""


def git(repository: Path, *arguments: str) -> str:
    """A git command in the repository, as somebody."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this checkout's implementations, committed."""
    found = tmp_path_factory.mktemp("gate") / "project"
    shutil.copytree(ROOT / "impls", found / "impls", ignore=shutil.ignore_patterns("__pycache__"))
    (found / ".gitignore").write_text("__pycache__/\n")
    git(found, "init", "--quiet", "--initial-branch=main")
    git(found, "add", ".")
    git(found, "commit", "--quiet", "--message", "as it was")
    return found


def edit(repository: Path, implementation: str, old: str, new: str) -> None:
    """Replaces a text in an implementation; it must be there."""
    path = repository / "impls" / f"{implementation}.py"
    text = path.read_text()
    assert old in text, f"{implementation} has changed: plant something else"
    path.write_text(text.replace(old, new))


Gate = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def gate(repository: Path, forks: Forks) -> Gate:
    """A function that runs a gate of the repository: its exit status, its document, and standard error."""

    def carried_out(results: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
        project = [] if "--resume" in arguments else ["--project", str(repository)]
        done = forks.run(ROOT, "bench", "gate", "--json", "--results", str(results), *project, *arguments, timeout=500)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    return carried_out


def test_what_was_planted_is_found(gate: Gate, repository: Path, tmp_path: Path) -> None:
    """A busy wait, a wrong answer, an exception and a comment in one pull request each get their verdict."""
    git(repository, "checkout", "--quiet", "-b", "planted")
    edit(repository, "linear/manual", "import torch\n", "import time\n\nimport torch\n")
    edit(repository, "linear/manual", "        for _ in range(updates):\n", f"        for _ in range(updates):\n{BUSY}")
    edit(repository, "linear/no_grad", "task.lr", "task.lr * 1.001")
    edit(
        repository,
        "linear/analytic",
        "    def advance(self, updates: int) -> None:\n",
        "    def advance(self, updates: int) -> None:\n        raise ValueError('planted')\n",
    )
    edit(repository, "linear/in_place", "import torch\n", "import torch  # a comment\n")
    git(repository, "commit", "--quiet", "--all", "--message", "a pull request")
    try:
        named = [word for name in ARMS[:4] for word in ("--implementation", name)]
        status, document, said = gate(tmp_path, "--base", "main", "--head", "planted", *SMALL, *named)
    finally:
        git(repository, "checkout", "--quiet", "main")
    words = {each["implementation"]: each["verdict"] for each in document["cells"]}
    assert words == {
        "linear/manual": "regressed",
        "linear/no_grad": "wrong",
        "linear/analytic": "failed",
        "linear/in_place": "identical",
    }, said
    assert status == 1
    assert all(each["stops"] for each in document["cells"] if each["verdict"] != "identical"), said
    slower = next(each for each in document["cells"] if each["verdict"] == "regressed")
    assert slower["low"] > 0.01
    assert not (repository / ".git" / "worktrees").exists()


def test_a_change_of_documents_has_nothing_to_race(gate: Gate, repository: Path, tmp_path: Path) -> None:
    """The controls are raced, and the status is 0; the working tree may be dirty."""
    (repository / "notes.md").write_text("a new page\n")
    try:
        status, document, said = gate(tmp_path, "--base", "main", "--implementation", "linear/in_place", *SMALL)
    finally:
        (repository / "notes.md").unlink()
    assert (status, document.get("verdict")) == (0, "nothing to race"), said
    assert document["controls"]["rounds"] > 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--base", "no-such-branch"), 2, "no-such-branch"),
        ((), 2, "--base"),
        (("--base", "main", "--gate", "minus three"), 2, "minus three"),
        (("--base", "main", "--gate", "1%", "--floor", "2%"), 2, "floor"),
        (("--base", "main", "--implementation", "linear/nobody"), 2, "linear/nobody"),
        (("--base", "main", "--budget", "soon"), 2, "--budget"),
        (("--resume", "nothing"), 2, "nothing"),
        (("--resume", "latest", "--gate", "1%"), 2, "--gate was settled when the gate was begun"),
        (("--base", "main", "--base-python", "no/such/python"), 2, "no/such/python"),
    ],
)
def test_what_cannot_be_gated_is_refused_in_a_sentence(
    gate: Gate, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """The message names the option at fault, there is no traceback, and the status is 2."""
    found, document, told = gate(tmp_path, *arguments)
    assert (found, document) == (status, {}), told
    assert said in told
    assert "Traceback" not in told


def test_an_arm_that_the_base_never_had_is_no_pass(gate: Gate, repository: Path, tmp_path: Path) -> None:
    """Named and new: there is nothing to compare, so the status is 5."""
    added = repository / "impls" / "linear" / "added.py"
    added.write_text((repository / "impls" / "linear" / "in_place.py").read_text())
    try:
        status, document, said = gate(tmp_path, "--base", "main", "--implementation", "linear/added", "--mode", "eager")
    finally:
        added.unlink()
    assert (status, [each["verdict"] for each in document["cells"]]) == (5, ["new"]), said


def test_an_interrupted_gate_goes_on_where_it_was_and_with_what_was_installed(
    gate: Gate, repository: Path, tmp_path: Path
) -> None:
    """A gate that its budget ended is resumed without repeating a round, and is refused with another torch."""
    arguments = ("--base", "main", "--everything", "--implementation", "linear/in_place", *SMALL)
    status, document, said = gate(tmp_path, *arguments, "--budget", "12s")
    rounds = {path: path.read_bytes() for path in tmp_path.glob("*/rounds/*/*.json")}
    assert rounds, said
    status, document, said = gate(tmp_path, "--resume", "latest")
    assert all(path.read_bytes() == content for path, content in rounds.items())
    assert len(list(tmp_path.glob("*/rounds/*/*.json"))) > len(rounds)
    assert [each["verdict"] for each in document["cells"]] in (["ok"], ["unresolved"], ["improved"]), said
    assert status in (0, 5)

    (path,) = tmp_path.glob("*/sides.json")
    sides = json.loads(path.read_text())
    sides["base"]["versions"]["torch"] = "0.1"
    path.write_text(json.dumps(sides))
    status, _, said = gate(tmp_path, "--resume", "latest")
    assert (status, "what is installed on a side is not what it was" in said) == (5, True)
