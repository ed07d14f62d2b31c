"""What the doctor found, as people and programs see it: worst first, nothing lost, nothing that steers a terminal."""

import io
import json
from collections.abc import Sequence

import pytest
from rich.console import Console

from bench.results.finding import GRADES, Finding, Grade, Resolution
from reports import doctor

RESOLUTION = Resolution(
    change=0.0142,
    low=0.009,
    high=0.031,
    seconds=60.0,
    rounds=9,
    deviation=0.012,
    raced=5,
    ratio=(1.001, 0.99, 1.012),
)


def finding(grade: Grade, topic: str = "", **told: str) -> Finding:
    """A finding of that grade."""
    advice = {} if grade == "fine" else {"advice": f"mend {topic or grade}", "command": f"mend --{topic or grade}"}
    return Finding(
        **{"topic": topic or grade, "seen": f"seen {topic or grade}", "source": "/proc/x"} | advice | told, grade=grade
    )


def shown(findings: Sequence[Finding], resolution: Resolution | None = None, width: int = 100) -> str:
    """What the terminal shows."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for renderable in doctor.render(findings, resolution, width):
        console.print(renderable)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_the_worst_comes_first_each_under_its_glyph_and_word() -> None:
    """Whatever the order in which it was found."""
    text = shown([finding(grade) for grade in reversed(GRADES)])
    heads = [f"{doctor.GLYPHS[grade]} {doctor.WORDS[grade]}" for grade in GRADES]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    assert len(set(doctor.GLYPHS.values())) == len(GRADES)


@pytest.mark.parametrize("width", [30, 50, 100, 200])
def test_everything_that_was_found_is_shown_at_any_width(width: int) -> None:
    """Topic, what was seen, advice and command; no line is longer than the terminal is wide."""
    found = [finding("bad", "steal"), finding("caution", "other processes"), finding("fine", "memory")]
    text = shown(found, RESOLUTION, width)
    words = text.split()
    for each in found:
        for part in (each.topic, each.seen, each.advice, each.command):
            assert set(part.split()) <= {word.removesuffix(":") for word in words}
    assert max(map(len, text.splitlines())) <= width


def test_what_is_fine_has_nothing_to_be_done() -> None:
    """One line a topic, without arrow or command."""
    text = shown([finding("fine", "memory"), finding("fine", "swap")])
    assert ("→" in text, "$" in text) == (False, False)


def test_a_command_stands_as_it_is_typed() -> None:
    """Neither markup nor width changes it; a line of its own begins with a dollar sign."""
    text = shown([finding("bad", "boost", command="echo 0 | sudo tee /sys/[bold]/boost")])
    assert "$ echo 0 | sudo tee /sys/[bold]/boost" in text


def test_characters_that_steer_a_terminal_are_gone() -> None:
    """A process may call itself anything."""
    text = shown([finding("caution", "other processes", seen="they are \x1b[31mred\u202e and [red]more[/red]")])
    assert ("\x1b" in text, "\u202e" in text) == (False, False)
    assert "[red]more[/red]" in text


@pytest.mark.parametrize(
    ("grades", "said"),
    [
        (["bad", "bad", "fine"], "2 things are bad for measuring here (1 fine)."),
        (["bad", "caution"], "1 thing is bad for measuring here (1 to be careful with, 0 fine)."),
        (
            ["caution", "unknown"],
            "This machine can be measured on, with care (1 to be careful with, 1 cannot be known here, 0 fine).",
        ),
        (["fine", "fine"], "This machine is fit to measure on (2 fine)."),
    ],
)
def test_it_comes_to_one_sentence(grades: list[Grade], said: str) -> None:
    """The worst of all decides; the rest is counted."""
    found = [finding(grade) for grade in grades]
    assert said == doctor.verdict(found)
    assert said.split()[0] in shown(found).strip().splitlines()[-1]


def test_what_can_be_resolved_is_the_last_word() -> None:
    """ "a change of 1.4 % or more is visible in 60 s"."""
    text = " ".join(shown([finding("fine")], RESOLUTION).split())
    assert text.endswith("; a change of 1.4 % or more is visible in 60 s.")


def test_the_document_is_strict_json_and_complete() -> None:
    """Each finding with all of its parts, in the order of looking; numbers as numbers."""
    found = [finding("fine", "a"), finding("bad", "b"), finding("unknown", "c")]
    document = json.loads(json.dumps(doctor.document(found, RESOLUTION), allow_nan=False))
    assert {"format", "verdict", "counts", "findings", "resolution"} == set(document)
    assert ["a", "b", "c"] == [each["topic"] for each in document["findings"]]
    assert {"topic", "seen", "source", "grade", "advice", "command"} == set(document["findings"][0])
    assert {"bad": 1, "caution": 0, "unknown": 1, "fine": 1} == document["counts"]
    assert (0.0142, [1.001, 0.99, 1.012]) == (document["resolution"]["change"], document["resolution"]["ratio"])
    assert doctor.document(found)["resolution"] is None
