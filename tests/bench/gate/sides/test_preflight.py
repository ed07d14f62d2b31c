"""Real processes prove that each side runs its own code; each way in which it would not is refused."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.gate.sides import checkout, preflight
from bench.gate.sides.checkout import Prepared, SideError
from tests.bench.gate.projects import Project, whole
from tests.conftest import ROOT

TORCH = """
class Tensor: ...
class backends:
    class cpu:
        get_cpu_capability = staticmethod(lambda: "none")
"""


pytestmark = pytest.mark.usefixtures("forked_workers")


def hasten(target: Path, made: Prepared) -> None:
    """Puts a torch of a few lines at the root of every copy: the real one would only take time."""
    for copy in (*made.base.copies, *made.head.copies):
        (target / copy / "torch.py").write_text(TORCH, encoding="utf-8")


def hastened(original: Path, target: Path, made: Prepared) -> Path:
    """The same gate in another folder, with such a torch."""
    shutil.copytree(original, target, symlinks=True)
    hasten(target, made)
    return target


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that keeps its `impls` in benchmarks/, with one arm changed since."""
    made = whole(tmp_path_factory.mktemp("preflight") / "project", "benchmarks")
    arm = made.path / "benchmarks" / "impls" / "linear" / "manual.py"
    arm.write_text(arm.read_text(encoding="utf-8") + "\nimport msgspec\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def prepared(project: Project) -> tuple[Path, Prepared]:
    """The gate's folder and its sides; a test that changes files of a copy puts them back."""
    target = project.path.parent / "gate"
    return target, checkout.prepare(target, project=project.path, folder="benchmarks", base="HEAD")


def test_both_sides_are_proved_and_their_versions_told(prepared: tuple[Path, Prepared]) -> None:
    """The versions have Python, torch, numpy, the instructions of torch's kernels, and what only an arm of the head imports."""
    target, made = prepared
    found = preflight.proved(target, made)
    assert replace(found.base, versions={}) == made.base
    assert {"python", "torch", "numpy", "instructions"} <= set(found.base.versions)
    assert {name for name, _ in found.base.versions.items() ^ found.head.versions.items()} == {"msgspec"}
    assert "msgspec" in found.head.versions


def link_out(target: Path, made: Prepared, project: Path) -> str:
    """The `impls` of one copy of the head are a link to the working tree's."""
    impls = target / made.head.copies[1] / "benchmarks" / "impls"
    shutil.rmtree(impls)
    impls.symlink_to(project / "benchmarks" / "impls")
    return r"the head, the working tree, imports impls\S* from .*an installed copy or a link comes first"


def link_together(target: Path, made: Prepared, project: Path) -> str:
    """One file of the head is a hard link to the base's."""
    then, now = (target / each.copies[0] / "benchmarks/impls/contract/contract.py" for each in (made.base, made.head))
    now.unlink()
    now.hardlink_to(then)
    return r"the very same file, .*benchmarks/impls/contract/contract\.py"


def old_impls(target: Path, made: Prepared, project: Path) -> str:
    """The base lacks a file that this bench imports."""
    (target / made.base.copies[0] / "benchmarks/impls/contract/task.py").unlink()
    return r"the base, HEAD, .*impls\.contract\.task"  # not found, or found in a checkout that is installed for editing


def lacks_a_name(target: Path, made: Prepared, project: Path) -> str:
    """A file of the base's contract lacks a name that this bench imports, as an older one may."""
    coordinates = target / made.base.copies[0] / "benchmarks" / "impls" / "contract" / "coordinates.py"
    source = coordinates.read_text("utf-8")
    assert "def slug(" in source, "slug has moved: take another name away"
    coordinates.write_text(source.replace("def slug(", "def slug_of("), encoding="utf-8")
    for compiled in (coordinates.parent / "__pycache__").glob("coordinates*"):
        compiled.unlink()
    return r"the base, HEAD, .*this bench cannot measure its impls, .*; choose another revision, or copy impls/contract"


def missing_package(target: Path, made: Prepared, project: Path) -> str:
    """The head imports a package that is not installed."""
    arm = target / made.head.copies[0] / "benchmarks" / "impls" / "__init__.py"
    arm.write_text("import no_such_package\n", encoding="utf-8")
    for compiled in (arm.parent / "__pycache__").glob("__init__*"):
        compiled.unlink()
    return r"has no no_such_package, which \S+ imports: \S+ -m pip install no_such_package"


def ends_early(target: Path, made: Prepared, project: Path) -> str:
    """Importing the base ends the process."""
    arm = target / made.base.copies[1] / "benchmarks" / "impls" / "__init__.py"
    arm.write_text("import sys\nsys.exit('no thanks')\n", encoding="utf-8")
    for compiled in (arm.parent / "__pycache__").glob("__init__*"):
        compiled.unlink()
    return r"the base, HEAD, cannot be raced: .* ended with status 1 when .*: no thanks"


@pytest.mark.parametrize("spoil", [link_out, link_together, old_impls, lacks_a_name, missing_package, ends_early])
def test_sides_that_are_not_their_own_are_refused(
    prepared: tuple[Path, Prepared],
    project: Project,
    tmp_path: Path,
    spoil: Callable[[Path, Prepared, Path], str],
) -> None:
    """Links of both kinds, a contract that does not fit, a missing package and a process that ends are refused with a cure."""
    original, made = prepared
    target = hastened(original, tmp_path / "gate", made)
    said = spoil(target, made, project.path)
    with pytest.raises(SideError, match=said):
        preflight.proved(target, made)


def test_another_bench_is_refused(prepared: tuple[Path, Prepared], tmp_path: Path) -> None:
    """A `bench` from elsewhere than the instrument is refused."""
    original, made = prepared
    target = hastened(original, tmp_path / "gate", made)
    shutil.rmtree(target / "instrument" / "bench")
    (target / "instrument" / "bench").symlink_to(ROOT / "bench")
    with pytest.raises(SideError, match=r"imports bench\S* from .*, not from .*instrument"):
        preflight.proved(target, made)


def test_a_package_installed_from_the_project_itself_is_refused(
    project: Project, prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    """An editable install makes both sides run the working tree's package; where the copy comes first, it does no harm."""
    target, environment = tmp_path / "gate", tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "editable.pth").write_text("\n".join([*here, str(project.path / "python")]), encoding="utf-8")
    python = str(environment / "bin" / "python")
    own = {"python/mine.py": "", "benchmarks/impls/linear/manual.py": "import mine\n"}
    kept = (project.path / "benchmarks/impls/linear/manual.py").read_text(encoding="utf-8")
    project.write(own)
    try:
        made = checkout.prepare(target, project=project.path, folder="benchmarks", base="HEAD", head_python=python)
        hasten(target, made)
        with pytest.raises(SideError, match=r"the head, .* would import mine from .*project/python/mine\.py.* -e"):
            preflight.proved(target, made)
        project.write({"mine.py": ""})
        made = checkout.prepare(target, project=project.path, folder="benchmarks", base="HEAD", head_python=python)
        hasten(target, made)
        assert python == preflight.proved(target, made).head.python
    finally:
        project.write({"benchmarks/impls/linear/manual.py": kept})
        shutil.rmtree(project.path / "python")
        (project.path / "mine.py").unlink(missing_ok=True)


def test_an_interpreter_without_torch_is_refused(prepared: tuple[Path, Prepared], tmp_path: Path) -> None:
    """With the line that installs it there."""
    target, made = prepared
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "empty")], check=True)
    python = str(tmp_path / "empty" / "bin" / "python")
    origin = checkout.origin(target, replace(made.base, python=python), 0)
    with pytest.raises(SideError, match=f"{python} has no (torch|numpy|msgspec).*: {python} -m pip install"):
        preflight.survey(origin)
    gone = replace(made.base, python=str(tmp_path / "gone"))
    with pytest.raises(SideError, match="gone cannot be started"):
        preflight.survey(checkout.origin(target, gone, 0))
