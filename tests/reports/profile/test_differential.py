"""Comparing two profiled arms: the differences of their parts add up to the difference of their times."""

import json
import re

import pytest
from msgspec.structs import replace
from rich.console import Console

from reports.profile.attribution import Attribution
from reports.profile.differential import Differential, differential, document, markdown, sentence, terminal
from reports.profile.parts import PartName
from tests.reports.hostile import TEXTS
from tests.reports.profiles import INTERPRETER as INTERPRETED
from tests.reports.profiles import NN, US, Truth, attributed, profile
from tests.reports.records import ANALYTIC, MANUAL

MORE = (*NN, Truth("aten::neg", "forward", 2 * US, 28 * US, top=True), Truth("aten::mm", "forward", 1 * US))


def other() -> Attribution:
    """An arm with 30 µs of forward operations more, and 20 µs more of the interpreter."""
    return attributed(251 * US, MORE, INTERPRETED + 20 * US, ANALYTIC)


def compared() -> Differential:
    """The first arm, the second, and their operations."""
    profiles = (profile(MANUAL), profile(ANALYTIC, MORE, INTERPRETED + 20 * US))
    return differential(attributed(), other(), profiles)


def shown(found: Differential) -> str:
    """What the terminal shows."""
    console = Console(width=110, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        for renderable in terminal(found, 110):
            console.print(renderable)
    return capture.get()


def test_the_parts_add_up_to_the_difference() -> None:
    """The differences of the parts, the largest first, add up to the difference of the times."""
    found = compared()
    assert found.more == pytest.approx(51 * US)
    assert sum(change.more for change in found.parts) == pytest.approx(found.more)
    sizes = [abs(change.more) for change in found.parts]
    assert sizes == sorted(sizes, reverse=True)
    changes = {change.name: change.more / US for change in found.parts}
    assert changes["forward kernels"] == pytest.approx(28, abs=1.5)
    assert changes[PartName.INTERPRETER] == pytest.approx(20, abs=1.5)
    assert changes[PartName.BACKWARD_KERNELS] == pytest.approx(0, abs=1)


def test_operations_are_told_apart_by_their_part_where_they_occur_in_several() -> None:
    """An operation that only one of them has is 0 in the other; calls of both are known."""
    operations = {change.name: change for change in compared().operations}
    assert operations["aten::neg"].first == 0
    assert operations["aten::neg"].more == pytest.approx(30 * US)
    assert operations["aten::neg"].calls == (0, 1)
    assert {"aten::mm (backward)", "aten::mm (forward)"} <= set(operations)
    assert "aten::addmm" in operations


def test_the_sentence_names_what_most_of_it_is() -> None:
    """The sentence names what takes more and what takes less; the other way round the words change places."""
    said = sentence(compared())
    assert said.startswith("linear/analytic cpu eager takes 51.0 µs more than linear/manual cpu eager: 2")
    assert "more on forward kernels" in said
    back = sentence(differential(other(), attributed()))
    assert back.startswith("linear/manual cpu eager takes 51.0 µs less than linear/analytic cpu eager: 2")
    assert "less on interpreter" in back


def test_what_is_saved_elsewhere_is_told_too() -> None:
    """An arm without interpreter time and with a longer backward pass."""
    changed = tuple(
        Truth("aten::mm", "backward", 10 * US, 170 * US) if each.name == "aten::mm" else each for each in NN
    )
    said = sentence(differential(attributed(), attributed(270 * US, changed, INTERPRETED - 30 * US, ANALYTIC)))
    assert "more on backward kernels" in said
    assert re.search("; but (29.[89]|30.0) µs less on interpreter", said)


def test_an_arm_differs_from_itself_in_nothing() -> None:
    """Two arms that take the same can be compared."""
    found = differential(attributed(), attributed())
    assert sentence(found) == "linear/manual cpu eager and linear/manual cpu eager spend the same."
    assert all(change.more == 0 for change in found.parts)
    assert found.operations == ()


def test_screen_and_markdown_show_both_arms() -> None:
    """Terminal and Markdown have a table of parts and one of operations, with signed differences."""
    for said in (shown(compared()), "\n".join(markdown(compared()))):
        assert "operation, as the profiler saw it" in said
        assert "linear/manual cpu eager" in said
        assert "+30.0 µs" in said
    assert "0 → 1" in "\n".join(markdown(compared()))
    assert "operation" not in shown(differential(attributed(), other()))


def test_the_document_is_strict_json() -> None:
    """The document holds parts and operations of both arms, and the sentence."""
    found = json.loads(json.dumps(document(compared()), allow_nan=False))
    assert (found["first"], found["second"]) == ("linear/manual cpu eager", "linear/analytic cpu eager")
    assert sum(part["second"] - part["first"] for part in found["parts"]) == pytest.approx(found["more"])
    assert found["operations"][0]["calls"] == [0, 1]


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_names_stay_text(kind: str) -> None:
    """Names of arms and operations with braces, angles or escapes stay text."""
    hostile = replace(ANALYTIC, implementation=TEXTS[kind])
    operations = (*NN, Truth(TEXTS[kind], "forward", 90 * US))
    second = attributed(290 * US, operations, arm=hostile)
    found = differential(attributed(), second, (profile(MANUAL), profile(hostile, operations)))
    assert all(c.isprintable() or c == "\n" for c in shown(found))
    for line in markdown(found):
        assert all(c.isprintable() for c in line)
        assert "<" not in line.replace("&lt;", "")
