"""What the catalogue lists, and what it knows of an implementation without running its file."""

import importlib.util
from pathlib import Path

import pytest

from impls.contract import catalogue
from impls.contract.catalogue import ROOT, Entry, UnknownNameError
from tests.impls.planted import RIGHT, plant, say


def test_a_path_is_a_name() -> None:
    """Every implementation is called by its path below impls/, without the ending, and knows its own name."""
    found = catalogue.implementations()
    assert list(found) == [entry.name for entry in found.values()]
    assert [name for name in found if not (ROOT / f"{name}.py").is_file()] == []


def test_every_implementation_file_is_found() -> None:
    """Every Python file of a family's folder is an implementation, but for workload.py, kernels.py and __init__.py."""
    paths = [path for family in ROOT.glob("*/workload.py") for path in family.parent.rglob("*.py")]
    files = {path.relative_to(ROOT).with_suffix("").as_posix() for path in paths}
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


def test_an_entry_has_a_summary_and_needs() -> None:
    """An entry carries the first line of the docstring and the packages it imports, this project's own aside."""
    entry = catalogue.implementations()["linear/numpy"]
    assert (entry.family, entry.needs) == ("linear", ("numpy", "torch"))
    assert entry.summary == "The same gradient in NumPy: the cost of the job without PyTorch."


def test_one_entry_is_the_same_as_among_all() -> None:
    """An entry that is read alone equals the one among all."""
    assert catalogue.implementations() == {name: catalogue.entry(name) for name in catalogue.implementations()}


def test_one_entry_is_read_without_the_others(tmp_path: Path) -> None:
    """Only the file of the implementation and those that it imports are read."""
    plant(tmp_path, "linear/syntax", b"def broken(:\n")
    script = (
        "import ast; from impls.contract import catalogue; read, parse = [], ast.parse\n"
        "ast.parse = lambda text, name: read.append(name) or parse(text, name)\n"
        "catalogue.entry('linear/loader_batches'); print(*read)"
    )
    packages = "__init__.py"
    assert [name for name in say(script, tmp_path).split() if name != packages] == [
        "loader_batches.py",
        "loader.py",
        "analytic.py",
    ]


def test_every_file_is_read_once() -> None:
    """Reading the whole catalogue parses no file twice, however many are built on it."""
    script = (
        "import ast; from impls.contract import catalogue; read, parse = [], ast.parse\n"
        "ast.parse = lambda text, name: read.append(text) or parse(text, name)\n"
        "catalogue.implementations(); print(len(read) > 40, len(read) - len(set(read)))"
    )
    assert say(script, ROOT.parent) == "True 0"


def test_reading_the_catalogue_loads_no_torch() -> None:
    """Listing implementations and workloads leaves torch unloaded, so that `list` and `--help` answer at once."""
    script = (
        "import sys; from impls.contract import catalogue; catalogue.implementations(); catalogue.workloads(); "
        "[entry.missing() for entry in catalogue.implementations().values()]; print('torch' in sys.modules)"
    )
    assert say(script, ROOT.parent) == "False"


def test_a_missing_package_is_answered_with_the_install_line(tmp_path: Path) -> None:
    """An implementation whose package is not installed names it and the command that installs it."""
    plant(tmp_path, "linear/absent", b"import no_such_package\n")
    script = "from impls.contract import catalogue; print(catalogue.implementations()['linear/absent'].missing())"
    assert say(script, tmp_path) == "needs no_such_package: pip install no_such_package"


def test_several_missing_packages_are_named_at_once() -> None:
    """Everything that is missing is in one sentence and one command."""
    entry = Entry("linear/absent", "", ("no_such_one", "no_such_two", "numpy"))
    assert entry.missing() == "needs no_such_one and no_such_two: pip install no_such_one no_such_two"


def test_the_install_line_names_the_package_not_the_module() -> None:
    """A package whose module has another name is installed by the package's name."""
    if importlib.util.find_spec("sklearn"):
        pytest.skip("scikit-learn is installed here")
    assert Entry("linear/peer", "", ("sklearn",)).missing() == "needs scikit-learn: pip install scikit-learn"


def test_nothing_is_missing_where_all_is_installed() -> None:
    """An implementation that needs what is installed has no complaint."""
    assert None is Entry("linear/present", "", ("numpy", "torch")).missing()


def test_a_planted_file_is_loaded_without_registering(tmp_path: Path) -> None:
    """A file with one subclass of Implementation can be loaded by its path alone."""
    plant(tmp_path, "linear/planted", RIGHT.encode())
    assert (
        say("from impls.contract import catalogue; print(catalogue.load('linear/planted').__name__)", tmp_path)
        == "Planted"
    )


def test_an_unreadable_declaration_is_said_when_it_is_loaded(tmp_path: Path) -> None:
    """A domain that needs the file to run, and one that running it changes, are refused with the file's name."""
    for name, line in (("read", "    domain = len('x')\n"), ("late", "\nPlanted.work = 'floor'\n")):
        plant(tmp_path, f"linear/{name}", RIGHT.encode() + line.encode())
    script = (
        "from impls.contract import catalogue\nfor name in ('linear/read', 'linear/late'):\n"
        "    try: catalogue.load(name)\n    except TypeError as error: print(error)"
    )
    read, late = say(script, tmp_path).splitlines()
    assert read.startswith("impls/linear/read.py, line 8: the domain of Planted: `len('x')` is not a Domain(...)")
    assert late.startswith("impls/linear/late.py: Planted has other values of domain and work than its body sets")


@pytest.mark.parametrize(("more", "count"), [(b"\n\nclass Second(Planted):\n    pass\n", 2), (b"\n\ndel Planted\n", 0)])
def test_a_file_must_define_one_implementation(more: bytes, count: int, tmp_path: Path) -> None:
    """A file with no implementation, or with two, is refused with its name and the number that it defines."""
    plant(tmp_path, "linear/planted", RIGHT.encode() + more)
    script = (
        "from impls.contract import catalogue\ntry: catalogue.load('linear/planted')\nexcept TypeError as e: print(e)"
    )
    expected = f"impls/linear/planted.py must define exactly one subclass of Implementation; it defines {count}."
    assert expected == say(script, tmp_path)


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
def test_an_entry_has_an_exact_name(name: str) -> None:
    """A pattern, another file, or a path with ".." has no entry."""
    with pytest.raises(UnknownNameError, match="No implementation is called"):
        catalogue.entry(name)


def test_a_mistyped_workload_is_answered_with_the_close_one() -> None:
    """A workload's name with two letters swapped is answered with the right one."""
    with pytest.raises(UnknownNameError, match="No workload is called 'linear/lien': did you mean linear/line"):
        catalogue.choose_workloads(["linear/lien"])


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("zzz", "the nearest names are linear/"),
        ("linear/zzzz", "the nearest names are linear/"),
        ("convolution/plain", "there is no family convolution; there is gradient and linear."),
    ],
)
def test_a_name_that_resembles_none_is_answered_with_the_nearest_few(typed: str, hint: str) -> None:
    """Where nothing comes close, the message stays short: three names or the families, and the command that shows all."""
    with pytest.raises(UnknownNameError) as refusal:
        catalogue.match_implementations([typed])
    assert f"No implementation is called {typed!r}: {hint}" in str(refusal.value)
    assert "`python -m bench list` shows them all" in str(refusal.value)
    assert str(refusal.value).count("linear/") <= 4


def test_patterns_choose_in_the_order_of_the_catalogue() -> None:
    """Shell patterns give each matching name once, in the catalogue's order, whatever the order of the patterns."""
    chosen = catalogue.match_implementations(["linear/n*", "linear/*", "gradient/backward"])
    everything = [name for name in catalogue.implementations() if name.startswith("linear/")]
    assert ["gradient/backward", *everything] == chosen


def test_a_pattern_of_another_family_chooses_nothing_there() -> None:
    """Patterns choose within one family; one that matches only in another is accepted."""
    assert catalogue.choose_implementations(["gradient/*"], "linear") == []
    assert "linear/manual" in [entry.name for entry in catalogue.choose_implementations(["*/manual"], "linear")]


def test_a_family_is_a_folder_with_a_workload(tmp_path: Path) -> None:
    """Files beside the families, and in folders without a workload.py, are no implementations."""
    for name in (
        "steps/own.py",
        "contract/task.py",
        "linear/workload.py",
        "linear/manual.py",
        "linear/kernels.py",
        "up.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(catalogue.files(tmp_path)) == ["linear/manual"]


def test_a_fingerprint_covers_what_an_arm_is_made_of(tmp_path: Path) -> None:
    """It changes with the code of what the arm imports, of its workload and of the contract, and not with comments."""
    plant(tmp_path, "linear/planted", RIGHT.encode())
    script = "from impls.contract import catalogue; print(catalogue.entry('linear/views').fingerprint)"
    prints = [say(script, tmp_path)]
    for name in ("linear/analytic", "linear/workload", "contract/schedule"):
        path = tmp_path / "impls" / f"{name}.py"
        path.write_text(path.read_text(encoding="utf-8") + "# a comment\n", encoding="utf-8")
        assert prints[-1] == say(script, tmp_path), name
        path.write_text(path.read_text(encoding="utf-8") + "MORE = 1\n", encoding="utf-8")
        prints.append(say(script, tmp_path))
    assert len(set(prints)) == 4
