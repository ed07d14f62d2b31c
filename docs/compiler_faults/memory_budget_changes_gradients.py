"""torch 2.13.0 computes other gradients of dropout, and the same loss, when it recomputes to save memory.

Exit status: 1 while it does, 0 once it does not.
"""

import torch
import torch._functorch.config
from torch import nn

torch.manual_seed(0)
first = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Dropout(0.5))
net = nn.Sequential(first, nn.Linear(64, 64), nn.GELU(), nn.Dropout(0.5), nn.Linear(64, 4))
x = torch.randn(32, 16)


def loss_and_gradients(run):
    torch.manual_seed(1)
    net.zero_grad()
    loss = run(x).square().mean()
    loss.backward()
    return loss.item(), torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


loss, gradients = loss_and_gradients(net)
with torch._functorch.config.patch(activation_memory_budget=0.5):
    other_loss, other_gradients = loss_and_gradients(torch.compile(net, options={"fallback_random": True}))
difference = ((other_gradients - gradients).norm() / gradients.norm()).item()
print(f"the loss is {loss:.6f}, compiled {other_loss:.6f}")
print(f"the gradients differ by {difference:.3g} of their size")
raise SystemExit(not difference < 1e-3)
