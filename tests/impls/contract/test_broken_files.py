"""The catalogue with files in it that cannot be read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from impls.contract import catalogue
from tests.bench.planted import planted
from tests.conftest import Checkout
from tests.impls.planted import RIGHT, plant, say

BROKEN = {
    "syntax": b"def broken(:\n",
    "indentation": b"if True:\nprint()\n",
    "unfinished": b'"""Never closed.\n',
    "failing": b'"""Fails."""\nraise RuntimeError("on import")\n',
    "absent": b'"""Needs much."""\nimport no_such_package\n',
    "empty": b"",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_hides_no_other(kind: str, tmp_path: Path) -> None:
    """A file that cannot be parsed or imported is listed itself, and every other one still is."""
    plant(tmp_path, f"linear/{kind}", BROKEN[kind])
    listed = say("from impls.contract import catalogue; print(*catalogue.implementations(), sep='\\n')", tmp_path)
    assert {*catalogue.implementations(), f"linear/{kind}"} == set(listed.split())


SHARED = {"syntax": b"def broken(:\n", "not utf8": '"""Zeilen für Zeilen."""\n'.encode("latin-1")}


@pytest.mark.parametrize("kind", SHARED)
def test_a_broken_shared_file_affects_only_what_imports_it(kind: str, tmp_path: Path) -> None:
    """Where a file that others import cannot be read, their entries name it; all other entries are as before."""
    plant(tmp_path, "linear/analytic", SHARED[kind])
    script = "from impls.contract import catalogue; print(*catalogue.implementations().values(), sep='\\n')"
    before = {name: str(entry) for name, entry in catalogue.implementations().items()}
    found = dict(zip(before, say(script, tmp_path).splitlines(), strict=True))
    spoiled = {name: entry for name, entry in found.items() if entry != before[name]}
    assert {"linear/analytic", "linear/views", "linear/loader_batches"} <= set(spoiled)
    assert not {"linear/manual", "linear/c", "linear/cuda_graph", "gradient/backward"} & set(spoiled)
    assert "cannot be read: " in spoiled.pop("linear/analytic")
    said = "cannot be read: it is built on impls/linear/analytic.py: "
    assert [] == [name for name, entry in spoiled.items() if said not in entry]


def test_files_that_import_each_other_hide_no_other(tmp_path: Path) -> None:
    """Two files that import each other can be read, and have fingerprints of their own."""
    plant(tmp_path, "linear/one", b"import impls.linear.two\n")
    plant(tmp_path, "linear/two", b"import impls.linear.one\n")
    script = (
        "from impls.contract import catalogue as c; "
        "print(c.entry('linear/one').fingerprint, c.entry('linear/two').fingerprint)"
    )
    assert len(set(say(script, tmp_path).split()) - {""}) == 2


def test_a_file_that_is_not_utf8_hides_no_other(tmp_path: Path) -> None:
    """A file in another encoding is listed itself, and every other one still is."""
    plant(tmp_path, "linear/latin", '"""Zeilen für Zeilen."""\n'.encode("latin-1"))
    listed = say("from impls.contract import catalogue; print(*catalogue.implementations(), sep='\\n')", tmp_path)
    assert set(catalogue.implementations()) <= set(listed.split())


@pytest.mark.parametrize("name", [".#manual.py", "gone.py"])
def test_a_dangling_link_hides_no_other(name: str, tmp_path: Path) -> None:
    """A link that leads nowhere, as an editor leaves beside an open file, hides no implementation."""
    plant(tmp_path, "linear/whole", RIGHT.encode())
    (tmp_path / "impls" / "linear" / name).symlink_to("someone@somewhere.4711")
    listed = say("from impls.contract import catalogue; print(*catalogue.implementations(), sep='\\n')", tmp_path)
    assert set(catalogue.implementations()) <= set(listed.split())


def test_a_file_that_cannot_be_parsed_says_where(tmp_path: Path) -> None:
    """The summary of an unreadable file names the error and the line."""
    plant(tmp_path, "linear/syntax", b"import os\ndef broken(:\n")
    script = "from impls.contract import catalogue; print(catalogue.implementations()['linear/syntax'].summary)"
    assert say(script, tmp_path) == "cannot be read: invalid syntax (syntax.py, line 2)"


def test_a_declaration_that_cannot_be_read_is_said_everywhere(
    checkout: Callable[[Mapping[str, str]], Checkout],
) -> None:
    """`list`, `check` and `run` print file, line and cure; the arm's row is a failure."""
    head = "class Planted(Implementation):\n"
    source = planted("chooses").replace(
        head, f"from impls.contract import Domain as choose\n{head}    domain = choose()\n"
    )
    place = checkout({"linear/chooses.py": source})
    sentence = (
        "the domain of Planted: `choose()` is not a Domain(...) that can be read without running the file; write it"
    )
    listed = {each["name"]: each for each in json.loads(place.bench("list", "--json").stdout)["implementations"]}
    assert sentence in listed["linear/chooses"]["complaint"]
    checked = place.bench("check", "linear/chooses", "--json")
    assert checked.returncode == 3
    assert sentence in checked.stdout
    chosen = ("--workload=linear/five", "--rounds=1", "--updates=5", "--implementation=linear/chooses")
    status, arms = place.arms(*chosen)
    assert (4, "failed") == (status, arms["linear/chooses eager"]["status"])
    assert sentence in arms["linear/chooses eager"]["reason"]
