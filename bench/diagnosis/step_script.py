"""Writes the script that shows a step computing something else with a recipe's lines, without looprace. Loads no torch."""

from collections.abc import Mapping

from impls.contract.values import ParameterValue
from impls.recipe.step_file import FUNCTIONS, StepFile, import_roots, sources

SCRIPT = '''"""Shows that a step computes something else with the lines of {recipe}. It needs torch, and nothing of looprace.

Exit status: 1 while it does, 0 once it does not.
"""

import functools
import itertools
import sys
import types

import torch
from torch.utils import _pytree as pytree

STEP = {source}

LINES = {patch}

VALUES = {values}  # of parameters that are not the file's own
DTYPE, WARM, LIMIT = torch.{dtype}, {warm}, {limit}
sys.path[:0] = {roots}


def state(*roots):
    """Every tensor in modules, optimizers and what holds them, by its path."""
    found, seen = {{}}, set()

    def walk(value, path):
        if id(value) in seen or isinstance(value, (type, types.FunctionType, types.ModuleType)):
            return
        seen.add(id(value))
        if torch.is_tensor(value):
            found[path] = value
        elif isinstance(value, dict):
            for number, (key, part) in enumerate(list(value.items())):
                walk(part, path if key in HIDDEN else f"{{path}}.{{number if torch.is_tensor(key) else key}}")
        elif isinstance(value, (list, tuple)):
            for number, part in enumerate(value):
                walk(part, f"{{path}}.{{number}}")
        elif hasattr(value, "__dict__"):
            walk(vars(value), path)

    for name, root in zip(("model", "optimizer"), roots):
        walk(root, name)
    return found


HIDDEN = ("_parameters", "_buffers", "_modules", "state")


def prepared():
    """The file as a module, model, optimizer and batches, after {warm} updates as it is written."""
    torch.manual_seed(0)
    file = types.ModuleType("step")
    sys.modules["step"] = file
    exec(STEP, vars(file))
    for name, values in VALUES.items():
        setattr(file, name, functools.partial(getattr(file, name), **values))
    model = file.model()
    optimizer = file.optimizer(model) if hasattr(file, "optimizer") else None
    drawn = list(itertools.islice(file.batches(1), 16))
    for number in range(WARM):
        advance(file, model, optimizer, number, drawn)
    for one in state(model, optimizer).values():
        one.grad = None
        if one.is_floating_point():
            one.data = one.data.to(DTYPE)
    return file, model, optimizer, pytree.tree_map(placed, drawn)


def placed(leaf):
    return leaf.to(DTYPE) if torch.is_tensor(leaf) and leaf.is_floating_point() else leaf


def advance(file, model, optimizer, number, drawn):
    torch.manual_seed(77 + number)
    if hasattr(file, "schedule"):
        file.schedule(optimizer, number)
    file.update(model, optimizer, drawn[number % len(drawn)])


def changes(file, model, optimizer, drawn):
    """What two updates add to each tensor."""
    before = {{name: one.detach().clone() for name, one in state(model, optimizer).items()}}
    torch.set_default_dtype(DTYPE)
    for number in (WARM, WARM + 1):
        advance(file, model, optimizer, number, drawn)
    torch.set_default_dtype(torch.float32)
    after = state(model, optimizer)
    return {{name: after[name].detach().double() - one.double() for name, one in before.items() if name in after}}


torch.set_num_threads(1)
plain = changes(*prepared())
file, model, optimizer, drawn = prepared()
file.model, file.optimizer = lambda **_: model, lambda _, **__: optimizer
file.batches = lambda *_, **__: iter(drawn)
exec(LINES, vars(file))
new_model = file.model()
new_optimizer = file.optimizer(new_model)
changed = changes(file, new_model, new_optimizer, pytree.tree_map(placed, list(itertools.islice(file.batches(1), 16))))
wrong = False
for name in [name for name in plain if name in changed]:
    off, size = (changed[name] - plain[name]).norm().item(), plain[name].norm().item()
    share = off / size if size else off
    wrong |= not share < LIMIT
    if not share < LIMIT:
        print(f"{{name}}: two updates change it by {{size:.6g}}; with the lines, that is {{share:.2%}} off")
print("the lines compute something else" if wrong else "the lines compute the same")
raise SystemExit(wrong)
'''

LIMIT = {"float64": 1e-6, "float32": 1e-2}  # relative, of the change of a tensor by two updates


def text(
    file: StepFile,
    values: Mapping[str, ParameterValue],
    *,
    recipe: str,
    patch: str,
    update: str,
    dtype: str,
    warm: int,
) -> str:
    """The script for a step and a recipe.

    values  of the step's parameters
    patch   the recipe's lines
    update  the lines of the default update; "" where the file writes its own
    warm    updates as it is written before
    """
    given = {function: file.arguments(function, values) for function in FUNCTIONS if function in file.functions}
    changed = {
        function: own
        for function, each in given.items()
        if (own := {name: value for name, value in each.items() if value != file.parameters[name]})
    }
    return SCRIPT.format(
        recipe=recipe,
        source=_quoted(file.path.read_text(encoding="utf-8") + update),
        patch=_quoted(patch),
        values=changed,
        dtype=dtype,
        warm=warm,
        limit=LIMIT[dtype],
        roots=import_roots(file.path)
        if len(sources(file.path)) > 1
        else [],  # where it imports from its own repository
    )


def _quoted(lines: str) -> str:
    """Lines as a literal that can be read."""
    return f"r'''\n{lines.strip()}\n'''" if "'''" not in lines else repr(lines)
