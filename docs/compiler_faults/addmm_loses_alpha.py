"""torch 2.13.0 compiles these operations wrongly: looprace found it in whole_graph of steps/conv_net.

Exit status: 1 while it does, 0 once it does not.
"""

import torch


def f(a, b, c):
    d = torch.mm(a, b)
    return torch.add(d, c, alpha=0.0005)


torch.manual_seed(0)
a = torch.randn(10, 32, dtype=torch.float64)
b = torch.randn(32, 128, dtype=torch.float64)
c = torch.randn(10, 128, dtype=torch.float64)
with torch.no_grad():
    plain = f(a, b, c)
    compiled = torch.compile(f)(a, b, c)
difference = ((compiled - plain).norm() / plain.norm()).item()
print(f"as it is written  {plain.flatten()[:4].tolist()}")
print(f"compiled          {compiled.flatten()[:4].tolist()}")
print(f"the difference is {difference:.3g} of its size")
raise SystemExit(not difference < 1e-6)
