"""The margins of each arm, which define "worse": as typed, else as pyproject.toml has them, else the defaults."""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.results.gate import Margins
from bench.results.quantity import amount
from bench.results.record import Arm
from impls.contract.setting import SettingError

TABLE = "tool.looprace.gate"
MOST_BITS = 64
MOST = 10.0  # a gate of over 1000 % is a typing error
SHARE = 3  # a gate without a floor of its own gets a floor of one third of it
KEYS = ("gate", "floor", "phases", "memory", "bits_lost", "at_most")
ANY = "any"  # for bits_lost: an update that computes something else is told, and stops nothing


@dataclass(frozen=True)
class Rules:
    """The margins of a project: for each arm those of the last pattern that matches it, else the default ones.

    patterns  matched with an arm's implementation and with its name
    recipes   of steps that are raced whenever a step is
    """

    default: Margins
    patterns: tuple[tuple[str, Margins], ...] = ()
    recipes: tuple[str, ...] = ()

    def of(self, arm: Arm) -> Margins:
        """The margins of this arm; patterns are shell patterns and case-sensitive."""
        return next((margins for pattern, margins in reversed(self.patterns) if _matches(pattern, arm)), self.default)

    def notes(self, arms: Iterable[Arm]) -> tuple[str, ...]:
        """One sentence for each pattern that matches none of these arms: it may be misspelt."""
        raced = list(arms)
        idle = [pattern for pattern, _ in self.patterns if not any(_matches(pattern, arm) for arm in raced)]
        return tuple(f'[{TABLE}.arms."{pattern}"] in pyproject.toml matches no arm of this gate' for pattern in idle)


def read(
    pyproject: Path | None, gate: str | None = None, floor: str | None = None, at_most: Sequence[str] = ()
) -> Rules:
    """The rules of a project: the defaults, overridden by its table, by the table's entry for an arm, and by what was typed.

    Each of these may give any of KEYS; a gate without a floor gets a floor of a third of it. In TOML:

        [tool.looprace.gate]
        gate = "3%"
        floor = "1%"
        phases = "6%"
        memory = "10%"
        bits_lost = 2                  # or "any"
        at_most = ["5 ms", "2 GB"]     # an update, whatever the base's takes
        recipes = ["fused"]
        [tool.looprace.gate.arms."linear/manual"]
        gate = "5%"

    pyproject    may be absent, None, or without the table
    gate, floor  as typed: "3%", "3 %" or "0.03"; None where they were not
    at_most      as typed: "5 ms", "at most 2 GB"

    Raises SettingError for a margin that is no share, a floor that is not below its gate, and an unknown key.
    """
    typed: dict[str, object] = {name: value for name, value in (("gate", gate), ("floor", floor)) if value is not None}
    typed |= {"at_most": list(at_most)} if at_most else {}
    table = _table(pyproject) if pyproject else {}
    arms, recipes = table.pop("arms", {}), table.pop("recipes", [])
    if not isinstance(recipes, list) or not all(isinstance(name, str) for name in recipes):
        raise SettingError(f'recipes of [{TABLE}] must be a list such as ["fused", "whole_graph"]; got {recipes!r}.')
    if not isinstance(arms, dict) or not all(isinstance(entry, dict) for entry in arms.values()):
        raise SettingError(f'arms of [{TABLE}] must be tables such as [{TABLE}.arms."linear/*"]; got {arms!r}.')
    own = _over(Margins(), table, f"[{TABLE}]")
    entries = [(pattern, entry, f'[{TABLE}.arms."{pattern}"]') for pattern, entry in arms.items()]
    return Rules(
        default=_over(own, typed, "the command line"),
        patterns=tuple(
            (name, _over(_over(own, entry, where), typed, "the command line")) for name, entry, where in entries
        ),
        recipes=tuple(recipes),
    )


def _table(pyproject: Path | None) -> dict[str, Any]:
    if pyproject is None:
        return {}
    try:
        table: Any = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{pyproject} cannot be read: {error}.") from None
    for name in TABLE.split("."):
        table = table.get(name, {})
        if not isinstance(table, dict):
            raise SettingError(f'{name} in {pyproject} must be a table, [{TABLE}] with gate = "3%"; got {table!r}.')
    return dict(table)


def _over(below: Margins, given: Mapping[str, object], where: str) -> Margins:
    """The margins below, overridden by those that are given here."""
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        keys = (*KEYS, "recipes", "arms") if where == f"[{TABLE}]" else KEYS
        raise SettingError(f"{where} may give {', '.join(keys)}; got {', '.join(unknown)}.")
    gate = _share("gate", given["gate"], where) if "gate" in given else below.gate
    usual = gate / SHARE if "gate" in given else below.floor
    floor = _share("floor", given["floor"], where) if "floor" in given else usual
    if not floor < gate:
        raise SettingError(
            f"floor must be below gate: a slowdown of the gate stops a merge, and it must be proved to exceed the floor; "
            f"got floor {floor:.4g} and gate {gate:.4g} from {where}."
        )
    shares = {name: _share(name, given[name], where) for name in ("phases", "memory") if name in given}
    return replace(
        below,
        gate=gate,
        floor=floor,
        **shares,
        **({"bits_lost": _bits(given["bits_lost"], where)} if "bits_lost" in given else {}),
        **_budgets(given.get("at_most", ()), where),
    )


def _bits(given: object, where: str) -> float | None:
    """Bits that may be lost; None for any."""
    if given == ANY:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= MOST_BITS:
        raise SettingError(f'bits_lost must be a number from 0 to {MOST_BITS} or "{ANY}"; got {given!r} from {where}.')
    return float(given)


def _budgets(given: object, where: str) -> dict[str, float | int]:
    """The budgets of an update: ["at most 5 ms", "2 GB"] as {"seconds": 0.005, "bytes": 2000000000}."""
    budgets: dict[str, float | int] = {}
    for text in [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else [repr(given)]:
        try:
            kind, number = amount(str(text).strip().removeprefix("at most"))
        except ValueError:
            raise SettingError(
                f'at_most takes a time or an amount of memory such as "5 ms" or "2 GB"; got {text!r} from {where}.'
            ) from None
        budgets |= {"seconds": number} if kind == "time" else {"bytes": round(number)}
    return budgets


def _share(name: str, given: object, where: str) -> float:
    """A share from "3%", "3 %", "0.03" or TOML's 0.03; for a bare number from 1 on the per cent sign is missing."""
    text = str(given).strip()
    try:
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise ValueError
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise SettingError(
            f'{name} must be a share {"of memory" if name == "memory" else "of time"} such as "3%" or "0.03"; '
            f"got {given!r} from {where}."
        ) from None
    if not text.endswith("%") and 1 <= share <= 100 * MOST:
        raise SettingError(f'{name} {text} from {where} could be {text} % or {100 * share:g} %: write "{text}%".')
    nothing = name in ("floor", "memory")  # may be 0
    lowest = "at least 0 %" if nothing else "above 0"
    if not math.isfinite(share) or not 0 <= share <= MOST or not (share or nothing):
        raise SettingError(f"{name} must be {lowest} and at most {100 * MOST:.0f} %; got {given!r} from {where}.")
    return share


def _matches(pattern: str, arm: Arm) -> bool:
    return fnmatchcase(arm.implementation, pattern) or fnmatchcase(arm.name, pattern)
