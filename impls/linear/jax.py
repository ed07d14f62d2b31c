"""Peer: JAX, the whole loop as a fori_loop under jit."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import Tensor

from impls.contract import Domain, Implementation, Task


class Jax(Implementation):
    """One compiled program; the number of updates is an argument. JAX returns before it is done, so `advance` waits."""

    domain = Domain(modes={"eager": "standard"}, devices=("cpu",))

    def __init__(self, task: Task) -> None:
        self.task = task
        if task.setting.dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        data = {name: jnp.asarray(value.numpy()) for name, value in task.data.items()}
        order = None if task.order is None else jnp.asarray(task.order.numpy().astype(np.int32))
        self.run = jax.jit(partial(_run, step=task.step)), data["x"], data["y"], order

    def reset(self) -> None:
        start = self.task.start
        self.state = jnp.asarray(start["weight"].numpy()), jnp.asarray(start["bias"].numpy())
        self.done = 0

    def advance(self, updates: int) -> None:
        run, x, y, order = self.run
        first = self.done % (len(order) if order is not None else 1)
        self.state = jax.block_until_ready(run(x, y, order, first, first + updates, self.state))
        self.done += updates

    def weights(self) -> Mapping[str, Tensor]:
        weight, bias = (torch.from_numpy(np.array(value)) for value in self.state)
        return {"weight": weight, "bias": bias}


def _run(x: Any, y: Any, order: Any, first: Any, end: Any, state: Any, *, step: float) -> Any:
    def update(number: Any, state: Any) -> Any:
        weight, bias = state
        rows = None if order is None else order[number % len(order)]
        xs, ys = (x, y) if rows is None else (x[rows], y[rows])
        if x.shape[1] == 1:  # pointwise, so that both sums are taken in one pass over the data
            residual = xs[:, 0] * weight + (bias - ys)
            return weight - step * (residual * xs[:, 0]).sum(), bias - step * residual.sum()
        residual = xs @ weight + (bias - ys)
        return weight - step * (residual @ xs), bias - step * residual.sum()

    return jax.lax.fori_loop(first, end, update, state)
