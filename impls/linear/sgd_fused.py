"""nn.Linear and optim.SGD with fused=True: the whole optimizer step is one operation."""

from typing import ClassVar

from impls.contract import Domain
from impls.linear.nn_sgd import ModuleWithSGD


class Fused(ModuleWithSGD):
    """With only two parameters there is little to save."""

    domain = Domain(modes={"eager": "thorough", "compile": "thorough"})
    flavour: ClassVar = {"fused": True}
