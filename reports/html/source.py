"""A source file for the page: its docstrings, and its text in a few colours. It is parsed and never run."""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pygments.lexers.python import PythonLexer
from pygments.token import Token

NAME = re.compile(r"\w[\w-]*(/\w[\w-]*)*")  # nothing that leads out of the folder of sources
KINDS = {
    Token.Keyword: "keyword",
    Token.Operator.Word: "keyword",
    Token.Comment: "comment",
    Token.Literal.String: "string",
    Token.Name.Function: "name",
    Token.Name.Class: "name",
    Token.Name.Decorator: "name",
}


@dataclass(frozen=True)
class Source:
    """A file as it was raced.

    says    the paragraphs of its docstring and of its classes' docstrings
    pieces  its text, cut where its kind changes: keyword, comment, string, name, or ""
    """

    says: tuple[str, ...]
    pieces: tuple[tuple[str, str], ...]
    lines: int


def read(text: str) -> Source:
    """The source of this text; one that cannot be parsed is shown without docstrings."""
    pieces = ((_kind(token), value) for token, value in PythonLexer().get_tokens(text))
    merged = [(kind, "".join(value for _, value in same)) for kind, same in groupby(pieces, key=lambda piece: piece[0])]
    return Source(tuple(_says(text)), tuple(merged), len(text.splitlines()))


def is_name(implementation: str) -> bool:
    """Whether this can be the name of an implementation, and cannot be a path to anything else."""
    return bool(NAME.fullmatch(implementation))


def _says(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    documented: list[ast.Module | ast.ClassDef] = [
        tree,
        *(node for node in tree.body if isinstance(node, ast.ClassDef)),
    ]
    for node in documented:
        said = ast.get_docstring(node) or ""
        yield from (textwrap.dedent(part).strip() for part in said.split("\n\n") if part.strip())


def _kind(token: object) -> str:
    while token is not None:
        if token in KINDS:
            return KINDS[token]
        token = getattr(token, "parent", None)
    return ""
