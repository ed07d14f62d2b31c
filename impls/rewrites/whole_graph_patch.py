"""The lines that make the whole update one graph, as they are pasted; three of them depend on the step."""

from typing import TYPE_CHECKING

from impls.recipe.update_patch import wrapped_update

if TYPE_CHECKING:
    from impls.recipe.live_step import LiveStep

PATCH = '''
import contextlib
from unittest import mock

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

update_before_whole_graph = update
compiler_options = {"size_asserts": False}  # a graph is used for batches of one shape only, so nothing need be checked
graphs = {}  # by what they were made for: a model and its optimizer, dtypes, the shapes of a batch


def update(model, optimizer, batch):
    leaves, form = pytree.tree_flatten(batch)
    shapes = ((leaf.shape, leaf.stride(), leaf.dtype) for leaf in leaves)
    made_for = (id(model), id(optimizer), torch.get_default_dtype(), *shapes)
    if made_for not in graphs:
        return trace(model, optimizer, leaves, form, made_for)
    run, rates = graphs[made_for]
    for group, rate in rates:
        rate.fill_(group["lr"])
    with torch.no_grad():
        return run(*leaves)


def trace(model, optimizer, leaves, form, made_for):
    """Makes one update, records each of its operations, and compiles the record."""
    optimizers = [one for one in pytree.tree_leaves(optimizer) if isinstance(one, torch.optim.Optimizer)]
    groups = [group for one in optimizers for group in one.param_groups]
    states = [state for one in optimizers for state in one.state.values()]
    for state in states:
        if torch.is_tensor(state.get("step")):  # 1 - beta ** step is computed in its dtype: float32 is too short
            state["step"].data = state["step"].data.double()
    rates = [(group, torch.tensor(group["lr"], dtype=torch.float64)) for group in groups]
    values = [dict(group) for group in groups]
    for group, rate in rates:  # the record must not hold today's learning rate and count of steps as constants
        traceable = {"lr": rate, "foreach": True, "fused": False, "capturable": True}
        group.update({name: value for name, value in traceable.items() if name in group})
    returned = []

    def recorded(*leaves):
        returned.append(update_before_whole_graph(model, optimizer, pytree.tree_unflatten(leaves, form)))
        return returned[-1]

    compiling = mock.patch("torch.compiler.is_compiling", return_value=True)  # optimizers then allow `capturable`
    quiet = mock.patch("torch.autograd.profiler.record_function", contextlib.nullcontext)  # it cannot be recorded
    try:
        with compiling, quiet:
            graph = make_fx(recorded, decomposition_table={torch.ops.aten.add.Tensor: add})(*leaves)
    finally:
        for group, before in zip(groups, values):
            group.update(before)
            for parameter in group["params"]:
                parameter.grad = None
    if len(states) == sum(len(one.state) for one in optimizers):  # else this update has just made the momenta
        compute_numbers_once(graph)
        for node in graph.graph.nodes:
            node.meta.clear()  # tensors of the trace: the compiler makes its own
        with torch.no_grad():
            graphs[made_for] = torch._inductor.compile(graph, leaves, options=compiler_options), rates
    return returned[0]


def compute_numbers_once(graph):
    """Makes the compiler store numbers that meet large tensors: else it computes them anew for each few elements."""

    def is_large(node):
        return any(torch.is_tensor(leaf) and leaf.numel() > 1000 for leaf in pytree.tree_leaves(node.meta.get("val")))

    for node in list(graph.graph.nodes):
        value = node.meta.get("val")
        users = [user for user in node.users if any(map(is_large, (user, *user.all_input_nodes)))]
        if node.op == "call_function" and torch.is_tensor(value) and value.dim() == 0 and users:
            with graph.graph.inserting_after(node):
                stored = graph.graph.call_function(torch.ops.aten.as_strided.default, (node, [], []))
            for user in users:
                user.replace_input_with(node, stored)


def add(a, b, *, alpha=1):
    """The compiler of torch 2.13 makes add(a @ b, c, alpha=k) an addmm and loses k, which is a weight decay."""
    return NotImplemented if alpha == 1 or not torch.is_tensor(b) else a + b * alpha
'''

CARRIED = """
carried = [{places}]  # an update replaces these: a graph must write into the old tensors
update_that_replaces = update


def update(model, optimizer, batch):
    before = [(module, name, getattr(module, name)) for module, name in places(model)]
    returned = update_that_replaces(model, optimizer, batch)
    for module, name, old in before:
        if old is not None:
            for tensor, new in zip(pytree.tree_leaves(old), pytree.tree_leaves(getattr(module, name))):
                tensor.copy_(new)
            setattr(module, name, old)
    return returned


def places(model):
    return [(model.get_submodule(path), name) for path, name in carried]

"""

FIRST = """
    if any(getattr(module, name) is None for module, name in places(model)):  # the first update makes them
        return update_before_whole_graph(model, optimizer, pytree.tree_unflatten(leaves, form))
"""


RECURRENT = """
    split = torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)  # so that recurrent modules are recorded in parts
    try:
        with compiling, quiet, split:
"""


def patch(step: "LiveStep") -> str:
    """The lines for this step."""
    from torch import nn

    text = wrapped_update(step) + PATCH
    if any(isinstance(part, nn.RNNBase) for module in step.modules.values() for part in module.modules()):
        text = text.replace("    try:\n        with compiling, quiet:\n", RECURRENT.lstrip("\n"))
    if step.facts.draws:  # so that the same numbers are drawn
        text = text.replace('"size_asserts": False}', '"size_asserts": False, "fallback_random": True}')
    if step.facts.replaced:
        places = dict.fromkeys(_place(step, name.removeprefix("attribute ")) for name in step.facts.replaced)
        carried = CARRIED.format(places=", ".join(f'("{path}", "{name}")' for path, name in places))
        text = text.replace(
            "update_before_whole_graph = update\n", f"{carried}\nupdate_before_whole_graph = update\n", 1
        )
        text = text.replace('record."""\n', f'record."""{FIRST}')
    return text


def _place(step: "LiveStep", name: str) -> tuple[str, str]:
    """The submodule and the attribute that hold a tensor of this name."""
    owners = [path for path, _ in step.model.named_modules() if not path or name.startswith(f"{path}.")]
    owner = max(owners, key=len)
    return owner, name[len(owner) :].strip(".").partition(".")[0]
