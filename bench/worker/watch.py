"""Watches training as the tutorial does, by reading the loss or redrawing its picture. This is timed, on purpose."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from impls.contract import Implementation, Task, Watchable

if TYPE_CHECKING:
    from torch import Tensor

FRAMES = 125  # kept at most: those of the tutorial's 10 000 updates, watched every 80

Look = Callable[[], None]


def advance_and_look(arm: Implementation, updates: int, every: int, look: Look | None) -> None:
    """Makes updates, and looks after every so many: the tutorial's loop, seen from outside."""
    if look is None:
        arm.advance(updates)
        return
    for done in range(0, updates, every):
        arm.advance(min(every, updates - done))
        if updates - done >= every:
            look()


def loss_reader(arm: Implementation, task: Task, workload: Watchable) -> Look:
    """A look that brings the loss to the host as a number: one forward pass and, on a GPU, one wait for the queue."""

    def look() -> None:
        float(workload.total_loss(task.data, arm.weights()))

    return look


class Painter:
    """Redraws the tutorial's picture: the data, the line in red, the loss as text.

    live    in a window on the screen where there is one; else in memory
    frames  while it is a list, frames are kept in it; `save` writes them
    """

    def __init__(self, arm: Implementation, task: Task, workload: Watchable, *, live: bool) -> None:
        import matplotlib

        if not live:
            matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        self._plt = plt
        self.in_a_window = live and matplotlib.get_backend().lower() != "agg"
        if self.in_a_window:
            plt.ion()
        self._arm, self._task, self._workload = arm, task, workload
        self._figure, self._axes = plt.subplots()
        self._x = task.data["x"][:, 0].cpu().numpy()
        self._y = task.data["y"].cpu().numpy()
        self.frames: list[NDArray[np.uint8]] | None = None

    def look(self) -> None:
        """Redraws once; with several features, over the first of them."""
        weights = self._arm.weights()
        line = self._on_host(self._workload.predict(self._task.data, weights))
        loss = float(self._workload.total_loss(self._task.data, weights))
        axes = self._axes
        axes.clear()
        axes.scatter(self._x, self._y)
        axes.plot(self._x, line, "r-", lw=5)
        axes.text(0.02, 0.94, f"loss = {loss:.4f}", transform=axes.transAxes, size=16, color="red")
        if self.in_a_window:
            self._plt.pause(0.001)
        else:
            self._figure.canvas.draw()
        if self.frames is not None and len(self.frames) < FRAMES:
            self.frames.append(np.array(self._figure.canvas.buffer_rgba()))  # type: ignore[attr-defined]

    def save(self, path: Path) -> None:
        """Writes the kept frames as a GIF that plays for about ten seconds and stops at the last one."""
        from PIL import Image

        images = [Image.fromarray(frame).convert("RGB") for frame in self.frames or []]
        size = images[-1].size if images else (0, 0)  # the window may have been resized
        images = [image.resize(size).quantize(16, dither=Image.Dither.NONE) for image in images]
        if images:
            images[0].save(path, save_all=True, append_images=images[1:], duration=80, optimize=True)

    @staticmethod
    def _on_host(values: "Tensor") -> Any:
        return values.detach().cpu().numpy()


def display_is_there(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether a window could be opened."""
    return bool(variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY"))
