"""Any value of a type, as Hypothesis makes them: for structs and dataclasses, field by field."""

import dataclasses
import math
import types
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bench.results.climb import Stage
from impls.contract.setting import Setting

LARGEST = 2**53  # beyond it JSON's numbers are not everybody's
# A setting refuses values that no race can have, so a few real ones stand for all.
SETTINGS = [
    Setting(updates=1, rows=5, features=1, lr=1e-4),
    Setting(updates=10_000, rows=10**8, features=1024, lr=0.1, batch=7, dtype="float64", seed=2**64 - 1, threads=64),
    Setting(updates=1, parameters=(("hidden", 16), ("lr", 1e-3), ("name", "a|b <x>"), ("wide", True))),
]


@cache
def values_of(kind: Any) -> SearchStrategy[Any]:
    """A strategy for a type of a record, as its annotations say."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Setting:
        return st.sampled_from(SETTINGS)
    if kind is Stage:
        return st.builds(
            Stage, kind=values_of(get_type_hints(Stage)["kind"]), folder=st.sampled_from(("", "climb/a-race/1-singles"))
        )
    if isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind)):
        hints = get_type_hints(kind)
        names = (
            kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else [f.name for f in dataclasses.fields(kind)]
        )
        return st.builds(kind, **{name: values_of(hints[name]) for name in names if name in hints})
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values_of, arguments))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(values_of, arguments))
    if origin in (list, Sequence):
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    return _plain(kind)


def _plain(kind: Any) -> SearchStrategy[Any]:
    simple: dict[Any, SearchStrategy[Any]] = {
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        bool: st.booleans(),
        int: st.integers(-LARGEST, LARGEST),
        float: st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not math.isnan(number)),
        type(None): st.none(),
        Any: st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(max_size=5),
    }
    return simple[kind]
