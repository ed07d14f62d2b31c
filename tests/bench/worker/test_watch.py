"""Watching: when there is a look, what it shows, and the files it leaves."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from PIL import Image

from bench.worker import watch
from impls.contract import Implementation, Watchable, catalogue
from impls.contract.task import Compiler, make_task
from tests.conftest import Checkout

Make = Callable[[Mapping[str, str]], Checkout]


class Counting:
    """Stands in for an implementation and records how it was called."""

    def __init__(self) -> None:
        self.calls: list[int | str] = []

    def advance(self, updates: int) -> None:
        """Records the call."""
        self.calls.append(updates)


@pytest.mark.parametrize(
    ("updates", "every", "calls"),
    [
        (240, 80, [80, "look", 80, "look", 80, "look"]),
        (100, 80, [80, "look", 20]),
        (50, 80, [50]),
        (3, 1, [1, "look", 1, "look", 1, "look"]),
    ],
)
def test_a_look_follows_every_so_many_updates(updates: int, every: int, calls: list[int | str]) -> None:
    """Updates are cut at the looks, none is lost, and no look follows a remainder that is too short."""
    arm = Counting()
    watch.advance_and_look(arm, updates, every, lambda: arm.calls.append("look"))  # type: ignore[arg-type]
    assert calls == arm.calls


def test_an_unwatched_arm_is_called_once() -> None:
    """Without a look all updates go into one call, so that watching costs nothing where there is none."""
    arm = Counting()
    watch.advance_and_look(arm, 240, 80, None)  # type: ignore[arg-type]
    assert arm.calls == [240]


def built(features: int) -> tuple[Implementation, watch.Painter]:
    """A small regression, and its painter."""
    workload = catalogue.workloads()["linear/line"]
    assert isinstance(workload, Watchable)
    setting = workload.setting(rows=50, features=features, watch="draw")
    task = make_task(workload.problem(setting), setting, Compiler("eager"))
    arm = catalogue.load("linear/manual")(task)
    arm.reset()
    return arm, watch.Painter(arm, task, workload, live=False)


@pytest.mark.parametrize("features", [1, 3])
def test_the_picture_changes_as_training_goes_on(features: int) -> None:
    """Each look redraws: frames from different points of training differ, with one feature or several."""
    arm, painter = built(features)
    painter.frames = []
    for _ in range(2):
        arm.advance(500)
        painter.look()
    first, second = painter.frames
    assert (first != second).any()


def test_no_more_frames_are_kept_than_are_shown() -> None:
    """The memory for frames is bounded, however long the job."""
    _, painter = built(1)
    painter.frames = [np.zeros((1, 1, 4), np.uint8)] * watch.FRAMES
    painter.look()
    assert len(painter.frames) == watch.FRAMES


def test_a_watched_run_leaves_its_pictures(checkout: Make) -> None:
    """`--watch draw` leaves a GIF with a frame for each look; `loss` and `none` leave none, and all are rows."""
    place = checkout({})
    done = place.bench("run", "--workload=linear/five", "--effort=quick", "--updates=400", "--rounds=1",
                       "--implementation=linear/manual", "--reference=linear/manual", "--watch=none,loss,draw")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (picture,) = place.path.glob("results/*/pictures/*.gif")
    with Image.open(picture) as image:
        assert (5, (640, 480)) == (getattr(image, "n_frames", 1), image.size)
    assert "is drawing every 80 updates" in done.stdout
    for watched in ("loss every 80", "draw every 80"):
        assert watched in done.stdout
