"""Samples as figures and as files for other programs, whatever the functions are called."""

import json
from xml.etree import ElementTree

from bench.profiler import flame_graph

SVG = "{http://www.w3.org/2000/svg}"
STACKS = {
    "A.advance (impls/linear/a.py:3);backward (torch/_tensor.py:9)": 60,
    "A.advance (impls/linear/a.py:3);step (torch/sgd.py:5)": 30,
    "A.advance (impls/linear/a.py:4)": 10,
}


def widths(picture: str) -> dict[str, float]:
    """The width of each box of a flame graph, by its tooltip."""
    root = ElementTree.fromstring(picture)  # noqa: S314 - drawn by this test
    boxes = [(group.find(f"{SVG}title"), group.find(f"{SVG}rect")) for group in root.iter(f"{SVG}g")]
    return {
        str(title.text): float(box.get("width", 0)) for title, box in boxes if title is not None and box is not None
    }


def test_boxes_are_as_wide_as_their_share() -> None:
    """A function is as wide as its samples, including those of the functions that it called."""
    boxes = widths(flame_graph.svg(STACKS, "linear/a"))
    assert boxes["all samples: 100.0%"] == flame_graph.WIDTH
    assert boxes["A.advance (impls/linear/a.py:3): 90.0%"] == flame_graph.WIDTH * 0.9
    assert boxes["backward (torch/_tensor.py:9): 60.0%"] == flame_graph.WIDTH * 0.6
    assert boxes["A.advance (impls/linear/a.py:4): 10.0%"] == flame_graph.WIDTH * 0.1


def test_names_with_markup_stay_names() -> None:
    """A name with markup is text in the figure and no part of its structure."""
    hostile = "<lambda>&\"'</title><script>alert(1)</script> (impls/x.py:1)"
    root = ElementTree.fromstring(flame_graph.svg({hostile: 5}, "<b>title</b>"))  # noqa: S314 - drawn by this test
    assert [] == list(root.iter(f"{SVG}script"))
    assert any(hostile in (title.text or "") for title in root.iter(f"{SVG}title"))


def test_what_is_too_narrow_to_see_is_not_drawn() -> None:
    """Thousands of rare stacks do not make a large figure, and the common ones keep their place."""
    many = {f"f (impls/x.py:1);g{number} (y.py:1)": 1 for number in range(3000)} | {"f (impls/x.py:1);z (y.py:2)": 3000}
    picture = flame_graph.svg(many, "linear/x")
    assert len(picture) < 2000
    assert widths(picture)["z (y.py:2): 50.0%"] == flame_graph.WIDTH / 2


def test_speedscope_is_given_every_sample() -> None:
    """Each stack is a list of frames with a weight; frames have their file and line."""
    document = json.loads(flame_graph.speedscope(STACKS, "linear/a"))
    (profile,) = document["profiles"]
    frames = document["shared"]["frames"]
    assert profile["endValue"] == sum(profile["weights"]) == 100
    assert [frames[number]["name"] for number in profile["samples"][0]] == ["A.advance", "backward"]
    assert frames[profile["samples"][0][0]] == {"name": "A.advance", "file": "impls/linear/a.py", "line": 3}
    assert json.loads(flame_graph.speedscope({"0x7f10": 1}, "x"))["shared"]["frames"] == [{"name": "0x7f10"}]


def test_folded_lines_can_be_read_again() -> None:
    """One line for each stack, with its samples at the end."""
    from bench.profiler.py_spy import parsed

    assert dict(parsed(flame_graph.folded(STACKS))) == STACKS


def test_equal_samples_give_equal_files() -> None:
    """Nothing depends on when or where it was drawn."""
    assert flame_graph.svg(STACKS, "a") == flame_graph.svg(dict(STACKS), "a")
