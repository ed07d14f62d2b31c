"""Writes a recipe as a module: what it needs of the step's file, the raced lines, `make_update`. Loads no torch."""

import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from impls.contract.setting import SettingError
from impls.contract.values import ParameterValue
from impls.recipe.recipe import Recipe, rewrites
from impls.recipe.step_file import StepFile
from impls.recipe.update_patch import DEFAULT_UPDATE, GRADIENTS_CALL
from impls.recipe.written import frame
from impls.recipe.written.needed import Needed, names_of, needed, reads_of, with_defaults

WIDTH = 120


class CannotBeWritten(SettingError):
    """A recipe has no file of its own; the message says why, and what to do."""


def written(file: StepFile, recipe: Recipe, patch: str, values: Mapping[str, ParameterValue]) -> str:
    """A module that trains by this recipe: its `make_update(model, optimizer, *examples)` returns `update(batch)`.

    patch   the lines that were raced, as a record of the recipe keeps them
    values  the step's parameters, as they were raced
    Raises CannotBeWritten.
    """
    refuse(recipe)
    text = with_defaults(file.path.read_text(encoding="utf-8"), file.takes, values)
    parts = _parts(recipe, patch)
    process = "\n\n\n".join(part for name, part in parts.items() if name and rewrites()[name].process)
    lines = [part for name, part in parts.items() if part and not (name and rewrites()[name].process)]
    if "update" not in file.functions and not any("update" in names_of(part) for part in lines):
        clipped = GRADIENTS_CALL if "gradients" in file.functions else ""
        lines.insert(0, DEFAULT_UPDATE.format(gradients=clipped).strip())
    reads = {"update"}.union(*map(reads_of, lines))
    step = needed(text, reads - set(frame.GIVEN))
    captured = any(rewrites()[name].whole for name in recipe.rewrites)
    sections = [
        *([step.lines] if step.lines else []),
        *frame.given(reads),
        *lines,
        *([frame.process(process)] if process else []),
        *frame.make_update(reads & set(frame.GIVEN), captured),
    ]
    _check_names(file, step.lines, sections[1:] if step.lines else sections)
    imports, body = _hoisted(step.imports, sections)
    opening = _docstring(file, recipe, step, bool(process), captured)
    return f"{opening}\n\n{imports}\n\n\n{body}\n"


def refuse(recipe: Recipe) -> None:
    """Raises CannotBeWritten for a recipe that cannot be written."""
    for name in recipe.rewrites:
        if rewrites()[name].ranks:
            raise CannotBeWritten(
                f"{name} is run by several processes, and a written file makes the updates of one: "
                "paste its patch instead, and start the file by torchrun."
            )
        if rewrites()[name].group == "cuda":
            raise CannotBeWritten(
                f"{name} captures addresses on a GPU, and no file that does so has been tried on one yet: "
                "paste its patch instead, or write a recipe without it."
            )


def _parts(recipe: Recipe, patch: str) -> dict[str, str]:
    """The lines of each rewrite, below a comment that names it; those of a way by ""; nothing where there is none to paste."""
    heads = "|".join(map(re.escape, recipe.rewrites)) or "(?!)"
    pieces = re.split(rf"^# ({heads}): (.*)\n", patch, flags=re.MULTILINE)
    names, summaries, texts = pieces[1::3], pieces[2::3], pieces[3::3]
    if tuple(names) != recipe.rewrites:
        raise CannotBeWritten(
            f"The patch is not that of {recipe.name}: it was raced by another version of looprace. Race the step again."
        )
    parts = {"": pieces[0].strip()}
    for name, summary, text in zip(names, summaries, texts, strict=True):
        pasted = not rewrites()[name].streams and bool(ast.parse(text).body)
        parts[name] = f"# {name}: {summary}\n{text.strip()}" if pasted else ""
    return parts


def _check_names(file: StepFile, lines: str, sections: Iterable[str]) -> None:
    """Raises CannotBeWritten where the step's file uses a name that the written module needs for something else."""
    for name in sorted(names_of(lines) & set(frame.NAMES)):
        raise CannotBeWritten(f"{file.name} has a name {name}, which the written file needs: give it another one.")


def _hoisted(imports: Iterable[str], sections: Iterable[str]) -> tuple[str, str]:
    """All imports, sorted, and the sections without theirs."""
    lines, bodies = list(imports), []
    for section in sections:
        nodes = [node for node in ast.parse(section).body if isinstance(node, ast.Import | ast.ImportFrom)]
        lines += [ast.unparse(node) for node in nodes]
        dropped = {number for node in nodes for number in range(node.lineno, (node.end_lineno or 0) + 1)}
        kept = [line for number, line in enumerate(section.splitlines(), 1) if number not in dropped]
        bodies.append(re.sub(r"\n{4,}", "\n\n\n", "\n".join(kept)).strip("\n"))
    return "\n".join(_sorted(lines)), "\n\n\n".join(re.sub(r"^(# .*)\n\n+", r"\1\n", body) for body in bodies if body)


def _sorted(lines: Iterable[str]) -> Iterator[str]:
    """Imports in their usual order: of the future, of Python itself, of others."""

    def place(line: str) -> tuple[int, bool, str]:
        module = line.split()[1].partition(".")[0]
        kind = 0 if module == "__future__" else 1 if module in sys.stdlib_module_names else 2
        return kind, line.startswith("from"), line

    before = -1
    for line in sorted(set(lines), key=place):
        if before not in (-1, place(line)[0]):
            yield ""
        before = place(line)[0]
        yield line


def _docstring(file: StepFile, recipe: Recipe, step: Needed, process: bool, captured: bool) -> str:
    """What the module is, how it is used, and what it cannot do by itself."""
    variables = {key: value for name in recipe.rewrites for key, value in rewrites()[name].variables.items()}
    notes = []
    if variables:
        start = " ".join(f"{name}={value}" for name, value in variables.items())
        notes.append(f"Start Python with these variables, which cannot be set later: {start}")
    if process:
        notes.append("Call `prepare_process()` before all else: it sets what holds for the whole process.")
    notes += [
        f"Not in this file, for it changes the loop and not the update: {name}, {rewrites()[name].summary}."
        for name in recipe.rewrites
        if rewrites()[name].streams
    ]
    if "compiled_optimizer" in recipe.rewrites:
        notes.append("Make a learning-rate scheduler after the update, for both wrap the optimizer's `step`.")
    if "fp16_autocast" in recipe.rewrites:
        notes.append("`optimizer.scaler` has a state of its own that belongs into checkpoints.")
    if step.left:
        notes.append(
            f"{file.path.name} runs these lines as well when it is imported, this file does not: {'; '.join(step.left)}."
        )
    title = f"Updates of {file.name}, run as {recipe.name}: {file.summary}"
    paragraphs = [
        *textwrap.wrap(title.replace("\\", "/").replace('"""', "'''"), WIDTH - 3),
        "",
        f"Written by looprace from {file.path.name}; it needs nothing of either.",
        "",
        "    update = make_update(model, optimizer, batch)  # a batch of the usual size",
        "    for batch in batches:",
        "        value = update(batch)  # in the place of zero_grad, loss, backward and step",
    ]
    for note in notes:
        paragraphs += ["", *textwrap.wrap(note.replace("\\", "/").replace('"""', "'''"), WIDTH, break_long_words=False)]
    return '"""' + "\n".join(paragraphs) + '\n"""'
