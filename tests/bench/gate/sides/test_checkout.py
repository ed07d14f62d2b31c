"""The two sides of a gate: the files that they hold, and that each process imports its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gate.sides import checkout
from bench.gate.sides.checkout import SideError
from bench.processes.worker_process import ROOT
from bench.results.gate import Side
from bench.results.store import StoreError, pretty
from tests.bench.gate.projects import SMALL, Project, branched, small


def files(target: Path, side: Side, copy: int = 0) -> dict[str, str]:
    """The texts of a copy by path, without compiled files."""
    place = target / side.copies[copy]
    found = (path for path in sorted(place.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One commit on main, and one more on the branch `work`, which is checked out."""
    return branched(tmp_path / "project")


def test_each_side_has_its_files_twice(project: Project, tmp_path: Path) -> None:
    """Both sides hold their commits, the copies of a side are equal, and the commits are recorded."""
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, base="main", head="work")
    assert SMALL == files(target, made.base, 0) == files(target, made.base, 1)
    assert (
        SMALL | {"impls/linear/manual.py": "STEP = 2\n"} == files(target, made.head, 0) == files(target, made.head, 1)
    )
    assert [project.git("rev-parse", name) for name in ("main", "work")] == [made.base.commit, made.head.commit]
    assert ("main", "work", "base", "head") == (made.base.name, made.head.name, made.base.role, made.head.role)
    assert made.base.digest != made.head.digest
    assert made.notes == ()


def test_paths_have_one_length_and_do_not_tell_the_side(project: Project, tmp_path: Path) -> None:
    """Four folders, 0 to 3, and over a few gates the base is found in more than one pair of them."""
    pairs = set()
    for number in range(8):
        made = checkout.prepare(tmp_path / str(number), project=project.path, base="main")
        assert {"sides/0", "sides/1", "sides/2", "sides/3"} == {*made.base.copies, *made.head.copies}
        pairs.add(made.base.copies)
        if len(pairs) > 1:
            return
    pytest.fail(f"the base was in {pairs} every time")


def test_all_copies_have_an_environment_of_one_size(tmp_path: Path) -> None:
    """Their PYTHONPATH is equally long, even where only the head has a src/; so are their working directories."""
    project = small(tmp_path / "project", {f"benchmarks/{name}": text for name, text in SMALL.items()})
    project.write({"src/own/__init__.py": ""})
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, folder="benchmarks/", base="main")
    origins = [checkout.origin(target, side, copy) for side in (made.base, made.head) for copy in (0, 1)]
    assert 4 == len({origin.variables["PYTHONPATH"] for origin in origins})
    assert 1 == len({len(origin.variables["PYTHONPATH"]) for origin in origins})
    assert 1 == len({len(str(origin.folder)) for origin in origins})
    head = target / made.head.copies[1]
    assert (target / "instrument", head / "benchmarks", head, head / "src") == origins[3].path
    assert head / "benchmarks" == origins[3].folder


def test_the_base_is_where_the_head_left_it(project: Project, tmp_path: Path) -> None:
    """What was merged into main meanwhile is not raced, and a note says where the base is."""
    left = project.git("rev-parse", "main")
    project.git("checkout", "--quiet", "main")
    project.commit({"impls/linear/manual.py": "STEP = 99\n"})
    made = checkout.prepare(tmp_path / "gate", project=project.path, base="main", head="work")
    assert left == made.base.commit
    assert (f"the base is {left[:9]}, where the head left main",) == made.notes
    assert "99" not in str(files(tmp_path / "gate", made.base))


def test_the_working_tree_is_raced_as_it_is(project: Project, tmp_path: Path) -> None:
    """Changed and new files are copied, deleted and ignored ones are not; links and executable files stay what they are."""
    project.commit({".gitignore": "*.log\n", "gone.py": "", "run": "#!/bin/sh\n"})
    project.write({"impls/linear/manual.py": "STEP = 3\n", "impls/linear/new.py": "", "noise.log": "", "ä b.py": ""})
    (project.path / "gone.py").unlink()
    (project.path / "run").chmod(0o755)
    (project.path / "link").symlink_to("run")
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, base="main")
    found = files(target, made.head, 1)
    assert {*SMALL, ".gitignore", "run", "link", "impls/linear/new.py", "ä b.py"} == set(found)
    assert "STEP = 3\n" == found["impls/linear/manual.py"]
    assert (target / made.head.copies[1] / "link").is_symlink()
    assert os.access(target / made.head.copies[1] / "run", os.X_OK)
    assert (True, None, "the working tree") == (made.head.changed, made.head.commit, made.head.name)


def test_a_clean_working_tree_is_its_commit(project: Project, tmp_path: Path) -> None:
    """A clean working tree has its commit and equals it to the byte; a new file is a change."""
    clean = checkout.prepare(tmp_path / "clean", project=project.path, base="main")
    committed = checkout.prepare(tmp_path / "committed", project=project.path, base="main", head="work")
    assert (False, committed.head.commit, committed.head.digest) == (
        clean.head.changed,
        clean.head.commit,
        clean.head.digest,
    )
    project.write({"new/file.txt": ""})
    assert checkout.prepare(tmp_path / "changed", project=project.path, base="main").head.changed


def test_a_gate_inside_the_project_is_no_part_of_it(project: Project) -> None:
    """Neither this gate's files nor those of one before are copied, or count as changes, though nothing ignores them."""
    for name in ("first", "second"):
        project.write({f"results/{name}/environment.json": "{}"})
        made = checkout.prepare(project.path / "results" / name, project=project.path, base="main")
        assert set(SMALL) == set(files(project.path / "results" / name, made.head))
        assert not made.head.changed
        (project.path / "results" / name / "environment.json").unlink()


def test_what_is_left_out_of_releases_is_raced(project: Project, tmp_path: Path) -> None:
    """A side is what a checkout is, although .gitattributes keeps `impls` out of archives and rewrites files in them."""
    stamped = "VERSION = '$Format:%H$'\n"
    project.commit({".gitattributes": "impls export-ignore\nstamp.py export-subst\n", "stamp.py": stamped})
    made = checkout.prepare(tmp_path / "gate", project=project.path, base="HEAD", head="HEAD")
    assert stamped == files(tmp_path / "gate", made.base)["stamp.py"]
    assert made.base.digest == made.head.digest


def test_everything_is_compiled_ahead_and_never_again(project: Project, tmp_path: Path) -> None:
    """All Python files are compiled but the one with an error, and imported without checking their sources."""
    project.commit({"impls/linear/broken.py": "def (:\n"})
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, base="main")
    for place in [target / "instrument", *(target / each for each in (*made.base.copies, *made.head.copies))]:
        sources = [path for path in place.rglob("*.py") if path.stem != "broken"]
        compiled = [path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc" for path in sources]
        assert len(sources) >= 5
        assert {b"\1\0\0\0"} == {path.read_bytes()[4:8] for path in compiled}  # by hash, and the hash is not checked


def test_bench_is_the_instruments_and_impls_the_sides(tmp_path: Path) -> None:
    """In a process of either side, though the side has a `bench` of its own and the checkout may be installed."""
    impostor = {"bench/__init__.py": "raise SystemExit('the wrong bench')\n", "bench/clock.py": ""}
    project = small(tmp_path / "project", SMALL | impostor)
    project.write({"impls/contract/contract.py": "LAW = 2\n"})
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, base="main")
    script = (
        "import json, bench.clock, impls.contract as c; print(json.dumps([bench.clock.__file__, c.__file__, c.LAW]))"
    )
    for side, law in ((made.base, 1), (made.head, 2)):
        for copy in (0, 1):
            origin = checkout.origin(target, side, copy)
            command, variables = [*origin.command, "-c", script], os.environ | origin.variables
            said = subprocess.run(command, cwd=origin.folder, env=variables, capture_output=True, text=True, check=True)
            own = str(target / side.copies[copy] / "impls" / "contract" / "__init__.py")
            assert [str(target / "instrument" / "bench" / "clock.py"), own, law] == json.loads(said.stdout)


def test_the_instrument_stays_what_it_was(tmp_path: Path) -> None:
    """It holds bench and reports without published results, and is copied only once."""
    place = checkout.instrument(tmp_path)
    assert (ROOT / "bench" / "worker" / "main.py").read_bytes() == (place / "bench" / "worker" / "main.py").read_bytes()
    assert (place / "reports" / "html" / "templates" / "page.css").is_file()
    assert not (place / "reports" / "published").exists()
    (place / "bench" / "worker" / "main.py").write_text("# as it was\n", encoding="utf-8")
    assert place == checkout.instrument(tmp_path)
    assert "# as it was\n" == (place / "bench" / "worker" / "main.py").read_text(encoding="utf-8")


def test_one_revision_in_two_environments(project: Project, tmp_path: Path) -> None:
    """With an interpreter of the base and no head, both sides are the base's files; a link to Python stays a link."""
    (tmp_path / "env").symlink_to(sys.executable)
    project.write({"impls/linear/manual.py": "STEP = 3\n"})
    made = checkout.prepare(tmp_path / "gate", project=project.path, base="work", base_python=str(tmp_path / "env"))
    assert made.base.digest == made.head.digest
    assert (made.base.commit, "work", False) == (made.head.commit, made.head.name, made.head.changed)
    assert [str(tmp_path / "env"), sys.executable] == [made.base.python, made.head.python]
    assert "both sides are work" in made.notes[0]


def test_sides_are_found_again_unless_their_files_changed(project: Project, tmp_path: Path) -> None:
    """A resumed gate refuses sides whose files have changed; compiled files do not count."""
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, base="main")
    with pytest.raises(StoreError, match=r"sides\.json cannot be read"):
        checkout.again(target)
    (target / "sides.json").write_bytes(pretty(made))
    assert made == checkout.again(target)
    shutil.rmtree(target / made.head.copies[1] / "impls" / "__pycache__")
    assert made == checkout.again(target)
    (target / made.head.copies[1] / "impls" / "contract" / "contract.py").write_text("LAW = 7\n", encoding="utf-8")
    with pytest.raises(SideError, match="the files of the head"):
        checkout.again(target)


def test_a_sides_own_rules_are_found(tmp_path: Path) -> None:
    """The pyproject.toml beside `impls` before the one at the root, and none where there is none."""
    project = small(tmp_path / "project", {f"benchmarks/{name}": text for name, text in SMALL.items()})
    project.commit({"pyproject.toml": ""})
    project.write({"benchmarks/pyproject.toml": ""})
    target = tmp_path / "gate"
    made = checkout.prepare(target, project=project.path, folder="benchmarks", base="main")
    copies = [target / side.copies[0] for side in (made.base, made.head)]
    assert [copies[0] / "pyproject.toml", copies[1] / "benchmarks" / "pyproject.toml"] == [
        checkout.pyproject(target, side) for side in (made.base, made.head)
    ]
    (copies[0] / "pyproject.toml").unlink()
    assert checkout.pyproject(target, made.base) is None
