"""A source is read, never run: what it says of itself, and its text whole."""

import pytest

from reports.html import source

TEXT = '''"""Does it fast.

And without a loss.
"""

import sys

class It:
    """By one pass."""

    def advance(self, updates):
        return "text"  # a comment
'''


def test_its_docstrings_are_what_it_says() -> None:
    """The module's and the class's, a paragraph each."""
    assert source.read(TEXT).says == ("Does it fast.", "And without a loss.", "By one pass.")


def test_its_text_is_whole_and_has_kinds() -> None:
    """All pieces together are the text; keywords, comments, strings and names are told apart."""
    found = source.read(TEXT)
    assert "".join(text for _, text in found.pieces) == TEXT
    kinds = {text.strip(): kind for kind, text in found.pieces}
    assert [kinds[text] for text in ("class", "# a comment", '"text"', "It")] == [
        "keyword",
        "comment",
        "string",
        "name",
    ]
    assert found.lines == len(TEXT.splitlines())


@pytest.mark.parametrize("text", ["def broken(:\n", "", "\0", "(" * 10_000, "x = '''never closed"])
def test_what_is_no_program_is_shown_all_the_same(text: str) -> None:
    """A text that cannot be parsed says nothing of itself."""
    found = source.read(text)
    assert found.says == ()
    assert "".join(piece for _, piece in found.pieces).strip() == text.strip()


def test_nothing_is_run() -> None:
    """Reading a program that would raise raises nothing."""
    assert source.read("'''Says.'''\nraise SystemExit(1)\n").says == ("Says.",)


@pytest.mark.parametrize("name", ["linear/manual", "gradient/by_hand", "planted", "a-b/c"])
def test_a_name_is_a_path_below(name: str) -> None:
    """Words with strokes between them."""
    assert source.is_name(name)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "a b", "a\0b", "a\n", ".hidden"])
def test_what_leads_elsewhere_is_no_name(name: str) -> None:
    """No dots, no spaces, nothing absolute."""
    assert not source.is_name(name)
