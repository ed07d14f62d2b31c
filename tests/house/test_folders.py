"""The size of files and folders, and the map of folders in the README."""

import re
from pathlib import Path

from tests.conftest import ROOT
from tests.house.map import rows, shown
from tests.house.source_tree import first_line, folders, sources

MOST_LINES = 400
MOST_FILES = 16
DOCUMENTS = ("README.md", "FLEET.md", "GATE.md", "REFEREE.md", "CONTRIBUTING.md")


def is_list_of_subjects(folder: str) -> bool:
    """Whether a folder is a list of what is raced, one file a way: it may be as long as there are ways."""
    return folder.startswith("impls/") and folder != "impls/contract"


def test_no_file_is_too_long() -> None:
    """No Python file of the project has more than MOST_LINES lines."""
    files = ["noxfile.py", *sources("impls", "bench", "reports", "tests")]
    lengths = {file: len((ROOT / file).read_text("utf-8").splitlines()) for file in files}
    assert {} == {file: length for file, length in lengths.items() if length > MOST_LINES}


def test_no_folder_has_too_many_files() -> None:
    """No folder of impls, bench and reports has more than MOST_FILES modules, but for lists of what is raced."""
    counts = {
        folder: len(list((ROOT / folder).glob("[a-z]*.py"))) for folder in folders() if not is_list_of_subjects(folder)
    }
    assert {} == {folder: count for folder, count in counts.items() if count > MOST_FILES}


def test_every_folder_says_what_it_holds() -> None:
    """Each folder's `__init__.py` begins with a docstring whose first line is a sentence that fits on the map."""
    lines = {folder: first_line(folder) for folder in folders()}
    assert {} == {folder: line for folder, line in lines.items() if not line.endswith(".") or len(line) > 120}


def test_the_map_in_the_readme_is_the_tree() -> None:
    """Each Python folder has its row, in the words of its docstring. `python -m tests.house.map` writes them anew."""
    assert shown() == rows()


def test_every_path_in_the_documents_exists() -> None:
    """Links to files of this repository, and paths of source files in backticks, lead somewhere."""
    missing = []
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        quoted = re.findall(r"`((?:impls|bench|reports|tests)/[\w/.-]+)`", text)
        paths = {path for path in (*links, *quoted) if "yours" not in path}
        missing += [f"{document}: {path}" for path in sorted(paths) if not (ROOT / Path(path)).exists()]
    assert missing == []
