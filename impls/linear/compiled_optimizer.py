"""Two compiled regions: forward pass with the loss, and the optimizer's step; backward() stays between them."""

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


class CompiledOptimizer(ModuleWithSGD):
    """torch.compile breaks the graph inside `step` by design; with two parameters its guards cost more than it saves."""

    domain = Domain(modes={"compile": "thorough"})

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.step = task.compile(self.optimizer.step)
