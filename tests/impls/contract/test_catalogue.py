"""What the catalogue finds, and what it knows of it without running a file."""

import importlib.util
from pathlib import Path

import pytest

from bench.runner.plan import EFFORTS
from impls.contract import catalogue
from impls.contract.catalogue import ROOT, Entry, UnknownNameError, fingerprint
from impls.contract.setting import DEVICES, MODES
from tests.impls.planted import RIGHT, plant, say


def test_a_path_is_a_name() -> None:
    """Every implementation is called by its path below impls/, without the ending, and knows its own name."""
    found = catalogue.implementations()
    assert list(found) == [entry.name for entry in found.values()]
    assert [name for name in found if not (ROOT / f"{name}.py").is_file()] == []


def test_every_implementation_file_is_found() -> None:
    """Every Python file of a family's folder is an implementation, but for workload.py, kernels.py and __init__.py."""
    files = {path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.rglob("*.py") if path.parent != ROOT}
    plain = {name for name in files if not name.endswith(("/workload", "/kernels", "/__init__"))}
    assert plain == set(catalogue.implementations())
    assert {"linear/nn_sgd", "linear/manual", "linear/numpy", "gradient/backward"} <= plain


def test_every_workload_file_is_found() -> None:
    """Every workload is found under its own name, in a family that has a folder."""
    found = catalogue.workloads()
    assert {"gradient/norm", "linear/five", "linear/line"} <= set(found)
    assert list(found) == [workload.name for workload in found.values()]
    assert [name for name in found if not (ROOT / name.partition("/")[0] / "workload.py").is_file()] == []


def test_every_reference_is_an_implementation_of_its_family() -> None:
    """Each workload's reference exists and can carry it out."""
    for workload in catalogue.workloads().values():
        assert workload.name.partition("/")[0] == catalogue.implementations()[workload.reference].family


def test_an_entry_tells_what_it_is_and_needs() -> None:
    """An entry carries the first line of the docstring and the packages it imports, this project's own aside."""
    entry = catalogue.implementations()["linear/numpy"]
    assert (entry.family, entry.needs) == ("linear", ("numpy", "torch"))
    assert entry.summary == "The same gradient in NumPy: what the job costs without PyTorch."


def test_one_entry_is_the_same_as_among_all() -> None:
    """An entry that is read by itself says what it says when all are read."""
    assert catalogue.implementations() == {name: catalogue.entry(name) for name in catalogue.implementations()}


def test_one_entry_is_had_without_reading_the_others(tmp_path: Path) -> None:
    """Of all implementations only the one that is asked for, and what it is built on, is read."""
    plant(tmp_path, "linear/syntax", b"def broken(:\n")
    script = (
        "import ast; from impls import catalogue; read, parse = [], ast.parse\n"
        "ast.parse = lambda text, name: read.append(name) or parse(text, name)\n"
        "catalogue.entry('linear/loader_batches'); print(*read)"
    )
    assert say(script, tmp_path) == "loader_batches.py loader.py analytic.py"


def test_every_file_is_read_once() -> None:
    """Reading the whole catalogue parses no file twice, however many are built on it."""
    script = (
        "import ast; from impls import catalogue; read, parse = [], ast.parse\n"
        "ast.parse = lambda text, name: read.append(text) or parse(text, name)\n"
        "catalogue.implementations(); print(len(read) > 40, len(read) - len(set(read)))"
    )
    assert say(script, ROOT.parent) == "True 0"


def test_reading_the_catalogue_loads_no_torch() -> None:
    """Listing implementations and workloads leaves torch unloaded, so that `list` and `--help` answer at once."""
    script = (
        "import sys; from impls import catalogue; catalogue.implementations(); catalogue.workloads(); "
        "[entry.missing() for entry in catalogue.implementations().values()]; print('torch' in sys.modules)"
    )
    assert say(script, ROOT.parent) == "False"


def test_a_missing_package_is_answered_with_the_install_line(tmp_path: Path) -> None:
    """An implementation whose package is not installed names it and the command that installs it."""
    plant(tmp_path, "linear/absent", b"import no_such_package\n")
    script = "from impls import catalogue; print(catalogue.implementations()['linear/absent'].missing())"
    assert say(script, tmp_path) == "needs no_such_package: pip install no_such_package"


def test_several_missing_packages_are_named_at_once() -> None:
    """Everything that is missing is in one sentence and one command."""
    entry = Entry("linear/absent", "", ("no_such_one", "no_such_two", "numpy"), "")
    assert entry.missing() == "needs no_such_one and no_such_two: pip install no_such_one no_such_two"


def test_the_install_line_names_the_package_not_the_module() -> None:
    """A package whose module has another name is installed by the package's name."""
    if importlib.util.find_spec("sklearn"):
        pytest.skip("scikit-learn is installed here")
    assert Entry("linear/peer", "", ("sklearn",), "").missing() == "needs scikit-learn: pip install scikit-learn"


def test_nothing_is_missing_where_all_is_installed() -> None:
    """An implementation that needs what is installed has no complaint."""
    assert None is Entry("linear/present", "", ("numpy", "torch"), "").missing()


def test_a_planted_file_is_loaded_without_registering(tmp_path: Path) -> None:
    """A file with one subclass of Implementation can be loaded by its path alone."""
    plant(tmp_path, "linear/planted", RIGHT.encode())
    assert say("from impls import catalogue; print(catalogue.load('linear/planted').__name__)", tmp_path) == "Planted"


@pytest.mark.parametrize(("more", "count"), [(b"\n\nclass Second(Planted):\n    pass\n", 2), (b"\n\ndel Planted\n", 0)])
def test_a_file_must_define_one_implementation(more: bytes, count: int, tmp_path: Path) -> None:
    """A file with no implementation, or with two, is refused with its name and the number that it defines."""
    plant(tmp_path, "linear/planted", RIGHT.encode() + more)
    script = "from impls import catalogue\ntry: catalogue.load('linear/planted')\nexcept TypeError as e: print(e)"
    expected = f"impls/linear/planted.py must define exactly one subclass of Implementation; it defines {count}."
    assert expected == say(script, tmp_path)


@pytest.mark.parametrize(
    "other",
    ["a = 1 # one\nb = [2, 3]\n", "# above\n\na = 1\n\n\nb = [2, 3]", "a=1\nb = [\n    2,  # two\n    3]\n"],
)
def test_a_fingerprint_ignores_comments_and_layout(other: str) -> None:
    """Comments, blank lines, spaces and line breaks inside brackets do not change a fingerprint."""
    assert fingerprint("a = 1\nb = [2, 3]\n") == fingerprint(other)


@pytest.mark.parametrize(
    "other",
    ["a = 2\nb = [2, 3]\n", "a = 1\nb = [3, 2]\n", "b = [2, 3]\na = 1\n", "a = 1\nif a:\n    b = [2, 3]\n", "a = 1\n"],
)
def test_a_fingerprint_changes_with_the_code(other: str) -> None:
    """A changed number, order, block or statement changes the fingerprint."""
    assert fingerprint("a = 1\nb = [2, 3]\n") != fingerprint(other)


def test_a_fingerprint_sees_where_a_statement_ends() -> None:
    """Code that differs only in where a statement ends is different code."""
    assert fingerprint("a = f\n(1)\n") != fingerprint("a = f(1)\n")


def test_a_fingerprint_sees_the_depth_of_a_block() -> None:
    """A statement moved out of a block changes the fingerprint."""
    assert fingerprint("for i in x:\n    f(i)\n    g(i)\n") != fingerprint("for i in x:\n    f(i)\ng(i)\n")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("linear/nn_sdg", "linear/nn_sgd"), ("linear/manul", "linear/manual"), ("nogrd", "linear/no_grad")],
)
def test_a_mistyped_implementation_is_answered_with_the_close_one(typed: str, meant: str) -> None:
    """A name that nothing has is refused with the name that comes closest."""
    with pytest.raises(UnknownNameError) as refusal:
        catalogue.match_implementations([typed])
    assert f"No implementation is called {typed!r}: did you mean {meant}?" in str(refusal.value)


@pytest.mark.parametrize("name", ["linear/manul", "linear/*", "linear/kernels", "linear/../linear/manual", ""])
def test_one_entry_is_asked_for_by_its_exact_name(name: str) -> None:
    """What is no implementation's name has no entry, were it a pattern, a file that is none, or a way around."""
    with pytest.raises(UnknownNameError, match="No implementation is called"):
        catalogue.entry(name)


def test_a_mistyped_workload_is_answered_with_the_close_one() -> None:
    """A workload's name with two letters swapped is answered with the right one."""
    with pytest.raises(UnknownNameError, match="No workload is called 'linear/lien': did you mean linear/line"):
        catalogue.choose_workloads(["linear/lien"])


def test_a_name_that_resembles_none_is_answered_with_all() -> None:
    """Where nothing comes close, every name there is is listed, and the command that shows them."""
    with pytest.raises(UnknownNameError) as refusal:
        catalogue.choose_workloads(["zzz"])
    assert ", ".join(catalogue.workloads()) in str(refusal.value)
    assert "`python -m bench list`" in str(refusal.value)


def test_patterns_choose_in_the_order_of_the_catalogue() -> None:
    """Shell patterns give each matching name once, in the catalogue's order, whatever the order of the patterns."""
    chosen = catalogue.match_implementations(["linear/n*", "linear/*", "gradient/backward"])
    everything = [name for name in catalogue.implementations() if name.startswith("linear/")]
    assert ["gradient/backward", *everything] == chosen


def test_a_pattern_of_another_family_chooses_nothing_there() -> None:
    """Patterns choose within one family; one that matches only elsewhere is no mistake."""
    assert catalogue.choose_implementations(["gradient/*"], "linear") == []
    assert "linear/manual" in [entry.name for entry in catalogue.choose_implementations(["*/manual"], "linear")]


DECLARING = b'''"""Declares."""
from impls.contract import Domain, Implementation

class Declaring(Implementation):
    work = "algorithmic"
    domain = Domain(modes={"compile": "thorough"}, devices=("cuda",), batches=("single",))
'''


def test_a_domain_is_read_without_running_the_file(tmp_path: Path) -> None:
    """What a file declares of itself is known although its packages may be missing."""
    plant(tmp_path, "linear/declaring", DECLARING + b"\nimport no_such_package\n")
    script = "from impls import catalogue; e = catalogue.implementations()['linear/declaring']; print(e.work, e.domain)"
    expected = "algorithmic Domain(modes={'compile': 'thorough'}, devices=('cuda',), batches=('single',))"
    assert expected == say(script, tmp_path)


def test_every_domain_says_what_the_class_says() -> None:
    """What the catalogue reads from the source is what the loaded class holds, for every implementation there is."""
    for name, entry in catalogue.implementations().items():
        if entry.missing() is None:
            kind = catalogue.load(name)
            assert (entry.domain, entry.work) == (kind.domain, kind.work), name


def test_every_domain_names_known_modes_and_efforts() -> None:
    """Modes, efforts, devices and kinds of batch are spelled as the settings spell them."""
    for name, entry in catalogue.implementations().items():
        domain = entry.domain
        assert domain.modes, name
        assert set(domain.modes) <= set(MODES), name
        assert set(domain.modes.values()) <= set(EFFORTS), name
        assert set(domain.devices) <= set(DEVICES), name
        assert set(domain.batches) <= {"full", "mini", "single"}, name


def test_a_domain_that_cannot_be_read_hides_nothing(tmp_path: Path) -> None:
    """A domain that is not made of literals is taken as the contract's own."""
    broken = DECLARING.replace(b'("cuda",)', b"tuple(everything)").replace(b'work = "algorithmic"', b"work = guess()")
    plant(tmp_path, "linear/declaring", broken)
    script = "from impls import catalogue; e = catalogue.implementations()['linear/declaring']; print(e.work, e.domain.devices)"
    assert "faithful ('cpu', 'cuda')" == say(script, tmp_path)


def test_a_fingerprint_covers_what_a_file_builds_on(tmp_path: Path) -> None:
    """An implementation made of another changes its fingerprint when the other's code changes, not with its comments."""
    script = "from impls import catalogue; print(catalogue.implementations()['linear/views'].fingerprint)"
    plant(tmp_path, "linear/planted", RIGHT.encode())
    before = say(script, tmp_path)
    analytic = tmp_path / "impls" / "linear" / "analytic.py"
    analytic.write_text(analytic.read_text() + "# a comment\n")
    assert before == say(script, tmp_path)
    analytic.write_text(analytic.read_text() + "MORE = 1\n")
    assert before != say(script, tmp_path)
