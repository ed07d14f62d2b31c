"""torch 2.13.0 compiles these operations wrongly: looprace found it in compile_loss of alibi.py.

Exit status: 1 while it does, 0 once it does not.
"""

import torch


def f(a, b, c, d):
    e = a.transpose(-2, -1)
    g = b @ e
    h = g / 2.8284271247461903
    i = torch.add(h, c, alpha=-0.25)
    j = torch.softmax(i, dim=-1)
    return j @ d


torch.manual_seed(0)
a = torch.randn(8, 4, 16, 8, dtype=torch.float64)
b = torch.randn(8, 4, 16, 8, dtype=torch.float64)
c = torch.randn(16, 16, dtype=torch.float64)
d = torch.randn(8, 4, 16, 8, dtype=torch.float64)
with torch.no_grad():
    plain = f(a, b, c, d)
    compiled = torch.compile(f)(a, b, c, d)
difference = ((compiled - plain).norm() / plain.norm()).item()
print(f"as it is written  {plain.flatten()[:4].tolist()}")
print(f"compiled          {compiled.flatten()[:4].tolist()}")
print(f"the difference is {difference:.3g} of its size")
raise SystemExit(not difference < 1e-6)
