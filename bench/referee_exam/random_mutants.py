"""Mistakes in how a step draws random numbers, and other ways to draw that are right; all draw other numbers than the step.

Each changes what stands for dropout, for noise (`torch.randn_like`) or for the choice of actions (`torch.multinomial`), and
draws one number more in each update, so that no update can be compared with the plain step's by itself.

One of them is known to be missed: actions of a policy that has hardly learned, chosen by its probabilities to the power of 0.9,
which are nearly the same.
"""

from collections.abc import Callable

from bench.referee_exam.variation import Variation
from impls.recipe.live_step import LiveStep

CHANGED = '''
import types

import torch
from torch import nn
from torch.nn import functional as F

true = torch


def drop(x, p):
    return F.dropout(x, p)


def noise(x):
    return true.randn_like(x)


def choose(probabilities, count):
    return true.multinomial(probabilities, count)


def chosen(probabilities, numbers):
    """The actions that uniform numbers choose, by the sums of the probabilities before them."""
    return (probabilities.cumsum(1) < numbers).sum(1, keepdim=True).clamp(max=probabilities.shape[1] - 1)


def fours(numbers):
    """Each fourth number, four times."""
    return numbers.flatten()[::4].repeat_interleave(4)[: numbers.numel()].reshape(numbers.shape)


kept = {}

{lines}


class Dropped(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return drop(x, self.p)


model_before = model


def model(**parameters):
    made = model_before(**parameters)
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.Dropout):
                setattr(part, name, Dropped(child.p))
    return made


torch = types.SimpleNamespace(**vars(true))
torch.randn_like = noise
torch.multinomial = choose
update_before = update


def update(model, optimizer, batch):
    true.rand(1)  # so that all others are other ones
    return update_before(model, optimizer, batch)
'''


def _varied(name: str, lines: str) -> Variation:
    """A variation that puts other functions in the place of `drop`, `noise` or `choose`."""
    return Variation(name=name, patch=CHANGED.replace("{lines}", lines.strip()), applies=_of(lines), random=True)


def _of(lines: str) -> Callable[[LiveStep], str | None]:
    """Whether a step has what these lines change, in a sentence where it has not."""

    def applies(step: LiveStep) -> str | None:
        text = step.file.path.read_text()
        for function, needed in (("drop", "nn.Dropout("), ("noise", "randn_like("), ("choose", "multinomial(")):
            if f"def {function}(" in lines and needed not in text:
                return f"the step does not call {needed.removesuffix('(')}"
        return None if step.facts.draws else "the step draws no random numbers"

    return applies


RANDOM_MUTANTS: tuple[Variation, ...] = (
    _varied("dropout p x 0.9", "def drop(x, p):\n    return F.dropout(x, 0.9 * p)"),
    _varied(
        "masks identical in groups of four",
        "def drop(x, p):\n    return x * (fours(true.rand_like(x)) >= p) / (1 - p)",
    ),
    _varied(
        "another mask in the backward pass",
        """
class OtherMask(true.autograd.Function):
    @staticmethod
    def forward(context, x, p):
        context.p = p
        return F.dropout(x, p)

    @staticmethod
    def backward(context, gradient):
        return F.dropout(gradient, context.p), None


def drop(x, p):
    return OtherMask.apply(x, p)
""",
    ),
    _varied(
        "no mask in the backward pass",
        """
def drop(x, p):
    return x + (F.dropout(x, p) - x).detach()
""",
    ),
    _varied("one mask for all rows", "def drop(x, p):\n    return x * (true.rand_like(x[:1]) >= p) / (1 - p)"),
    _varied("dropout without its factor", "def drop(x, p):\n    return x * (true.rand_like(x) >= p)"),
    _varied(
        "a mask that is drawn once and kept",
        """
def drop(x, p):
    return x * kept.setdefault((x.shape, p), true.rand_like(x) >= p) / (1 - p)
""",
    ),
    _varied("noise x 1.05", "def noise(x):\n    return 1.05 * true.randn_like(x)"),
    _varied("variance of the noise x 1.1", "def noise(x):\n    return 1.1**0.5 * true.randn_like(x)"),
    _varied("variance of the noise x 0.9", "def noise(x):\n    return 0.9**0.5 * true.randn_like(x)"),
    _varied("noise identical in groups of four", "def noise(x):\n    return fours(true.randn_like(x))"),
    _varied("one noise for all rows", "def noise(x):\n    return true.randn_like(x[:1]).expand_as(x)"),
    _varied("noise of one sign", "def noise(x):\n    return true.randn_like(x).abs()"),
    _varied(
        "actions chosen by probabilities to the power of 0.9",
        "def choose(probabilities, count):\n    return true.multinomial(probabilities**0.9, count)",
    ),
    _varied(
        "the same numbers for the actions of each two moves",
        """
def choose(probabilities, count):
    numbers = kept.pop("numbers", None)
    if numbers is None:
        numbers = kept["numbers"] = true.rand(len(probabilities), 1)
    return chosen(probabilities, numbers)
""",
    ),
    _varied(
        "the likeliest action instead of one that is drawn",
        "def choose(probabilities, count):\n    return probabilities.argmax(1, keepdim=True)",
    ),
    _varied(
        "one number for the actions of all rows",
        "def choose(probabilities, count):\n    return chosen(probabilities, true.rand(1, 1))",
    ),
    _varied(
        "actions drawn by the same number in groups of four rows",
        "def choose(probabilities, count):\n    return chosen(probabilities, fours(true.rand(len(probabilities), 1)))",
    ),
)

RANDOM_LEGAL: tuple[Variation, ...] = (
    _varied("one number more is drawn before all others", ""),
    _varied(
        "dropout by uniform numbers", "def drop(x, p):\n    return x * (true.rand_like(x) >= p).to(x.dtype) / (1 - p)"
    ),
    _varied("dropout of rows in another order", "def drop(x, p):\n    return F.dropout(x.flip(0), p).flip(0)"),
    _varied(
        "dropout in two halves",
        "def drop(x, p):\n    return true.cat([F.dropout(half, p) for half in x.chunk(2)])",
    ),
    _varied("noise drawn column by column", "def noise(x):\n    return true.randn_like(x.t().contiguous()).t()"),
    _varied(
        "noise made of uniform numbers (Box and Muller)",
        """
def noise(x):
    size = (-2 * (1 - true.rand_like(x)).log()).sqrt()
    return size * (2 * true.pi * true.rand_like(x)).cos()
""",
    ),
    _varied(
        "noise by a generator of its own",
        """
def noise(x):
    generator = true.Generator().manual_seed(int(true.randint(2**31, (1,))))
    return true.randn(x.shape, generator=generator, dtype=x.dtype)
""",
    ),
    _varied("noise drawn in float64", "def noise(x):\n    return true.randn_like(x.double()).to(x.dtype)"),
    _varied(
        "actions by the largest of Gumbel's numbers",
        """
def choose(probabilities, count):
    return (probabilities.log() - (-true.rand_like(probabilities).log()).log()).argmax(1, keepdim=True)
""",
    ),
    _varied(
        "actions by sums of probabilities",
        "def choose(probabilities, count):\n    return chosen(probabilities, true.rand(len(probabilities), 1))",
    ),
)
