"""Which modules a worker names as those that a server could have loaded for it."""

import sys
import types
from pathlib import Path

import msgspec
import pytest

from bench.worker.installed import installed_modules


def test_only_installed_modules_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the standard library nor the code of a step's own repository; of torch only the compiler."""
    before = frozenset(sys.modules) - {msgspec.__name__, "wave"}
    own, strange = types.ModuleType("own"), object()
    own.__file__ = str(tmp_path / "own.py")
    part, compiler = types.ModuleType("torch.part"), types.ModuleType("torch._dynamo")
    part.__file__ = compiler.__file__ = msgspec.__file__
    others = {"wave": types.ModuleType("wave"), "own": own, "strange": strange}
    for name, module in {**others, "torch.part": part, "torch._dynamo": compiler}.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert set(installed_modules(before - set(others) - {"torch.part", "torch._dynamo"})) == {
        "msgspec",
        "torch._dynamo",
    }
