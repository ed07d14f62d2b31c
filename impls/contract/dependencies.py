"""Which files an arm is made of, found by following the imports in its source; nothing is run.

Only Python files are seen: what they load while they run, such as a data file or a compiled library, is not.
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.util import decode_source
from pathlib import Path

CONTRACT = (
    "impls.contract",
    "impls.contract.contract",
    "impls.contract.setting",
    "impls.contract.schedule",
    "impls.contract.task",
)
ANYTHING = "*"  # stands for a module whose name is computed while the file runs
_LOADERS = {"import_module", "__import__"}


@dataclass(frozen=True)
class Source:
    """One file, read and not run.

    content  its bytes
    imports  the full names of the modules it imports anywhere in it; for `from a import b` both "a" and "a.b"
    fault    why it cannot be read as Python; "" when it can
    """

    content: bytes = field(repr=False)
    imports: tuple[str, ...] = ()
    fault: str = ""

    @property
    def fingerprint(self) -> str:
        """Equal for equal code, see `fingerprint`; of a file that is not Python, equal for equal bytes."""
        return hashlib.sha256(self.content).hexdigest() if self.fault else _fingerprint(self.content)


def arm_modules(family: str, implementation: str) -> tuple[str, ...]:
    """The modules that every run of an arm imports: the contract, its family's workload.py, and its own file."""
    return (*CONTRACT, f"impls.{family}.workload", module_name(implementation))


def module_name(implementation: str) -> str:
    """The module of an implementation: "impls.linear.manual" for "linear/manual"."""
    return f"impls.{implementation.replace('/', '.')}"


def dependencies(modules: Iterable[str], places: Sequence[Path], followed: Callable[[str], bool]) -> dict[Path, Source]:
    """Every file that importing these modules can run, however many imports away.

    places    the folders in which Python looks for a module, in order; modules that lie elsewhere are left out
    followed  whether a module of this full name is looked at, and in turn what it imports

    A file that imports a module by a name that is computed depends on every file that is followed.
    """
    waiting = list(modules)
    seen: set[str] = set()
    sources: dict[Path, Source] = {}
    while waiting:
        module = waiting.pop()
        if module in seen or module in ("", ANYTHING) or not followed(module):
            seen.add(module)
            continue
        seen.add(module)
        for name, file in module_files(module, places):
            if file not in sources:
                sources[file] = read_source(file, package_of(name, file))
                waiting += sources[file].imports
    if ANYTHING in seen:
        folders = [each for place in places if place.is_dir() for each in place.iterdir() if followed(each.stem)]
        files = [file for folder in folders for file in (folder.rglob("*.py") if folder.is_dir() else [folder])]
        sources |= {file: read_source(file, "") for file in files if file.suffix == ".py" and file not in sources}
    return sources


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """The paths whose fingerprints differ between two sets of files, or that only one of them has."""
    return tuple(path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path))


def module_files(module: str, places: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The files that importing a module runs, its packages' first, each by the name of its module.

    As Python does it: the first place that has a package or a file of the name; without one, all folders of the name.
    """
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}".removeprefix(".")
        for place in places:
            if (file := place / part / "__init__.py").is_file():
                yield name, file
                places = [place / part]
                break
            if (file := place / f"{part}.py").is_file():
                yield name, file
                places = []
                break
        else:
            places = [place / part for place in places if (place / part).is_dir()]


def package_of(module: str, file: Path) -> str:
    """The package that a module's relative imports start from: itself where it is one."""
    return module if file.name == "__init__.py" else module.rpartition(".")[0]


def read_source(file: Path, package: str) -> Source:
    """A file as it is now; where it cannot be read, the fault says why.

    package  the package it is in, from which its relative imports start
    """
    try:
        return _source(file.read_bytes(), package, file.name)
    except OSError as error:
        return Source(b"", fault=str(error))


@cache
def _source(content: bytes, package: str, file_name: str) -> Source:
    try:
        return Source(content, tuple(sorted(set(_imports(parse(content, file_name), package)))))
    except (SyntaxError, ValueError) as error:
        return Source(content, fault=str(error))


@lru_cache(maxsize=100)  # a project may have thousands of files, and a tree takes much more memory than its text
def parse(content: bytes, file_name: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError or ValueError for what is not Python."""
    return ast.parse(decode_source(content), file_name)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _LOADERS:
            match node.args:
                case [ast.Constant(value=str(module)), *_]:
                    yield absolute(module, package)
                case _:
                    yield ANYTHING


def absolute(module: str, package: str) -> str:
    """The full name of a module as a file of the package names it: "..other" in "impls.linear" is "impls.other"."""
    name = module.lstrip(".")
    level = len(module) - len(name)
    if not level:
        return name
    above = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*above, *([name] if name else [])])


@cache
def _fingerprint(content: bytes) -> str:
    return fingerprint(decode_source(content))


def fingerprint(source: str) -> str:
    """Equal for two sources that differ only in comments, docstrings, blank lines and line breaks."""
    docstrings = list(_docstrings(ast.parse(source)))
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING}
    kept = (
        f"{token.type} {token.string.strip()}"
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in skipped
        and not any(start <= token.start < end for start, end in docstrings if token.type == tokenize.STRING)
    )
    return hashlib.sha256("\0".join(kept).encode()).hexdigest()


def _docstrings(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each docstring begins and ends, as (line, column)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
                    yield (text.lineno, text.col_offset), (text.end_lineno or 0, text.end_col_offset or 0)
