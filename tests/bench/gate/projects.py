"""Small projects in real git repositories, for tests of the sides of a gate."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

SMALL = {
    "impls/__init__.py": "",
    "impls/contract/__init__.py": "from impls.contract.contract import LAW\n",
    "impls/contract/contract.py": "LAW = 1\n",
    "impls/linear/__init__.py": "",
    "impls/linear/workload.py": "from impls.contract import LAW\n",
    "impls/linear/manual.py": "from impls.contract import LAW\nSTEP = 1\n",
}


@dataclass(frozen=True)
class Project:
    """A git repository at `path`, independent of the git configuration of this machine."""

    path: Path

    def git(self, *arguments: str) -> str:
        """The output of `git ARGUMENTS` there, which must succeed."""
        who = ("-c", "user.name=Anybody", "-c", "user.email=anybody@example.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> "Project":
        """Puts files into the working tree."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text, encoding="utf-8")
        return self

    def commit(self, files: Mapping[str, str]) -> str:
        """Commits these files, with whatever else is in the working tree; returns the commit."""
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a step")
        return self.git("rev-parse", "HEAD")

    def everything(self) -> dict[str, bytes]:
        """The files in its .git, by path."""
        files = (path for path in sorted((self.path / ".git").rglob("*")) if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in files}


def small(path: Path, files: Mapping[str, str] = SMALL) -> Project:
    """A repository with one commit of these files on the branch main."""
    path.mkdir(parents=True)
    project = Project(path)
    project.git("init", "--quiet")
    project.commit(files)
    return project


def whole(path: Path, folder: str = "") -> Project:
    """A repository with one commit of this checkout's `impls`, in a folder of it."""
    shutil.copytree(ROOT / "impls", path / folder / "impls", ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(path)
    project.git("init", "--quiet")
    project.commit({})
    return project


def branched(path: Path) -> Project:
    """Like `small`, with one commit more on the branch `work`, which is checked out."""
    project = small(path)
    project.git("checkout", "--quiet", "-b", "work")
    project.commit({"impls/linear/manual.py": "STEP = 2\n"})
    return project
