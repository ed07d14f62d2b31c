"""torch.compile around the model alone, as in most tutorials; loss, backward() and optimizer stay eager."""

from torch import Tensor

from impls.contract import Domain, Task
from impls.linear.nn_sgd import ModuleWithSGD


class CompiledForward(ModuleWithSGD):
    """One nn.Linear(1, 1) gives the compiler nothing to fuse: its product stays a call into the BLAS."""

    domain = Domain(modes={"compile": "thorough"})

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        forward = task.compile(lambda x: self.model(x))

        def loss(x: Tensor, y: Tensor) -> Tensor:
            found: Tensor = self.criterion(forward(x), y)
            return found

        self.loss = loss
