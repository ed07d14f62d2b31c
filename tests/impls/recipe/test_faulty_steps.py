"""A step file that cannot be raced says so in one sentence: the file, the line, what is wrong, what to do about it."""

from pathlib import Path
from textwrap import dedent

import pytest

from impls.contract.setting import Setting
from impls.recipe.live_step import LiveStep
from impls.recipe.step_file import StepFault, read

GOOD = {
    "model": "def model(hidden=4):\n    return nn.Linear(3, hidden)\n",
    "optimizer": "def optimizer(model, lr=0.1):\n    return torch.optim.SGD(model.parameters(), lr=lr)\n",
    "batches": """\
        def batches(seed, rows=8):
            generator = torch.Generator().manual_seed(seed)
            while True:
                yield torch.randn(rows, 3, generator=generator)
        """,
    "loss": "def loss(model, batch):\n    return model(batch).square().mean()\n",
}
BEGIN = '"""A step."""\nimport torch\nfrom torch import nn\n'

FUNCTIONS = (
    "a step file has the functions model, optimizer, batches and loss "
    "(`python -m bench init` writes one to begin with)."
)
DEFAULT = "a default, which makes it a parameter"


def source(**functions: str) -> str:
    """A good step file in which these functions are replaced; an empty text leaves one out."""
    return BEGIN + "".join(dedent(text) for text in (GOOD | functions).values())


def built(folder: Path, text: str) -> LiveStep:
    """The live step of a file with this text."""
    path = folder / "my_step.py"
    path.write_text(text, encoding="utf-8")
    file = read(path)
    setting = Setting(rows=0, features=0, lr=0, updates=100, parameters=tuple(sorted(file.parameters.items())))
    return LiveStep(file, setting)


def fault(folder: Path, text: str) -> str:
    """What is said of such a file: one line that begins with its name."""
    with pytest.raises(StepFault) as caught:
        built(folder, text)
    said = str(caught.value)
    assert said.startswith("my_step.py")
    assert "\n" not in said
    return said


def test_the_step_that_faults_are_planted_in_is_good(tmp_path: Path) -> None:
    """Without a fault the file makes updates."""
    step = built(tmp_path, source())
    step.advance(2)
    assert step.number == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BEGIN + "def model(:\n", "my_step.py:4 is not Python: invalid syntax."),
        (
            source(model=""),
            f"my_step.py defines no `model()`: {FUNCTIONS}",
        ),
        (
            "from elsewhere import *\n" + source(model="", optimizer=""),
            (
                "my_step.py defines no `model()` and `optimizer(model)`: "
                "`import *` does not say what it brings, so import it by name."
            ),
        ),
        (
            source(loss="def loss(batch):\n    return 0\n"),
            "my_step.py:12: loss takes too few arguments: it is called as loss(model, batch).",
        ),
        (
            source(model="def model(hidden):\n    return nn.Linear(3, hidden)\n"),
            f"my_step.py:4: model is called as model(): give hidden {DEFAULT}, e.g. hidden=1.",
        ),
        (
            source(loss="def loss(model, batch, *, weight):\n    return weight * model(batch).mean()\n"),
            f"my_step.py:12: loss is called as loss(model, batch): give weight {DEFAULT}, e.g. weight=1.",
        ),
        (
            source(loss="def loss(model, batch, hidden=5):\n    return model(batch).mean()\n"),
            "my_step.py:12: the parameter hidden has the default 5 here and 4 in line 4: give it one default.",
        ),
    ],
    ids=[
        "syntax",
        "no model",
        "names hidden by import *",
        "too few arguments",
        "no default",
        "no keyword default",
        "two defaults",
    ],
)
def test_a_fault_that_shows_without_running_the_file(tmp_path: Path, text: str, said: str) -> None:
    """Reading is enough: the sentence is this one."""
    assert fault(tmp_path, text) == said


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    """A path that holds no step says what to type instead."""
    (tmp_path / "train").mkdir()
    with pytest.raises(StepFault, match=r"^train/ is a folder: name the step file in it, e\.g\. train/my_step\.py\.$"):
        read(tmp_path / "train", "train/")
    with pytest.raises(StepFault, match=r"^mine\.py cannot be read: No such file or directory\. `python -m bench init"):
        read(tmp_path / "mine.py")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (
            "import not_installed_here\n" + source(),
            ":1",
            "Install it (pip install not_installed_here); a module of your own",
        ),
        ("import sklearn.not_there\n" + source(), ":1", "Install it (pip install scikit-learn)"),
        ("from . import data\n" + source(), ":1", "Write the import in full"),
        ("open('points.csv')\n" + source(), ":1", "write Path(__file__).parent / ... instead"),
        ("raise SystemExit(2)\n" + source(), ":1", "below `if __name__ == '__main__':`"),
        ("1 / 0\n" + source(), ":1 cannot be imported: ZeroDivisionError: division by zero.", "the file's own"),
        (source(model="def model():\n    nn.Linear(3, 4)\n"), ":4", "model() returns nothing"),
        (source(model="def model():\n    return nn.Linear\n"), ":4", "return an object of it, Linear()"),
        (source(model="def model():\n    return nn.ReLU()\n"), ":7 fails in optimizer", "The model has no parameters"),
        (
            source(model="def model():\n    return nn.Linear(3, 4).cuda()\n"),
            ":5 fails in model",
            "leave the device to looprace",
        ),
        (
            source(model="def model():\n    return nn.Linear(10_000_000, 10_000_000)\n"),
            ":5 fails in model: it needs more memory than there is (400,000 GB in one piece)",
            "Make the step smaller",
        ),
        (
            source(optimizer="def optimizer(model):\n    pass\n"),
            ":6",
            "optimizer(model) returns None: return one optimizer",
        ),
        (
            source(optimizer="def optimizer(model):\n    return torch.optim.SGD(nn.Linear(3, 4).parameters())\n"),
            ":6",
            "optimizer(model) has other parameters than the model",
        ),
        (
            source(batches="def batches(seed):\n    return torch.randn(8, 3), torch.randn(8)\n"),
            ":8",
            "batches(seed) returns a tuple: it must yield one batch after the other",
        ),
        (source(batches="def batches(seed):\n    print('no data')\n"), ":8", "batches(seed) returns None"),
        (source(batches="def batches(seed):\n    yield from ()\n"), ":8", "yields nothing: yield at least one batch"),
        (source(loss="def loss(model, batch):\n    model(batch).mean()\n"), ":12", "returns None: return the tensor"),
        (
            source(loss="def loss(model, batch):\n    return model(batch).mean().item()\n"),
            ":12",
            "returns a Python number (float): return the tensor of the loss, without .item()",
        ),
        (
            source(loss="def loss(model, batch):\n    return model(batch).square()\n"),
            ":12",
            "returns a tensor of shape (8, 4): return one number, e.g. its .mean()",
        ),
        (
            source(loss="def loss(model, batch):\n    return model(batch).detach().mean()\n"),
            ":12",
            "the loss depends on no parameter",
        ),
        (
            source(loss="def loss(model, batch):\n    return model(batch[0]['inputs']).mean()\n"),
            ":13 fails in an update: IndexError",
            "the file's own",
        ),
        (
            source(loss="def loss(model, batch):\n    return (model(batch).mean() - 1e9).log()\n"),
            ":12",
            "the loss is nan in update 1",
        ),
        (
            source(loss="def loss(model, batch):\n    return (model(batch) - 1e6).relu().mean()\n"),
            ":12",
            "every gradient is zero, so the step learns nothing",
        ),
        (
            source(optimizer="def optimizer(model):\n    return torch.optim.SGD(model.parameters(), lr=0.0)\n"),
            ":6",
            "the learning rate is 0, so the step learns nothing",
        ),
        (
            source(loss="", optimizer="", model="def model():\n    return {}\n")
            + "def update(model, optimizer, batch):\n    return batch.sum()\n",
            ":4",
            "model() returns a dict without a parameter",
        ),
        (
            source(loss="")
            + dedent("""
            def update(model, optimizer, batch):
                model(batch).mean().backward()
                optimizer.zero_grad()
                optimizer.step()
            """),
            ":13",
            "are gradients set to zero between backward() and optimizer.step()?",
        ),
    ],
    ids=[
        "missing module",
        "missing module of a package with another name",
        "relative import",
        "missing data",
        "ends the program",
        "raises on import",
        "model returns nothing",
        "model is a class",
        "model without parameters",
        "needs a GPU",
        "huge",
        "optimizer returns nothing",
        "optimizer of another model",
        "one batch returned",
        "no batches returned",
        "no batches yielded",
        "loss returns nothing",
        "loss is a Python number",
        "loss is no scalar",
        "loss is detached",
        "batch has another form",
        "loss is nan",
        "zero gradients",
        "zero learning rate",
        "nothing to train",
        "gradients cleared too early",
    ],
)
def test_a_fault_that_shows_when_the_step_is_built(tmp_path: Path, text: str, where: str, said: str) -> None:
    """Building and warming up shows it: the sentence names the line and what to do."""
    sentence = fault(tmp_path, text)
    assert sentence.startswith(f"my_step.py{where}")
    assert said in sentence


def test_a_step_that_is_too_large_ran_out_of_memory(tmp_path: Path) -> None:
    """The fault is a MemoryError as well, so that the arm's status says so."""
    with pytest.raises(MemoryError):
        built(tmp_path, source(batches="def batches(seed):\n    yield torch.zeros(10**15)\n"))


def test_batches_that_end_are_read_in_turn(tmp_path: Path) -> None:
    """Three batches are enough for any number of updates; the facts say that there were no more."""
    step = built(tmp_path, source(batches="def batches(seed):\n    return [torch.randn(8, 3) for _ in range(3)]\n"))
    step.advance(4)
    assert len(step.batches) == 3
    assert step.facts.batches_end
    assert not built(tmp_path, source()).facts.batches_end


def test_batches_that_change_shape_are_kept(tmp_path: Path) -> None:
    """A last batch that is smaller is read as it is; the facts say which shapes there are."""
    text = source(batches="def batches(seed):\n    return torch.randn(20, 3).split(8)\n")
    assert "returns a tuple" in fault(tmp_path, text)
    step = built(tmp_path, text.replace("return torch.randn(20", "yield from torch.randn(20"))
    assert step.facts.batch_shapes == ("8x3", "4x3")
    assert built(tmp_path, source()).facts.batch_shapes == ("8x3",)


def test_a_step_that_accumulates_for_longer_than_the_warm_up_is_none_that_learns_nothing(tmp_path: Path) -> None:
    """Its parameters have not moved yet, but its gradients are there."""
    accumulating = """
    def update(model, optimizer, batch):
        model.count = getattr(model, "count", 0) + 1
        loss(model, batch).backward()
        if model.count % 8 == 0:
            optimizer.step()
            optimizer.zero_grad()
    """
    assert built(tmp_path, source() + dedent(accumulating)).number == 5


def test_a_batch_that_is_an_object_is_kept(tmp_path: Path) -> None:
    """What it holds stays on the CPU in its dtype; the facts name its class."""
    text = """
    class Batch:
        def __init__(self):
            self.inputs = torch.randn(8, 3)

    def batches(seed):
        while True:
            yield Batch(), 3
    """
    step = built(tmp_path, source(batches=text, loss=GOOD["loss"].replace("model(batch)", "model(batch[0].inputs)")))
    assert step.facts.opaque == ("Batch",)


def test_a_way_that_calls_what_it_replaces_is_refused(tmp_path: Path) -> None:
    """`update` is the way itself by then: it would call itself without end."""
    way = "def way_two(model, optimizer, batch):\n    return update(model, optimizer, batch)\n"
    said = fault(tmp_path, source() + way)
    assert said.endswith(
        "calls `update`, whose place way_two takes, so it would call itself: move what both do into a function of another "
        "name, and call that."
    )
