"""A small step and the package that it imports, as a user's repository has them."""

STEP = '''"""A small regression."""

import torch
from mylib.nets import net


def model(hidden=16):
    return net(hidden)


def optimizer(model, lr=1e-3):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def batches(seed, batch=8):
    generator = torch.Generator().manual_seed(seed)
    while True:
        x = torch.randn(batch, 4, generator=generator)
        yield x, x.sum(1, keepdim=True)


def loss(model, batch):
    x, y = batch
    return ((model(x) - y) ** 2).mean()
'''
NETS = '''"""Networks."""

from torch import nn


class Net(nn.Sequential):
    """Two layers."""

    def forward(self, x):
        return super().forward(x)


def net(hidden):
    return Net(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 1))
'''
FILES = {"train/my_step.py": STEP, "src/mylib/__init__.py": "", "src/mylib/nets.py": NETS}
SLOW = NETS.replace(
    "        return super().forward(x)\n",
    "        end = time.perf_counter() + 300e-6\n"
    "        while time.perf_counter() < end:\n"
    "            pass\n"
    "        return super().forward(x)\n",
).replace("from torch import nn\n", "import time\n\nfrom torch import nn\n")
