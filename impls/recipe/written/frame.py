"""The lines of a written module that are the same for all steps: what a patch changes, and `make_update`. Loads no torch."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import indent

WATCH = Path(__file__).with_name("watch.py")
GIVEN = ("model", "optimizer", "batches")  # the functions of a step's file that stand for what make_update is given
NAMES = ("Watch", "given", "laid_out", "make_update", "prepare_process", "put_in", "watched", "what_counts", *GIVEN)

HOLDER = """
given = {}  # what make_update was called with: the lines below change it
"""
FUNCTIONS = {
    "model": """
def model(**parameters):
    return given["model"]
""",
    "optimizer": """
def optimizer(model, **parameters):
    return given["optimizer"]
""",
    "batches": """
def batches(seed, **parameters):
    yield given["batch"]
""",
}

PROCESS = '''
def prepare_process():
    """Sets what this recipe needs for the whole process."""
{lines}
'''

PUT_IN = '''
def put_in(given_model, given_optimizer):
    """Makes the changes of the lines above to a model and its optimizer, in place."""
    given.update(model=given_model, optimizer=given_optimizer)
    made = {model}
    return made, {optimizer}
'''

LAID_OUT = '''
def laid_out(batch):
    """A batch as the lines above lay it out in memory."""
    given["batch"] = batch
    return next(batches(0))
'''

AFTER_LOADING = """
    def put_in_again(loaded):  # a checkpoint brings its own settings and layouts: those of this recipe replace them
        own = {name: value for name, value in vars(loaded).items() if name not in ("defaults", "param_groups", "state")}
        put_in(model, optimizer)
        vars(loaded).update(own)

    for one in pytree.tree_leaves(optimizer):
        if isinstance(one, torch.optim.Optimizer):
            one.register_load_state_dict_post_hook(put_in_again)
"""

EAGER = '''
import torch
from torch.utils import _pytree as pytree


def make_update(model, optimizer, *examples):
    """Returns `update(batch)`, which makes one update of this model by this optimizer and returns what the step does.

    Learning rates and other settings of the optimizer are read anew by each update; a checkpoint may be loaded at any
    time, and has the keys that it has without this file. For another model or optimizer make another update.
    `examples` are not needed by this recipe.
    """
{put_in}
    def update_as_raced(batch):
        return update(model, optimizer, {batch})

    return update_as_raced
'''

CAPTURED = '''
import logging
import weakref

import torch
from torch.utils import _pytree as pytree

watched = {{}}  # by model and optimizer: who watches them, and how the batches look that are captured
trace_whenever_asked = trace


def trace(model, optimizer, leaves, form, made_for):
    """Captures the update for a batch like one of the examples; for another one it is made as it is written."""
    watch, captured = watched[made_for[:2]]
    if what_counts(leaves) not in captured:
        returned = update_before_whole_graph(model, optimizer, pytree.tree_unflatten(leaves, form))
        for one in watch.optimizers:
            one.zero_grad(set_to_none=True)
        return returned
    others = [key for key in graphs if key[:2] == made_for[:2]]
    returned = trace_whenever_asked(model, optimizer, leaves, form, made_for)
    if watch.changed():  # by this update: graphs that were made before hold what it has replaced
        for key in others:
            del graphs[key]
        watch.look()
    return returned


def what_counts(leaves):
    """What a batch has to share with an example: sizes and dtypes."""
    return tuple((leaf.shape, leaf.dtype) for leaf in leaves)


def forget(key):
    """Drops the graphs of a model and an optimizer; returns how many there were."""
    old = [one for one in graphs if one[:2] == key]
    for one in old:
        del graphs[one]
    return len(old)


def make_update(model, optimizer, *examples):
    """Returns `update(batch)`, which makes one update of this model by this optimizer and returns what the step does.

    examples  batches of the usual size, one of each size that is usual. An update of such a batch is captured as a graph:
              the first or second one takes as long as the compiler needs. A batch of another size, say the last one
              of an epoch, is not captured, and its update is made as it is written.

    Learning rates are read anew by each update. All else is held by the graph: tensors by their address; numbers, modes
    and settings as constants. Where that has changed (a checkpoint was loaded into the optimizer, `model.eval()`,
    another weight decay, parameters replaced, a parameter group added) the update is captured anew, which takes as long again.
    RuntimeError where that would happen three times in a row. Python inside an update, such as a print, a counter or a
    hook, runs when the update is captured and not afterwards; gradients are not kept. Checkpoints have the keys that they
    have without this file. For another model or optimizer make another update.
    """
    if not examples:
        raise TypeError("Give an example of a batch of the usual size: make_update(model, optimizer, batch).")
{put_in}
    key, watch = (id(model), id(optimizer)), Watch(model, optimizer)
    forget(key)  # of others that have gone, and whose places in memory these have taken
    watched[key] = watch, {{what_counts(pytree.tree_leaves({example})) for batch in examples}}
    in_a_row = 0

    def update_as_raced(batch):
        nonlocal in_a_row
        if changed := watch.changed():
            in_a_row += bool(forget(key))
            if in_a_row == 3:
                in_a_row = 0
                raise RuntimeError(
                    f"Before each of the last three updates something has changed that a captured update holds as it was, "
                    f"now {{' and '.join(changed[:3])}}: leave it unchanged (a schedule that moves betas or momentum too: "
                    "cycle_momentum=False), or train without this file."
                )
            logging.getLogger(__name__).info("The update is captured anew: %s has changed.", " and ".join(changed[:3]))
            watch.look()
        elif in_a_row:
            in_a_row = 0
        return update(model, optimizer, {batch})

    def end():
        forget(key)
        del watched[key]

    weakref.finalize(update_as_raced, end).atexit = False
    return update_as_raced
'''


def given(reads: Collection[str]) -> Iterator[str]:
    """What stands for the functions of a step's file that a patch reads: each returns what make_update was given."""
    functions = [FUNCTIONS[name].strip() for name in GIVEN if name in reads]
    if functions:
        yield "\n\n\n".join([HOLDER.strip(), *functions])


def process(lines: str) -> str:
    """A function of the lines that set something for the whole process; their imports stand above it."""
    tree = ast.parse(lines)
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = [line for line in lines.splitlines() if line.strip() and line.strip() not in imports]
    return "\n".join([*imports, "", PROCESS.format(lines=indent("\n".join(rest), " " * 4)).strip()])


def make_update(changed: Collection[str], captured: bool) -> Iterator[str]:
    """The last lines of a module: `make_update`, and what it needs.

    changed   those of GIVEN that the patch changes
    captured  whether the whole update is a graph, so that what it holds must be watched
    """
    put_in = ""
    if {"model", "optimizer"} & set(changed):
        yield PUT_IN.format(
            model="model()" if "model" in changed else "given_model",
            optimizer="optimizer(made)" if "optimizer" in changed else "given_optimizer",
        ).strip()
        put_in = "    model, optimizer = put_in(model, optimizer)\n"
    if "optimizer" in changed:
        put_in += AFTER_LOADING
    batch, example = "batch", "batch"
    if "batches" in changed:
        yield LAID_OUT.strip()
        batch = example = "laid_out(batch)"
    if captured:
        yield _watch()
        yield CAPTURED.format(put_in=put_in, batch=batch, example=example).strip()
    else:
        yield EAGER.format(put_in=put_in, batch=batch).strip()


def _watch() -> str:
    """The class that watches, as its file has it."""
    text = WATCH.read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    return "\n".join(text.splitlines()[docstring.end_lineno :]).strip()
