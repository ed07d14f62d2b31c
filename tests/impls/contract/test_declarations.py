"""What is known of an implementation's work and domain without running its file."""

from pathlib import Path

import pytest

from bench.runner.plan import EFFORTS
from impls.contract import Domain, catalogue
from impls.contract.declarations import Declaration, declaration
from impls.contract.setting import DEVICES, MODES

HEAD = "import no_such_package\nfrom impls.contract import Domain, Implementation\n\n\n"
BODY = """class Arm(Implementation):
    work = "algorithmic"
    domain = Domain(modes={"compile": "thorough"}, devices=("cuda",), batches=("single",))
"""
DECLARED = Declaration(Domain({"compile": "thorough"}, ("cuda",), ("single",)), "algorithmic")


def declared(folder: Path, text: str, **others: str) -> Declaration:
    """What a file of this text declares, beside other files of its family."""
    family = folder / "impls" / "linear"
    family.mkdir(parents=True)
    for name, content in {**others, "arm": text}.items():
        (family / f"{name}.py").write_text(content, encoding="utf-8")
    return declaration("impls.linear.arm", (folder,))


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        BODY.replace("work =", "work: ClassVar[Work] ="),
        BODY.replace("modes=", "").replace("devices=", "").replace("batches=", ""),
        "class Rows(Dataset): ...\n\n\n" + BODY,
    ],
    ids=["as usual", "annotated", "by position", "beside another class"],
)
def test_a_declaration_is_read_without_running_the_file(tmp_path: Path, text: str) -> None:
    """Any way of writing it can be read, even where a package is missing."""
    assert declared(tmp_path, HEAD + text) == DECLARED


@pytest.mark.parametrize(
    "text",
    [
        "from impls.linear.base import Arm\n\n\nclass Mine(Arm): ...\n",
        "from .base import Arm as Theirs\n\n\nclass Mine(Mixin, Theirs[int]): ...\n",
        "import impls.linear.base as b\n\n\nclass Between(b.Arm): ...\n",
        "from impls.linear.again import Arm\n\n\nclass Mine(Arm): ...\n",
    ],
)
def test_a_declaration_is_inherited(tmp_path: Path, text: str) -> None:
    """It comes from a class in another file of impls, however that is imported."""
    assert declared(tmp_path, text, base=HEAD + BODY, again="from .base import Arm\n") == DECLARED


def test_the_nearest_class_decides(tmp_path: Path) -> None:
    """A class's own attribute counts; it inherits the others."""
    text = "from .base import Arm\n\n\nclass Mine(Arm):\n    work = 'floor'\n"
    assert declared(tmp_path, text, base=HEAD + BODY) == Declaration(DECLARED.domain, "floor")


def test_a_file_that_declares_nothing_has_the_defaults(tmp_path: Path) -> None:
    """There is no complaint."""
    assert declared(tmp_path, HEAD + "class Arm(Implementation): ...\n") == Declaration()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("domain = Domain(devices=tuple(everything))", "`tuple(everything)` is not a literal"),
        ("domain = usual", "`usual` is not a Domain(...)"),
        ("domain = Domain(device=('cpu',))", "Domain takes modes, devices, batches and ranks; got device"),
        ("domain = Domain(**usual)", "`usual` is not a literal"),
        ("domain = Domain(devices=('gpu',))", "devices must be among cpu, cuda; got 'gpu'"),
        ("domain = Domain(devices='cpu')", "devices must be a list or a tuple; got 'cpu'"),
        ("domain = Domain(modes={'compile': 'soon'})", "efforts must be among quick, standard, thorough; got 'soon'"),
        ("domain = Domain(modes={})", "modes must not be empty"),
        ("if True:\n        domain = Domain()", "`domain` is not a Domain(...)"),
        ("work = guess()", "`guess()` is not a literal; write it as a literal, for example work = 'algorithmic'"),
        ("work = 'cheating'", "it must be one of faithful, algorithmic, floor; got 'cheating'"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_said_with_the_cure(tmp_path: Path, line: str, fault: str) -> None:
    """The complaint has file, line, fault and cure; the entry has the defaults."""
    found = declared(tmp_path, f"{HEAD}class Arm(Implementation):\n    {line}\n")
    assert (found.domain, found.work) == (Domain(), "faithful")
    assert found.complaint.startswith("impls/linear/arm.py, line ")
    assert fault in found.complaint
    assert "; write it " in found.complaint


def test_a_base_class_from_elsewhere_is_said(tmp_path: Path) -> None:
    """Where the domain may come from a class that lies in no file of impls, the complaint names the class."""
    found = declared(tmp_path, "from somewhere import Base\n\n\nclass Arm(Base): ...\n")
    assert "impls/linear/arm.py: Arm inherits from somewhere.Base, which lies in no file of impls" in found.complaint


def test_every_declaration_says_what_the_class_says() -> None:
    """What is read from the source is what the loaded class holds, for every implementation there is."""
    for name, entry in catalogue.implementations().items():
        assert entry.complaint == ""
        if entry.missing() is None:
            kind = catalogue.load(name)
            assert (entry.domain, entry.work) == (kind.domain, kind.work), name


def test_a_domain_knows_the_words_of_a_setting_and_of_a_plan() -> None:
    """Every mode, device and effort there is can be declared."""
    for mode in MODES:
        for effort in EFFORTS:
            assert Domain(modes={mode: effort}, devices=DEVICES).modes == {mode: effort}
