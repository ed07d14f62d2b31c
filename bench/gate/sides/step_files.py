"""The step files of a gate: the repository that they lie in, and what each side has of them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.gate.sides.git import Repository, SideError
from bench.results.gate import Side
from impls.recipe import step_file
from impls.recipe.step_file import StepFault, StepFile

ROOT_MARK = ".git"  # of each copy, so that a step finds its own imports there and not in the repository around it


def locate(files: Sequence[StepFile], project: Path | None = None) -> tuple[Path, dict[str, str]]:
    """The root of the git repository that these files lie in, and the path of each from there, by the name of the step.

    project  where a person named the repository; else it is that of the files

    Raises SideError for a file in no repository, in another one than the rest, or not in the project.
    """
    roots = {file.name: _root(file) for file in files}
    first, *others = dict.fromkeys(roots.values())
    if others:
        raise SideError(f"{' and '.join(roots)} lie in different repositories: gate those of one repository at a time")
    if project and Repository.at(project).root != first:
        raise SideError(f"{next(iter(roots))} lies in the repository {first}, not in {project}: leave out --project")
    return first, {file.name: file.path.resolve().relative_to(first).as_posix() for file in files}


def _root(file: StepFile) -> Path:
    repository = Repository.around(file.path.resolve().parent)
    if repository is None:
        raise SideError(
            f"{file.name} lies in no git repository, and a gate compares two revisions of one: commit it to a repository "
            f"(git init, git add {file.path.name}, git commit), or name a step file that is in one"
        )
    return repository.root


def check(copy: Path, steps: Mapping[str, str], who: str) -> None:
    """Raises SideError where the files of a side lack a step, or have one that cannot be raced; marks their root.

    who  the side in words, for the message
    """
    for name, path in steps.items():
        if not (copy / path).is_file():
            raise SideError(
                f"{who} has no {path}: choose a revision that has it, or commit it there first; a file that git ignores is "
                "in no revision"
            )
        read(copy, path, name, who)
    (copy / ROOT_MARK).mkdir(exist_ok=True)


def read(copy: Path, path: str, name: str, who: str) -> StepFile:
    """The step in one copy of a side. Raises SideError, which names the side, where the file is no step."""
    try:
        return step_file.read(copy / path, name)
    except StepFault as fault:
        raise SideError(f"{who} has a step that cannot be raced: {fault}") from fault


def of_side(target: Path, side: Side, name: str) -> StepFile:
    """The step of this name as a side has it, from its first copy."""
    return read(target / side.copies[0], side.steps[name], name, f"the {side.role}, {side.name},")


def fingerprints(target: Path, side: Side, name: str) -> dict[str, str]:
    """The fingerprint of each of the side's files that the step is made of, by its path from the root."""
    copy = (target / side.copies[0]).resolve()
    sources = step_file.sources(copy / side.steps[name])
    return {os.path.relpath(file, copy): source.fingerprint for file, source in sources.items()}
