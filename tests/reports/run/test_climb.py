"""What the report of a climb says: its steps, what each rewrite is worth, and the promise."""

import re

import pytest

from reports.json_document import document
from reports.run import climb_text, markdown
from tests.reports.climbs import BOTH, climb_report, climbed
from tests.reports.parsed import shown
from tests.reports.run.test_terminal import printed


def test_the_promise_is_that_of_the_last_race_and_of_the_first_start() -> None:
    """Half the time, proved once more; what it compiled when it was first raced is what it starts later."""
    (result,) = climb_report().races
    said = result.findings[0].text.replace("\N{THIN SPACE}", " ").replace("\N{NO-BREAK SPACE}", " ")
    assert re.match(rf"{re.escape(BOTH)} runs this step 2\.0\d? times as fast as you wrote it \(", said), said
    assert "it starts 9.00 s later and has caught up after 18 000 updates" in said
    assert [each.kind for each in result.findings].count("fastest") == 1
    assert result.step
    assert result.step.patch
    assert result.step.patch.text.startswith(f"# {BOTH}")


def test_each_step_up_has_its_gain() -> None:
    """Over the recipe before it, and over the plain step."""
    first, second = climbed().steps_up
    assert (first.added, second.added) == (("channels_last",), ("whole_graph",))
    assert first.change
    assert second.change
    assert second.row.ratio
    assert second.change.value == pytest.approx(0.5 / 0.75, rel=0.01)
    assert second.row.ratio.value == pytest.approx(0.5, rel=0.01)


def test_sentences_say_what_each_rewrite_is_worth_and_what_added_nothing() -> None:
    """Each rewrite left out once, and what was faster alone but not on top."""
    said = "\n".join(climb_text.remarks(climbed()))
    assert re.search(r"Without whole_graph an update takes 1\.[45]\d? \(.*\) times as long", said)
    assert re.search(r"Without channels_last an update takes 1\.[56]\d? \(.*\) times as long", said)
    assert re.search(r"Beside channels_last no faster: \+ fused \(1\.0\d? of its time, alone 0\.9\d+\)", said), said


def test_the_climb_is_in_every_report() -> None:
    """Terminal, Markdown, page and JSON."""
    report = climb_report()
    for text in (printed(report, 200), markdown.render(report).replace("\\", ""), shown(report).text):
        assert climb_text.HEADING in text
        assert "+ whole_graph" in text
        assert "Without channels_last" in text
    climb = document(report, "here")["races"][0]["climb"]
    assert climb["recipe"] == ["channels_last", "whole_graph"]
    assert climb["low"] < climb["ratio"] < climb["high"] < 1
    assert climb["pays_off_after"] == pytest.approx(18_000, rel=0.03)
    assert climb["singles"] == ["channels_last", "fused", "whole_graph", "checkpointing"]
    assert [each["rewrites"] for each in climb["left_out"]] == [["channels_last"], ["whole_graph"]]
    assert [each["recipe"] for each in climb["not_kept"]] == ["channels_last+fused"]
