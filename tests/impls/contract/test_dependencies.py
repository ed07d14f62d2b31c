"""Fingerprints of files. (Which files an arm depends on is tested in tests/bench/gate/sides.)"""

import pytest

from impls.contract.dependencies import fingerprint


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


def test_a_fingerprint_ignores_docstrings_and_no_other_text() -> None:
    """A docstring of a file, class or function does not count; a string that code can use does."""
    plain = """class A:\n    {}\n    x = "one"\n\n    def f(self):\n        {}\n        return "two"\n"""
    ones = ('"""A thing."""', "'Says ' 'much.'", '"""Over\n    lines."""')
    assert len({fingerprint(plain.format(one, one)) for one in ones}) == 1
    assert fingerprint(plain.format(ones[0], ones[0])) != fingerprint(
        plain.replace("two", "2").format(ones[0], ones[0])
    )
    assert fingerprint('x = 1\n"""No docstring."""\n') != fingerprint("x = 1\n")
