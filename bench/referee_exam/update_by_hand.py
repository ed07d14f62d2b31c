"""Optimizers written by hand, as papers have them: another order of operations, the same update."""

from bench.referee_exam.patches import all_of, dense, each_optimizer, with_optimizers, with_option
from impls.recipe.live_step import LiveStep

ADAM_LINES = """
def by_hand(closure=None, one=one):
    with torch.no_grad():
        for group in one.param_groups:
            rate, (beta1, beta2) = group["lr"], group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state, gradient = one.state[parameter], parameter.grad
                state["step"] += 1
                count = float(state["step"])
                if isinstance(one, torch.optim.AdamW):
                    parameter.mul_(1 - rate * group["weight_decay"])
                else:
                    gradient = gradient + group["weight_decay"] * parameter
                first, second = state["exp_avg"], state["exp_avg_sq"]
                first.copy_(beta1 * first + (1 - beta1) * gradient)
                second.copy_(beta2 * second + (1 - beta2) * gradient * gradient)
                root = {root}
                parameter.sub_(rate * (first / (1 - beta1**count)) / root)


one.step = by_hand
"""
SGD_LINES = """
def by_hand(closure=None, one=one):
    with torch.no_grad():
        for group in one.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                change = parameter.grad + group["weight_decay"] * parameter
                if group["momentum"]:
                    buffer = one.state[parameter]["momentum_buffer"]
                    change = buffer.copy_(group["momentum"] * buffer + change)
                parameter.sub_(group["lr"] * change)


one.step = by_hand
"""


def not_amsgrad(step: LiveStep) -> str | None:
    """Only where Adam is the plain one."""
    return None if with_option("amsgrad")(step) else "it is the variant of Adam that is called AMSGrad"


ADAM = all_of(with_optimizers("Adam", "AdamW"), dense, not_amsgrad)
SGD = all_of(with_optimizers("SGD"), dense)


def adam_by_hand(root: str = "(second / (1 - beta2**count)).sqrt() + group['eps']") -> str:
    """Adam and AdamW (Kingma and Ba, 2015; Loshchilov and Hutter, 2019).

    root  what the first moment is divided by, in terms of `second`, `beta2`, `count` and `group`
    """
    return each_optimizer(ADAM_LINES.replace("{root}", root))


def sgd_by_hand() -> str:
    """Gradient descent with momentum and weight decay, without dampening."""
    return each_optimizer(SGD_LINES)
