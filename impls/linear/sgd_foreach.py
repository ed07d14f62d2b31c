"""nn.Linear and optim.SGD with foreach=True: all parameters in one call each of the optimizer's operations."""

from typing import ClassVar

from impls.contract import Domain
from impls.linear.nn_sgd import ModuleWithSGD


class Foreach(ModuleWithSGD):
    """With only two parameters there is little to save."""

    domain = Domain(modes={"eager": "thorough", "compile": "thorough"})
    flavour: ClassVar = {"foreach": True}
