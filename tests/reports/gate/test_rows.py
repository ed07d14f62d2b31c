"""The arms of a gate in order, and their names."""

import pytest

from reports.gate.rows import cut, rows
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import clocked, found, gate, of
from tests.reports.records import arm


def test_what_stops_the_merge_comes_first() -> None:
    """Then the gravest word, and of one word the slowest."""
    slow, slower = found("ok", "linear/a", clocked(0.001)), found("ok", "linear/b", clocked(0.02))
    order = [row.found for row in rows(of("regressed", slow, verdicts.OPEN, slower, verdicts.FAILED))]
    assert order == [verdicts.FAILED, verdicts.OPEN, slower, slow]
    both = of("regressed", verdicts.WRONG_ON_BOTH, verdicts.FAILED)
    assert [row.found for row in rows(both)] == [verdicts.FAILED, verdicts.WRONG_ON_BOTH]
    words = [row.found.word for row in rows(gate())]
    assert words[:4] == ["regressed", "regressed", "wrong", "failed"]
    assert words[-1] == "identical"


def test_arms_of_one_name_are_told_apart() -> None:
    """A name that two have gets the workload and the coordinates beside it; one that is alone stays short."""
    twice = (found("ok", arm("linear/c")), found("ok", arm("linear/c", threads=2)), found("ok", "linear/jax"))
    assert {row.name for row in rows(of("ok", *twice))} == {
        "linear/line linear/c cpu eager",
        "linear/line linear/c cpu eager threads 2",
        "linear/jax cpu eager",
    }


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_a_text_is_cut_and_tame(text: str) -> None:
    """No line of it can begin with a workflow command, none steers a terminal, and it is not long."""
    said = cut(text)
    assert said.isprintable()
    assert len(said) <= 600
    assert not any(word.startswith("::") for word in said.split())
    assert "##[" not in said
