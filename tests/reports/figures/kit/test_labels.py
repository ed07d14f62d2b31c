"""Labels beside a plot: none over another, each as near to its line as possible, none too long."""

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure

from reports.figures.kit.labels import MOST, Label, name_ends, room, short, spread


@pytest.mark.parametrize("wanted", [[1.0, 1.0, 1.0], [0.0, 5.0, 5.1], [9.9, 9.95, 0.01], [5.0], []])
def test_names_keep_their_distance(wanted: list[float]) -> None:
    """No two places are nearer than the gap, all are within the room, and they keep their order."""
    places = spread(np.array(wanted), 1.0, 10.0)
    assert np.all(np.diff(np.sort(places)) >= 1.0 - 1e-9)
    assert np.all((places >= 0) & (places <= 10))
    assert list(np.argsort(places)) == list(np.argsort(wanted, kind="stable"))


def test_names_with_room_stay_where_they_are() -> None:
    """Places that are far enough apart are not moved."""
    np.testing.assert_allclose(spread(np.array([7.0, 1.0, 4.0]), 1.0, 10.0), [7.0, 1.0, 4.0])


def test_a_name_is_cut_and_tamed() -> None:
    """A name too long is cut visibly; control characters are taken out; other names stay as they are."""
    assert short("linear/c cpu eager") == "linear/c cpu eager"
    assert len(short("x" * 1_000)) == MOST
    assert short("x" * 1_000).endswith("…")
    assert short("a\u202eb\x1b") == "a b "


def test_longer_names_take_more_room() -> None:
    """The room grows with the longest name; without names it is the least."""
    assert room([]) < room(["short"]) < room(["short", "not so short"])


def test_each_name_stands_at_the_height_of_its_line() -> None:
    """On a logarithmic scale too, whatever order the labels come in."""
    axes = MatplotlibFigure(figsize=(8, 10)).add_axes((0, 0, 0.5, 1))
    axes.set(yscale="log", xlim=(0, 1), ylim=(1, 1_000))
    name_ends(axes, [Label(text, (1, at), {"color": "k"}) for text, at in (("ten", 10), ("hundred", 100))], 4, 10)
    found = {text.get_text(): text.get_position() for text in axes.texts}
    assert found["ten"][1] == pytest.approx(1 / 3)
    assert found["hundred"][1] == pytest.approx(2 / 3)
    assert min(x for x, _ in found.values()) > 1


def test_no_labels_are_no_names() -> None:
    """A plot without lines has nothing beside it."""
    axes = MatplotlibFigure().add_subplot()
    name_ends(axes, [], 4, 4)
    assert not axes.texts
