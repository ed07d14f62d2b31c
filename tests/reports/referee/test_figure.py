"""The score of the referee as it is published: a table, a picture, and the numbers behind it."""

from bench.selfbench.referee_score import score
from reports.referee import figure, table
from tests.bench.selfbench.test_referee_score import PAPER


def test_the_table_tells_each_rules_errors() -> None:
    """Each rule has a line with both counts; each mutant one with the rules that call it equal."""
    text = table.render(score([PAPER]))
    assert "| looprace | 1 of 3 | 2 of 3 | 0.500 |" in text
    assert "| other | 1 of 3 | 1 of 3 | 0.100 |" in text
    assert "| mutant different 0.1 | 1 | 30.0 | other 1 |" in text
    assert "| steps/made\\_up | 1e-12 | 2e-12 | - | - | - | - |" in text
    assert "Of 1 the referee could say nothing." in text


def test_the_files_are_a_table_a_picture_and_its_numbers() -> None:
    """One row of the CSV for each variation of a step."""
    made = figure.files(score([PAPER]))
    assert set(made) == {"summary.md", "referee.svg", "referee.csv"}
    assert len(made["referee.csv"].decode().splitlines()) == 1 + 6
    assert b"legal variations refused" in made["referee.svg"]
