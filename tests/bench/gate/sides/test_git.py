"""Reading a repository: answers, refusals with their cures, and that nothing in it is changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gate.sides import checkout
from bench.gate.sides.git import SideError
from bench.processes.worker_process import ROOT
from tests.bench.gate.projects import Project, branched, small


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One commit on main, and one more on the branch `work`, which is checked out."""
    return branched(tmp_path / "project")


def test_the_repository_is_left_as_it_was(project: Project, tmp_path: Path) -> None:
    """Nothing in .git changes, hooks do not run, and variables that point at another repository are ignored."""
    hook = project.path / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n", encoding="utf-8")
    hook.chmod(0o755)
    project.write({"impls/linear/manual.py": "STEP = 3\n"})
    before = project.everything()
    script = (
        "from pathlib import Path; from bench.gate.sides import checkout;"
        f"checkout.prepare(Path({str(tmp_path / 'gate')!r}), project=Path({str(project.path)!r}), base='main')"
    )
    stray = {"GIT_DIR": str(tmp_path / "nowhere"), "GIT_INDEX_FILE": str(tmp_path / "stray")}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, env=os.environ | stray)
    assert before == project.everything()
    assert not (tmp_path / "hooked").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"base": "mian"}, r"no revision 'mian' here; did you mean main\?"),
        ({"base": "main", "head": "0123456"}, "no revision '0123456' here; `git branch --all`"),
        ({"base": "--all"}, "no revision '--all'"),
        ({"base": "alone"}, "HEAD and alone have no commit in common"),
        ({"base": "bare", "head": "bare"}, "the base, bare, has no folder impls; it must be a revision"),
        ({"base": "moved", "head": "moved"}, "the base, moved, has no folder impls; did you mean the folder far/off?"),
        (
            {"base": "older", "head": "older"},
            "the base, older, has impls/contract.py, .* older looprace.*; choose a base",
        ),
        ({"base": "main", "folder": "../other"}, "does not lie inside the project"),
        ({"base": "main", "head_python": "no-such-python"}, "no interpreter no-such-python for the head"),
        ({"base": "main", "base_python": "git"}, "git does not run as Python 3.11 or newer for the base"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    project: Project, tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    """Each refusal names its cure."""
    project.git("checkout", "--quiet", "--orphan", "alone")
    project.commit({})
    project.git("rm", "-r", "--quiet", "impls")
    project.commit({"README.md": ""})
    project.git("branch", "bare")
    project.commit({"far/off/impls/contract/contract.py": ""})
    project.git("branch", "moved")
    project.commit({"impls/contract.py": "", "impls/linear/manual.py": ""})
    project.git("branch", "older")
    project.git("checkout", "--quiet", "work")
    with pytest.raises(SideError, match=said):
        checkout.prepare(tmp_path / "gate", project=project.path, **asked)  # type: ignore[arg-type]


def test_a_shallow_clone_says_how_to_deepen_it(project: Project, tmp_path: Path) -> None:
    """Both where the base is not in the clone, and where the common ancestor is not."""
    project.git("checkout", "--quiet", "main")
    project.commit({"other.py": ""})
    clone = Project(tmp_path / "clone")
    project.git(
        "clone", "--quiet", "--depth=1", "--branch=work", "--no-single-branch", project.path.as_uri(), "../clone"
    )
    for base in ("HEAD~1", "origin/main"):
        with pytest.raises(SideError, match=r"shallow.*`fetch-depth: 0`.*`git fetch --unshallow`"):
            checkout.prepare(tmp_path / "gate", project=clone.path, base=base)
    clone.git("fetch", "--quiet", "--unshallow")
    assert project.git("rev-parse", "work~1") == (
        checkout.prepare(tmp_path / "gate", project=clone.path, base="origin/main").base.commit
    )


def test_a_folder_that_is_no_repository_is_refused(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing folder, one inside a repository, a machine without git and a path with a separator are refused, too."""
    (tmp_path / "plain").mkdir()
    for where, said in (
        (tmp_path / "plain", "plain is not a git repository"),
        (tmp_path / "nowhere", "there is no folder"),
        (project.path / "impls", "impls lies inside the repository"),
    ):
        with pytest.raises(SideError, match=said):
            checkout.prepare(tmp_path / "gate", project=where, base="main")
    with pytest.raises(SideError, match="separates paths for Python"):
        checkout.prepare(tmp_path / "12:30", project=project.path, base="main")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SideError, match="git is not installed"):
        checkout.prepare(tmp_path / "gate", project=project.path, base="main")


def test_submodules_are_left_out_of_both_sides(project: Project, tmp_path: Path) -> None:
    """Their files are another repository's; a note says so."""
    other = small(tmp_path / "other", {"data.py": ""})
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "inner")
    project.commit({})
    made = checkout.prepare(tmp_path / "gate", project=project.path, base="HEAD")
    assert ("submodules are left out on both sides: inner",) == made.notes
    assert made.base.digest == made.head.digest
