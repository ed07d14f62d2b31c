"""Reads the project's Python files for the tests of its structure: folders, files, imports, docstrings."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("impls", "bench", "reports")


def sources(*folders: str) -> list[str]:
    """The Python files below these folders, as paths from the root: "bench/runner/race.py"."""
    return sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py"))


def folders() -> list[str]:
    """Every Python folder of the three packages: "bench", "bench/cli", ..."""
    return sorted({Path(source).parent.as_posix() for source in sources(*PACKAGES)})


def text_of(source: str) -> str:
    """A file's text."""
    return (ROOT / source).read_text(encoding="utf-8")


@cache
def syntax_of(source: str) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(text_of(source))


def first_line(folder: str) -> str:
    """The first line of the docstring in a folder's `__init__.py`; empty where there is none."""
    path = ROOT / folder / "__init__.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ""
    return (docstring or "").partition("\n")[0]


@cache
def imports(source: str) -> tuple[str, ...]:
    """Every module of this project that a file imports, at its top, in a function, or only for its types."""
    return tuple(_imports(source))


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(syntax_of(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{source} has a relative import, which these tests do not read: write it in full"
            module = node.module or ""
            if module.partition(".")[0] in PACKAGES:
                names = [f"{module}.{alias.name}" for alias in node.names]
                modules = [name for name in names if _is_module(name)]
                yield from modules
                yield from [module] * (len(modules) < len(names))


def folder_of(module: str) -> str:
    """The folder that a module lies in, or is: "bench/runner" for bench.runner.race and for bench.runner."""
    path = module.replace(".", "/")
    return path if (ROOT / path).is_dir() else Path(path).parent.as_posix()


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()
