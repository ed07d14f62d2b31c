"""The margins of an arm: precedence, how a share is written, and what is refused."""

from pathlib import Path

import pytest

from bench.gate.rule.margins import read
from bench.results.gate import Margins
from bench.results.record import Arm
from impls.contract.catalogue import workloads
from impls.contract.setting import SettingError

TABLE = """
[tool.looprace.gate]
gate = "4%"
floor = "2%"
[tool.looprace.gate.arms."linear/*"]
gate = "6 %"
[tool.looprace.gate.arms."linear/manual"]
floor = 0.005
[tool.looprace.gate.arms."linear/manual cpu compile"]
gate = "0.09"
floor = "0%"
"""


def arm(implementation: str, mode: str = "eager") -> Arm:
    """An arm on the CPU."""
    return Arm(
        workload="linear/line", implementation=implementation, setting=workloads()["linear/line"].setting(mode=mode)
    )


def project(folder: Path, text: str) -> Path:
    """A pyproject.toml with this text."""
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder / "pyproject.toml"


def test_without_a_table_the_margins_are_those_of_the_gate(tmp_path: Path) -> None:
    """3 % and 1 %, whether there is no file, none was given, or it has no table."""
    for where in (None, tmp_path / "absent.toml", project(tmp_path, "[tool.other]\ngate = 1\n")):
        assert Margins(gate=0.03, floor=0.01) == read(where, None, None).of(arm("linear/manual"))


def test_the_last_pattern_that_matches_wins(tmp_path: Path) -> None:
    """A pattern matches implementation or name of an arm; what it leaves out comes from the table, not from other patterns."""
    rules = read(project(tmp_path, TABLE), None, None)
    assert Margins(gate=0.04, floor=0.02) == rules.of(arm("gradient/norm"))
    assert Margins(gate=0.06, floor=0.02) == rules.of(arm("linear/in_place"))
    assert Margins(gate=0.04, floor=0.005) == rules.of(arm("linear/manual"))
    assert Margins(gate=0.09, floor=0.0) == rules.of(arm("linear/manual", "compile"))


def test_what_is_typed_beats_every_table(tmp_path: Path) -> None:
    """A typed gate gets a floor of a third of it; a typed floor alone leaves each arm its gate."""
    where = project(tmp_path, TABLE)
    both, gate, floor = read(where, "1.5%", "0.2%"), read(where, "1.5 %", None), read(where, None, "0.03")
    for each in (arm("gradient/norm"), arm("linear/manual"), arm("linear/manual", "compile")):
        assert Margins(gate=0.015, floor=0.002) == both.of(each)
        assert gate.of(each).gate == 0.015
        assert gate.of(each).floor == pytest.approx(0.005)
    assert Margins(gate=0.06, floor=0.03) == floor.of(arm("linear/in_place"))


@pytest.mark.parametrize("said", ["3%", "3 %", " 3.0% ", "0.03", "3e-2"])
def test_a_share_may_be_written_in_these_ways(said: str) -> None:
    """A share is written with a per cent sign or as a fraction."""
    assert read(None, said, None).default.gate == 0.03


@pytest.mark.parametrize(
    ("gate", "floor", "words"),
    [
        ("3", None, 'gate 3 from the command line could be 3 % or 300 %: write "3%"'),
        ("-3%", None, "gate must be above 0"),
        ("0%", None, "gate must be above 0"),
        ("1001%", None, "at most 1000 %"),
        ("5000", None, "at most 1000 %"),
        ("nan", None, "gate must be above 0"),
        ("inf%", None, "gate must be above 0"),
        ("three", None, 'gate must be a share of time such as "3%"'),
        ("", None, "gate must be a share of time"),
        (None, "-1%", "floor must be at least 0 %"),
        (None, "3%", "floor must be below gate"),
        ("1%", "2%", "got floor 0.02 and gate 0.01 from the command line"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(gate: str | None, floor: str | None, words: str) -> None:
    """The message names what was given, where, and what is allowed."""
    with pytest.raises(SettingError) as caught:
        read(None, gate, floor)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[tool.looprace.gate]\ngates = '3%'",
            "[tool.looprace.gate] may give gate, floor, phases, memory, bits_lost, at_most, recipes, arms; got gates",
        ),
        (
            "[tool.looprace.gate.arms.'linear/*']\nmost = 3",
            '.arms."linear/*"] may give gate, floor, phases, memory, bits_lost, at_most; got most',
        ),
        ("[tool.looprace.gate]\narms = ['linear/*']", "must be tables such as"),
        ("[tool.looprace.gate.arms]\n'linear/*' = '5%'", "must be tables such as"),
        ("[tool.looprace]\ngate = '3%'", "gate in"),
        ("[tool.looprace.gate]\ngate = true", "got True"),
        ("[tool.looprace.gate]\nfloor = ['1%']", "floor must be a share of time"),
        ("[tool.looprace.gate.arms.'linear/*']\ngate = '0.5%'\nfloor = '1%'", "linear/*"),
        ("[tool.looprace", "cannot be read"),
    ],
)
def test_a_table_with_a_slip_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A table that cannot be read is refused, because its margins are not known."""
    with pytest.raises(SettingError) as caught:
        read(project(tmp_path, text), None, None)
    assert words in str(caught.value)


def test_a_pattern_that_matches_nothing_is_a_note(tmp_path: Path) -> None:
    """A pattern that matches no arm is noted and is no error; one that a later pattern overrides has matched."""
    rules = read(project(tmp_path, TABLE), None, None)
    assert () == rules.notes([arm("linear/manual"), arm("linear/manual", "compile")])
    (note,) = rules.notes([arm("linear/manual")])
    assert '"linear/manual cpu compile"' in note
    assert 3 == len(rules.notes([]))


def test_a_table_holds_limits_of_memory_answers_and_updates(tmp_path: Path) -> None:
    """An arm overrides what it names; budgets that are typed count before all others."""
    text = (
        '[tool.looprace.gate]\nphases = "9%"\nmemory = "5%"\nat_most = ["at most 5 ms", "2 GB"]\nrecipes = ["fused"]\n'
    )
    text += '[tool.looprace.gate.arms."linear/manual"]\nbits_lost = "any"\n'
    rules = read(project(tmp_path, text), at_most=("7 ms",))
    assert rules.recipes == ("fused",)
    margins = rules.of(arm("linear/manual"))
    assert (margins.seconds, margins.bytes, margins.memory, margins.bits_lost) == (0.007, 2_000_000_000, 0.05, None)
    assert margins.of_phase.gate == 3 * margins.of_phase.floor == 0.09
    assert rules.of(arm("linear/no_grad")).bits_lost == 2
    for slip, words in {
        "at_most = '5'": "got '5'",
        "bits_lost = -1": "bits_lost must be",
        "recipes = 1": "must be a list",
    }.items():
        with pytest.raises(SettingError, match=words):
            read(project(tmp_path, f"[tool.looprace.gate]\n{slip}\n"))
