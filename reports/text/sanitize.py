"""Makes text from records harmless: for a terminal, for Markdown and HTML, for a spreadsheet, for a log of CI.

Records may come from elsewhere: every string in them is shown as text, and as nothing else.
"""

import re
from typing import Any

LONGEST_REASON = 600  # characters; the log of its round has all of it
_LAYOUT = "\n\t"  # characters that are not printable, and may stand in a page
CELL_LAYOUT = "\t\r\n"  # the same in a quoted cell of a CSV file
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would evaluate a cell that begins with one of these
_MARKDOWN = (
    ("\\", "\\\\"),
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("|", "\\|"),
    ("`", "\\`"),
    ("*", "\\*"),
    ("[", "\\["),
    ("]", "\\]"),
    ("_", "\\_"),
)


def plain(text: str, keep: str = "") -> str:
    """The text with a space for each character that steers a terminal or turns the direction of writing.

    keep  characters to leave as they are although they are not printable
    """
    return text if text.isprintable() else "".join(c if c.isprintable() or c in keep else " " for c in text)


def html_value(value: Any) -> Any:
    """The value; a string without control characters. The template engine escapes the markup."""
    return plain(value, keep=_LAYOUT) if type(value) is str else value


def escape_markdown(text: str) -> str:
    """The text such that Markdown and HTML show it letter by letter."""
    for special, escaped in _MARKDOWN:
        text = text.replace(special, escaped)
    return plain(text)


def markdown_code(text: str) -> str:
    """The text as Markdown's code, between one more backtick than it has in a row."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{plain(text)}{pad}{fence}"


def markdown_block(text: str, language: str = "") -> list[str]:
    """The lines of the text as a block of Markdown's code, whatever backticks they hold."""
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return [f"{fence}{language}", *plain(text, keep=_LAYOUT).rstrip("\n").split("\n"), fence]


def csv_cell(cell: Any) -> Any:
    """The cell; a string such that no spreadsheet takes it for a formula."""
    if not isinstance(cell, str):
        return cell
    text = plain(cell, keep=CELL_LAYOUT)
    return "'" + text if text.startswith(FORMULA) else text


def one_line(text: str, most: int = LONGEST_REASON) -> str:
    """The text in one line of at most so many characters, without commands to the log of a CI service."""
    line = re.sub(r"(?<!\S)::", ": :", " ".join(plain(text).split())).replace("##[", "## [")
    return line if len(line) <= most else f"{line[: most - 1]}…"
