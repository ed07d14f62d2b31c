"""A project's git repository: its revisions, their common ancestor, and their files.

Nothing is left behind in the repository: no worktree, no branch, no entry of its index; its hooks do not run.
"""

import difflib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.system.git import git

FETCH = "set `fetch-depth: 0` where CI checks out, or run `git fetch --unshallow`"


class SideError(Exception):
    """A side cannot be made, or must not be raced; the message says why and what to do."""


def short(commit: str) -> str:
    """A commit as messages show it."""
    return commit[:9]


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree, whose root folder is `root`."""

    root: Path

    @staticmethod
    def at(project: Path) -> "Repository":
        """The repository whose working tree has this folder as its root; SideError where there is none."""
        if not project.is_dir():
            raise SideError(f"there is no folder {project}: name the folder of the project's git repository")
        repository = Repository.around(project)
        if repository is None:
            raise SideError(
                f"{project} is not a git repository, and a gate compares two of its revisions: clone the project with git"
            )
        if repository.root != project.resolve():
            raise SideError(
                f"{project} lies inside the repository {repository.root}: name that with --project, and the folder in it "
                "with --folder"
            )
        return repository

    @staticmethod
    def around(folder: Path) -> "Repository | None":
        """The repository whose working tree a folder lies in; None where there is none. SideError where git cannot tell."""
        done = _git(folder, "rev-parse", "--show-toplevel")
        if "not a git repository" in done.stderr:
            return None
        if done.returncode:
            raise SideError(f"git cannot read {folder}: {_message(done)}")
        return Repository(Path(done.stdout.rstrip("\n")).resolve())

    def commit(self, revision: str) -> str:
        """The commit of a branch, a tag or any other name that git understands; SideError where there is none."""
        done = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        if done.returncode == 0:
            return done.stdout.strip()
        names = self._ask("for-each-ref", "--format=%(refname:short)").split()
        close = difflib.get_close_matches(revision, names, n=1, cutoff=0.6)
        if self.shallow:
            hint = f"the clone is shallow: {FETCH}"
        else:
            hint = f"did you mean {close[0]}?" if close else "`git branch --all` and `git tag` list them"
        raise SideError(f"there is no revision {revision!r} here; {hint}")

    @property
    def shallow(self) -> bool:
        """Whether the clone lacks a part of the history."""
        return self._ask("rev-parse", "--is-shallow-repository").strip() == "true"

    def fork(self, base: str, head: str) -> str:
        """The last common ancestor of two revisions; SideError where there is none, or the clone does not reach back to it."""
        done = _git(self.root, "merge-base", "--end-of-options", self.commit(base), self.commit(head))
        if done.returncode == 0:
            return done.stdout.strip()
        if self.shallow:
            raise SideError(f"the clone is too shallow to find the commit where {head} left {base}: {FETCH}")
        raise SideError(f"{head} and {base} have no commit in common: choose a base that the head descends from")

    def submodules(self, commit: str) -> list[str]:
        """The paths of the submodules of a commit: repositories inside this one, whose files are not its own."""
        entries = self._ask("ls-tree", "-r", "-z", commit).split("\0")
        return [entry.partition("\t")[2] for entry in entries if entry.startswith("160000 ")]

    def export(self, commit: str, to: Path) -> None:
        """Writes the files of a commit below `to`, byte for byte as a checkout would.

        `git archive` would leave out and rewrite files for a release (export-ignore and export-subst in .gitattributes),
        and benchmarks are often left out of releases.
        """
        to.mkdir(parents=True)
        index = to.with_name(f"{to.name}.index")
        self._ask("read-tree", commit, index=index)
        self._ask("checkout-index", "--all", f"--prefix={to}/", index=index)
        index.unlink()

    def copy(self, to: Path, without: Path) -> None:
        """Writes the files of the working tree below `to`, as they are on disk: all that are tracked or not ignored.

        without  a folder whose files are left out
        """
        to.mkdir(parents=True)
        listed = self._ask("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        for name in dict.fromkeys(listed):
            source, written = self.root / name, to / name
            if source.is_relative_to(without) or not (source.is_symlink() or source.is_file()):
                continue  # a file of `without`, a deleted one, or a submodule
            written.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, written, follow_symlinks=False)

    def changed(self, without: Path) -> bool:
        """Whether the working tree differs from HEAD in files outside of `without`."""
        own = without.relative_to(self.root).as_posix() if without.is_relative_to(self.root) else None
        aside = [] if own is None else ["--", ".", f":(exclude,literal){own}"]
        return bool(self._ask("status", "--porcelain", "--untracked-files=all", *aside))

    def _ask(self, *arguments: str, index: Path | None = None) -> str:
        done = _git(self.root, *arguments, index=index)
        if done.returncode:
            raise SideError(f"`git {arguments[0]}` failed in {self.root}: {_message(done)}")
        return done.stdout


def _git(folder: Path, *arguments: str, index: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return git(folder, *arguments, index=index)
    except FileNotFoundError:
        raise SideError("git is not installed, and a gate reads revisions with it: apt-get install git, say") from None


def _message(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return "; ".join(lines[:4]) or f"status {done.returncode}, and no message"
