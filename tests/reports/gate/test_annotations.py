"""A gate as workflow commands of GitHub."""

import re

import pytest
from msgspec.structs import replace

from reports.gate import annotations
from reports.gate.summary import report_of
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import HEAD, clocked, found, of, report

COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^:,]*,?)+)::(.*)")


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Level, properties and message of each line, parsed as the runner of GitHub does."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        level, properties, message = match.groups()
        values = dict(part.split("=", 1) for part in properties.split(","))
        found.append((level, {name: plain(value) for name, value in values.items()}, plain(message)))
    return found


def plain(text: str) -> str:
    """What the runner makes of an escaped text."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_a_regression_is_an_error_at_its_file() -> None:
    """Level, file below the folder of the head, title, and a message that says how to repeat it."""
    ((level, properties, message),) = commands(
        annotations.render(report("regressed", head=replace(HEAD, folder="benchmarks")))
    )
    assert level == "error"
    assert properties == {"file": "benchmarks/impls/linear/manual.py", "title": "linear/manual cpu eager: regressed"}
    assert message.startswith(
        "linear/manual cpu eager is slower by 7.3 %, 95 % interval 5.0 to 9.6; confirmed by fresh"
    )
    assert "\nAgain: python -m bench gate --base 0123456789ab " in message


def test_levels_follow_the_verdict() -> None:
    """What stops the merge or was not measured is an error, unresolved a warning, improved a notice; the rest is silent."""
    by_level: dict[str, list[str]] = {}
    for level, properties, _ in commands(annotations.render(report())):
        by_level.setdefault(level, []).append(properties["title"].rpartition(" ")[2])
    assert by_level == {
        "error": ["regressed", "regressed", "wrong", "failed", "unmeasured", "missing"],
        "warning": ["unresolved"],
        "notice": ["improved", "improved"],
    }
    assert annotations.render(report("nothing to race")) == ""


def test_a_missing_arm_points_at_no_file() -> None:
    """There is no file on the head to point at, and nothing to repeat."""
    ((_, properties, message),) = commands(annotations.render(report("missing")))
    assert "file" not in properties
    assert "Again" not in message


def test_a_veto_is_one_warning() -> None:
    """Where no measured time is believed, no arm is annotated for its time."""
    ((level, _, message),) = commands(annotations.render(report("veto")))
    assert level == "warning"
    assert message.startswith("the controls, identical on both sides, differ by 2.34 %: no measured time is believed")


def test_a_veto_does_not_hide_what_no_clock_has_found() -> None:
    """A wrong answer is an error whatever the controls say."""
    levels = [
        level
        for level, _, _ in commands(
            annotations.render(report_of(of("regressed", verdicts.WRONG, controls=verdicts.LOUD)))
        )
    ]
    assert levels == ["warning", "error"]


def test_there_are_no_more_than_are_shown() -> None:
    """GitHub shows ten of a level for each step: the tenth says how many more there are."""
    many = [found("regressed", f"linear/a{number}", clocked(0.05), stops=True) for number in range(30)]
    lines = commands(annotations.render(report_of(of("regressed", *many))))
    assert len(lines) == 10
    assert lines[-1][1]["title"] == "21 more"


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_text_makes_no_second_command(text: str) -> None:
    """Each command is one line and has no properties but its own, whatever the texts hold."""
    said = annotations.render(verdicts.hostile(text))
    assert len(said.splitlines()) == 5
    for _, properties, message in commands(said):
        assert set(properties) <= {"file", "title"}
        assert "%0A::" not in message or "%0A::" in text


@pytest.mark.parametrize(
    ("text", "data", "part"),
    [("a%b", "a%25b", "a%25b"), ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"), ("a:b,c", "a:b,c", "a%3Ab%2Cc"), ("%0A", "%250A", "%250A")],
)  # fmt: skip
def test_the_escaping_is_githubs(text: str, data: str, part: str) -> None:
    """Per cent signs first, then line ends; in properties colons and commas too."""
    assert annotations.command("error", text, text, text) == f"::error file={part},title={part}::{data}"
