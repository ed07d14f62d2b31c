"""What an arm is made of: every file that can change its time, and no other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.gate.sides.dependencies import fingerprints, packages
from impls.contract import catalogue
from impls.contract.dependencies import differing
from tests.conftest import ROOT

ARM = ("linear/line", "linear/arm")
SIDE = {
    "impls/__init__.py": "",
    "impls/contract/__init__.py": "from impls.contract.contract import LAW\n",
    "impls/contract/contract.py": "LAW = 1\n",
    "impls/contract/setting.py": "",
    "impls/contract/schedule.py": "",
    "impls/contract/task.py": "from impls.contract import LAW\n",
    "impls/contract/catalogue.py": "",
    "impls/linear/__init__.py": "",
    "impls/linear/workload.py": "from impls.contract import LAW\n",
    "impls/linear/arm.py": "from impls.linear.near import near\n",
    "impls/linear/near.py": "def near():\n    from impls import far\n    return far\n",
    "impls/far.py": "FAR = 1\n",
    "impls/linear/other.py": "OTHER = 1\n",
    "impls/gradient/workload.py": "",
    "README.md": "",
}
WHOLE = {
    *(f"impls/{name}.py" for name in ("__init__", "far")),
    *(f"impls/contract/{name}.py" for name in ("__init__", "contract", "setting", "schedule", "task")),
    *(f"impls/linear/{name}.py" for name in ("__init__", "workload", "arm", "near")),
}


def side(root: Path, changes: Mapping[str, str] = SIDE) -> Path:
    """A folder of SIDE's files with these changes."""
    for name, text in {**SIDE, **changes}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_it_is_the_arm_its_workload_the_contract_and_what_they_import(tmp_path: Path) -> None:
    """Imports are followed any number of steps, also those in functions, with the files of packages; nothing else is."""
    assert WHOLE == set(fingerprints(side(tmp_path), *ARM))


@pytest.mark.parametrize(
    "changes",
    [
        {"README.md": "More to read.\n"},
        {"impls/far.py": "# why it is so far\n\nFAR  =   1  # as ever\n\n"},
        {"impls/linear/new.py": "NEW = 1\n"},
        {"impls/linear/other.py": "OTHER = 2\n"},
        {"impls/contract/catalogue.py": "def names(): ...\n"},
        {"impls/gradient/workload.py": "from impls.linear import arm\n"},
        {"bench/clock.py": "SLOW = True\n"},
    ],
)
def test_files_that_it_does_not_depend_on_change_nothing(tmp_path: Path, changes: dict[str, str]) -> None:
    """Such are documents, comments, layout, other arms, another family, the catalogue, and a `bench` of the side's own."""
    assert () == differing(fingerprints(side(tmp_path / "0"), *ARM), fingerprints(side(tmp_path / "1", changes), *ARM))


@pytest.mark.parametrize("path", sorted(WHOLE - {"impls/linear/arm.py"}))
def test_a_change_of_any_file_of_it_is_named(tmp_path: Path, path: str) -> None:
    """One line more in any of its files is seen, also in a file two imports away."""
    changed = {path: SIDE[path] + "MORE = 1\n"}
    assert (path,) == differing(
        fingerprints(side(tmp_path / "0"), *ARM), fingerprints(side(tmp_path / "1", changed), *ARM)
    )


def test_a_file_on_one_side_only_differs(tmp_path: Path) -> None:
    """Such are a file that the arm imports only now, and an arm that does not exist yet."""
    now = side(tmp_path / "1", {"impls/linear/arm.py": "from impls.linear.near import near\nimport impls.extra\n"})
    (now / "impls" / "extra.py").write_text("", encoding="utf-8")
    then = fingerprints(side(tmp_path / "0"), *ARM)
    assert ("impls/extra.py", "impls/linear/arm.py") == differing(then, fingerprints(now, *ARM))
    (now / "impls" / "linear" / "arm.py").unlink()
    assert "impls/linear/arm.py" in differing(then, fingerprints(now, *ARM))
    assert "impls/contract/contract.py" in fingerprints(now, *ARM)


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("from . import other", {"impls/linear/other.py"}),
        ("from .other import OTHER", {"impls/linear/other.py"}),
        ("from .. import far", {"impls/far.py"}),
        ("from ..far import FAR as F", {"impls/far.py"}),
        ("import impls.linear.other as o", {"impls/linear/other.py"}),
        ("from impls.linear.other import *", {"impls/linear/other.py"}),
        ("if 0:\n    import impls.far", {"impls/far.py"}),
        ("import importlib\nimportlib.import_module('impls.far')", {"impls/far.py"}),
        ("from importlib import import_module\nimport_module('.other', __package__)", {"impls/linear/other.py"}),
        ("import own", {"own/__init__.py"}),
        ("from own import deep", {"own/__init__.py", "own/deep/__init__.py", "own/helper.py"}),
        ("import own.deep.deeper", {f"own/{n}.py" for n in ("__init__", "deep/__init__", "deep/deeper", "helper")}),
        ("import in_src", {"src/in_src.py"}),
        ("import spaced.one", {"spaced/one.py"}),
        ("import torch, numpy.random, os.path", set()),
        ("import nothing.of_this, impls.not_there", set()),
        ("from bench import clock", set()),
    ],
)
def test_every_way_to_import_is_followed(tmp_path: Path, line: str, files: set[str]) -> None:
    """Absolute and relative imports, import_module, modules at the root and in src/; but never the side's own `bench`."""
    more = {
        "impls/linear/arm.py": line + "\n",
        "own/__init__.py": "",
        "own/deep/__init__.py": "from ..helper import HELP\n",
        "own/deep/deeper.py": "",
        "own/helper.py": "HELP = 1\n",
        "src/in_src.py": "",
        "spaced/one.py": "",
        "bench/clock.py": "",
    }
    assert files == set(fingerprints(side(tmp_path, more), *ARM)) - (WHOLE - {"impls/far.py", "impls/linear/near.py"})


def test_an_import_by_a_computed_name_depends_on_everything(tmp_path: Path) -> None:
    """It is better to race a cell for nothing than to take it for unchanged."""
    line = "import importlib\nname = 'oth' + 'er'\nimportlib.import_module(f'impls.linear.{name}')\n"
    then, now = (fingerprints(side(tmp_path / n, {"impls/linear/arm.py": line, "a/b.py": n}), *ARM) for n in "01")
    assert {name for name in SIDE if name.endswith(".py")} | {"a/b.py"} == set(now)
    assert ("a/b.py",) == differing(then, now)


def test_files_beside_the_folder_are_its_own_too(tmp_path: Path) -> None:
    """Where `impls` lies in a folder, packages at the project's root and in src/ count; paths start at the folder."""
    root = side(tmp_path / "benchmarks", {"impls/linear/arm.py": "import mine.loop\n"})
    for name in ("src/mine/__init__.py", "src/mine/loop.py", "impls/contract/contract.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    found = fingerprints(root, *ARM, top=tmp_path)
    assert {"../src/mine/__init__.py", "../src/mine/loop.py"} == {name for name in found if name.startswith("..")}


def test_a_file_that_is_no_python_is_known_by_its_bytes(tmp_path: Path) -> None:
    """Its arm fails, but the gate does not, and any change of the file counts."""
    texts = ["def (:\n", "def (: \n", "x = '''\n", "\0"]
    found = [fingerprints(side(tmp_path / str(n), {"impls/linear/arm.py": text}), *ARM) for n, text in enumerate(texts)]
    assert 4 == len({each["impls/linear/arm.py"] for each in found})
    assert differing(found[0], found[1]) == ("impls/linear/arm.py",)


def test_packages_are_what_the_arms_import_from_elsewhere(tmp_path: Path) -> None:
    """They are top-level names, without `impls` and `bench`."""
    files = {"impls/linear/arm.py": "import a.b\nfrom c import d\nfrom . import e\nfrom bench import f\n"}
    assert {"a", "c"} == packages(side(tmp_path, files))


def test_python_imports_nothing_of_the_side_that_is_not_in_it(tmp_path: Path) -> None:
    """Really imported, each arm of this checkout loads only files among its dependencies."""
    shutil.copytree(ROOT / "impls", tmp_path / "impls", ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        "import contextlib, importlib, json, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for each in [each for each in sys.modules if each.split('.')[0] == 'impls']: del sys.modules[each]\n"
        "    with contextlib.suppress(ImportError):\n"
        "        for each in ('impls.contract.task', f'impls.{name.partition(chr(46))[0]}.workload', f'impls.{name}'):\n"
        "            importlib.import_module(each)\n"
        "        files = [m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'impls']\n"
        "        print(json.dumps([name, files]))\n"
    )
    chosen = ("linear.c", "linear.loader_workers", "linear.compiled_optimizer", "gradient.by_hand", "linear.moments")
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *chosen],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = dict(json.loads(line) for line in done.stdout.splitlines())
    assert set(chosen) == set(told)
    for name, loaded in told.items():
        arm = name.replace(".", "/")
        found = fingerprints(tmp_path, f"{catalogue.family_of(arm)}/any", arm)
        assert {Path(file).relative_to(tmp_path).as_posix() for file in loaded} <= set(found)
