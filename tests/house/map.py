"""The README's map of folders, made from their docstrings. `python -m tests.house.map` writes it into the README."""

import re

from tests.conftest import ROOT
from tests.house.source_tree import first_line, folders

README = ROOT / "README.md"
TABLE = re.compile(r"(?<=\| folder \| what it holds \|\n\|---\|---\|\n)(?:\|.*\n)*")


def rows() -> list[str]:
    """A row of the table for each Python folder of the three packages."""
    return [f"| [`{folder}/`]({folder}) | {first_line(folder)} |" for folder in folders()]


def shown() -> list[str]:
    """The rows that the README has now."""
    table = TABLE.search(README.read_text(encoding="utf-8"))
    return table[0].splitlines() if table else []


def write() -> None:
    """Puts the rows into the README, in place of those it has."""
    table = "".join(f"{row}\n" for row in rows())
    README.write_text(TABLE.sub(lambda _: table, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
