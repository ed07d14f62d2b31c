"""A gate in the terminal and in the log of CI."""

import pytest
from rich.console import Console

from reports.gate import terminal
from reports.gate.summary import GateReport, report_of
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import KINDS, clocked, found, of, report


def screen(report: GateReport, width: int = 150) -> list[str]:
    """The lines that a terminal shows."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        for renderable in terminal.render(report, width):
            console.print(renderable)
    return capture.get().splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_the_headline_is_last(kind: str) -> None:
    """A log of CI ends with what was found."""
    blocks = "\n".join(line.rstrip() for line in screen(report(kind))).split("\n\n")
    assert " ".join(blocks[-1].split()) == report(kind).headline


def test_the_table_has_every_arm_that_was_not_left_out() -> None:
    """An arm a line, what stops the merge first; identical ones are named in a sentence."""
    lines = screen(report())
    (head,) = [at for at, line in enumerate(lines) if line.startswith("arm ") and "verdict" in line]
    table = lines[head + 1 : head + len(verdicts.EVERYTHING)]
    assert [line.split()[0] for line in table][:2] == ["linear/manual", "linear/compiled_forward"]
    assert table[0].split()[3:] == ["regressed", "+7.3", "%", "+5.0", "to", "+9.6", "%", "12", "-", "-"]
    assert all("linear/" in line for line in table)
    assert not any(line.startswith("linear/moments") for line in lines)


@pytest.mark.parametrize("width", [60, 100, 200])
def test_it_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal; columns that were left out are named."""
    lines = screen(report(), width)
    assert max(map(len, lines)) <= width
    assert ("no room here for" in " ".join(lines)) == (width < 200)


def test_it_says_what_to_type() -> None:
    """Commands repeat an arm in question and resume an undecided gate; there are none where all is well."""
    said = " ".join(screen(report("unresolved"), 300))
    assert "--implementation linear/autograd_grad --device cpu --mode eager" in said
    assert f"--resume {verdicts.RUN}" in said
    assert "python -m bench" not in " ".join(screen(report("ok")))


def test_a_crowd_does_not_scroll_the_rest_away() -> None:
    """Of very many arms some have a sentence; how many more there are is said."""
    many = [found("regressed", f"linear/a{number}", clocked(0.05), stops=True) for number in range(100)]
    lines = [line.strip() for line in screen(report_of(of("regressed", *many)))]
    assert "And 60 more: see summary.md." in lines
    assert sum("--implementation linear/a" in line for line in lines) == 3


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    """There is no escape sequence, no reversed text, no workflow command at the start of a line, and no endless output."""
    lines = screen(verdicts.hostile(text), 100)
    assert all(line.isprintable() for line in lines)
    (commands,) = [at for at, line in enumerate(lines) if "To repeat one arm" in line]
    assert commands < 200
    assert not any(line.lstrip().startswith("::") for line in lines[:commands])
