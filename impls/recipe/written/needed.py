"""The lines of a step file that some of its names need, found by following names; nothing is run. Loads no torch."""

import ast
import symtable
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from impls.contract.values import ParameterValue


@dataclass(frozen=True)
class Needed:
    """What a text takes from a step file.

    imports  statements, one a line, with only the names that are needed
    lines    the definitions and what else belongs to them, as the file has them, in its order
    left     other statements that run when the file is imported: they may set something for the whole process
    """

    imports: tuple[str, ...]
    lines: str
    left: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement of a file's top level: the names that it binds, those that it reads, and those read when it is run."""

    node: ast.stmt
    binds: frozenset[str]
    reads: frozenset[str]
    reads_now: frozenset[str]

    @property
    def is_import(self) -> bool:
        """Whether it is an import and nothing else."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def only_binds(self) -> bool:
        """Whether all that it does is to bind names: a definition, an import, an assignment to a name."""
        if isinstance(self.node, ast.Assign | ast.AnnAssign):
            return bool(self.binds)
        return self.is_import or isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def reads_of(text: str) -> frozenset[str]:
    """The names that lines read from their module or from Python."""
    return frozenset().union(*(_statement(node).reads for node in ast.parse(text).body))


def names_of(text: str) -> frozenset[str]:
    """The names that lines bind at their top level."""
    return frozenset().union(*(_statement(node).binds for node in ast.parse(text).body))


def needed(text: str, names: Collection[str]) -> Needed:
    """What these names need of a step file: what binds them, what that reads, and so on, and what changes it."""
    statements = [_statement(node) for node in ast.parse(text).body if not _is_idle(node)]
    wanted: set[str] = set(names)
    taken: set[int] = set()
    imported = frozenset().union(*(one.binds for one in statements if one.is_import))
    while more := [
        number
        for number, one in enumerate(statements)
        if number not in taken
        if one.binds & wanted or (not one.only_binds and one.reads_now & (wanted - imported))
    ]:
        taken |= set(more)
        wanted |= frozenset().union(*(statements[number].reads for number in more))
    chosen = [one for number, one in enumerate(statements) if number in taken or "*" in one.binds]
    left = [one for number, one in enumerate(statements) if number not in taken and not one.only_binds]
    return Needed(
        imports=tuple(line for one in chosen if one.is_import for line in _imports(one.node, wanted)),
        lines="\n\n\n".join(_blocks(text, [one.node for one in chosen if not one.is_import])),
        left=tuple(f"line {one.node.lineno}: {ast.unparse(one.node).splitlines()[0]}" for one in left),
    )


def with_defaults(text: str, takes: Mapping[str, Collection[str]], values: Mapping[str, ParameterValue]) -> str:
    """A file in which the parameters of its functions have these values as their defaults.

    takes  the parameters that each function takes
    """
    edits = [
        (default, values[argument.arg])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
        for argument, default in _defaults(node.args)
        if argument.arg in takes.get(node.name, ()) and argument.arg in values
        if ast.literal_eval(default) != values[argument.arg]
    ]
    lines = text.encode().splitlines(keepends=True)
    for node, value in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        assert node.end_lineno is not None
        before, after = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
        lines[node.lineno - 1 : node.end_lineno] = [before + repr(value).encode() + after]
    return b"".join(lines).decode()


def _statement(node: ast.stmt) -> Statement:
    """A statement's names, as Python's own compiler sorts them into own and global ones."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        return Statement(node, frozenset("*"), frozenset(), frozenset())
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return Statement(node, frozenset("*"), frozenset(), frozenset())
    table = symtable.symtable(ast.unparse(node), "step", "exec")
    binds = {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}
    now = {one.get_name() for one in table.get_symbols() if one.is_referenced()}
    inner = {name for child in table.get_children() for name in _globals(child)}
    notes = {one.id for note in _annotations(node) for one in ast.walk(note) if isinstance(one, ast.Name)}
    return Statement(node, frozenset(binds), frozenset(now | inner | notes), frozenset(now))


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """The global names of a function or class, and of all within it."""
    yield from (one.get_name() for one in table.get_symbols() if one.is_global())
    for child in table.get_children():
        yield from _globals(child)


def _annotations(node: ast.stmt) -> Iterator[ast.expr]:
    """The annotations in a statement, which `from __future__ import annotations` keeps from being read as code."""
    for part in ast.walk(node):
        if isinstance(part, ast.arg | ast.AnnAssign) and part.annotation:
            yield part.annotation
        if isinstance(part, ast.FunctionDef) and part.returns:
            yield part.returns


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement does nothing for a module that is imported: a text, `pass`, what runs as a script only."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    script = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
    return script or isinstance(node, ast.Pass)


def _imports(node: ast.stmt, wanted: Collection[str]) -> Iterator[str]:
    """The lines of an import that bind wanted names."""
    assert isinstance(node, ast.Import | ast.ImportFrom)
    if isinstance(node, ast.ImportFrom):
        always = node.module == "__future__" or node.names[0].name == "*"
        names = [one for one in node.names if always or (one.asname or one.name) in wanted]
        yield ast.unparse(ast.ImportFrom(node.module, names, node.level))
        return
    for one in node.names:
        if (one.asname or one.name.partition(".")[0]) in wanted:
            yield ast.unparse(ast.Import([one]))


def _blocks(text: str, nodes: list[ast.stmt]) -> Iterator[str]:
    """The lines of each statement with the comments right above it; statements that followed each other still do."""
    lines = text.splitlines()
    block: list[str] = []
    end = 0
    for node in nodes:
        decorators = getattr(node, "decorator_list", [])
        start = min([node.lineno, *(one.lineno for one in decorators)])
        while start > end + 1 and lines[start - 2].startswith("#"):
            start -= 1
        if block and start > end + 1:  # something stands between them, if only an empty line
            yield "\n".join(block)
            block = []
        block += lines[max(start - 1, end) : node.end_lineno]
        end = max(end, node.end_lineno or end)
    if block:
        yield "\n".join(block)


def _defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    """The arguments of a function that have a default, with that."""
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield argument, default
