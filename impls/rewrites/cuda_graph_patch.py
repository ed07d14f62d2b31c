"""The lines that capture the whole update in a CUDA graph, as they are pasted; `{rates}` depends on the step."""

PATCH = '''
import torch
from torch.utils import _pytree as pytree

update_before_cuda_graph = update
captured = {{}}  # by the shapes of a batch


def update(model, optimizer, batch):
    leaves, form = pytree.tree_flatten(batch)
    shapes = tuple((leaf.shape, leaf.stride()) for leaf in leaves)
    if shapes not in captured:
        return capture(model, optimizer, batch, shapes)
    graph, inputs, returned, rates = captured[shapes]
    for tensor, leaf in zip(inputs, leaves):
        tensor.copy_(leaf, non_blocking=True)
    for group, rate in rates:
        rate.fill_(group["lr"])
    graph.replay()
    return returned


def capture(model, optimizer, batch, shapes):
    """Makes one update beside the default stream, then captures the next one, which does not run it."""
    inputs, form = pytree.tree_flatten(pytree.tree_map(torch.clone, batch))
    optimizers = [one for one in pytree.tree_leaves(optimizer) if isinstance(one, torch.optim.Optimizer)]
    groups = [group for one in optimizers for group in one.param_groups]
    for one in optimizers:
        for state in one.state.values():
            if torch.is_tensor(state.get("step")):  # counted on the GPU: a capture cannot ask the CPU
                state["step"].data = state["step"].data.cuda()
    for group in groups:
        group.update({{"capturable": True}} if "capturable" in group else {{"fused": True, "foreach": False}})
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        first = update_before_cuda_graph(model, optimizer, batch)
    torch.cuda.current_stream().wait_stream(side)
    rates = {rates}
    values = [group["lr"] for group in groups]
    for group, rate in rates:
        group["lr"] = rate
    for group in groups:
        for parameter in group["params"]:
            parameter.grad = None  # made anew in the graph's own memory
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread may copy a batch meanwhile
        returned = update_before_cuda_graph(model, optimizer, pytree.tree_unflatten(inputs, form))
    for group, value in zip(groups, values):
        group["lr"] = value
    captured[shapes] = graph, inputs, returned, rates
    return first
'''

RATES = '[(group, torch.tensor(group["lr"], device="cuda", dtype=torch.{dtype})) for group in groups]'
