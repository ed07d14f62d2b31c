"""What counts as slower for each arm: what was typed, else what pyproject.toml says. Apart: the one place that reads it."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bench.results.gate import Margins
from bench.results.record import Arm
from impls.contract.setting import SettingError

TABLE = "tool.looprace.gate"
MOST = 10.0  # a gate of over 1000 % is a slip of the pen
SHARE = 3  # of a gate without a floor of its own this part is the floor


@dataclass(frozen=True)
class Rules:
    """The margins of every arm: of the last pattern that matches its implementation or its name, else the default ones."""

    default: Margins
    patterns: tuple[tuple[str, Margins], ...] = ()

    def of(self, arm: Arm) -> Margins:
        """The margins of this arm; patterns are those of a shell, and mind upper and lower case."""
        return next((margins for pattern, margins in reversed(self.patterns) if _matches(pattern, arm)), self.default)

    def notes(self, arms: Iterable[Arm]) -> tuple[str, ...]:
        """One sentence for each pattern that matches none of these arms: it may be misspelt, or they are not raced today."""
        every = list(arms)
        idle = [pattern for pattern, _ in self.patterns if not any(_matches(pattern, arm) for arm in every)]
        return tuple(f'[{TABLE}.arms."{pattern}"] in pyproject.toml matches no arm of this gate.' for pattern in idle)


def read(pyproject: Path | None, gate: str | None = None, floor: str | None = None) -> Rules:
    """The rules of a project: defaults, then its table, then the table's entry for an arm, then what was typed.

    Each of them may give a gate, a floor or both; a gate without a floor brings a floor of a third of it. In TOML:

        [tool.looprace.gate]
        gate = "3%"
        floor = "1%"
        [tool.looprace.gate.arms."linear/manual"]
        gate = "5%"

    pyproject    may be absent, None, or without the table
    gate, floor  what was typed, if it was: "3%", "3 %" or "0.03"

    Raises SettingError when a margin is no share of time, is not below its gate, or has a key that is not known.
    """
    typed = {name: said for name, said in (("gate", gate), ("floor", floor)) if said is not None}
    table = _table(pyproject) if pyproject else {}
    arms = table.pop("arms", {})
    if not isinstance(arms, dict) or not all(isinstance(entry, dict) for entry in arms.values()):
        raise SettingError(f'arms of [{TABLE}] must be tables such as [{TABLE}.arms."linear/*"]; got {arms!r}.')
    own = _over(Margins(), table, f"[{TABLE}]")
    entries = [(pattern, entry, f'[{TABLE}.arms."{pattern}"]') for pattern, entry in arms.items()]
    return Rules(
        default=_over(own, typed, "the command line"),
        patterns=tuple(
            (name, _over(_over(own, entry, where), typed, "the command line")) for name, entry, where in entries
        ),
    )


def _table(pyproject: Path | None) -> dict[str, Any]:
    if pyproject is None:
        return {}
    try:
        found: Any = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{pyproject} cannot be read: {error}.") from None
    for name in TABLE.split("."):
        found = found.get(name, {})
        if not isinstance(found, dict):
            raise SettingError(f'{name} in {pyproject} must be a table, [{TABLE}] with gate = "3%"; got {found!r}.')
    return dict(found)


def _over(below: Margins, said: Mapping[str, object], where: str) -> Margins:
    """The margins below, with those that this place says instead."""
    unknown = [key for key in said if key not in ("gate", "floor")]
    if unknown:
        raise SettingError(
            f"{where} may say gate and floor{' and arms' * (where == f'[{TABLE}]')}; got {', '.join(unknown)}."
        )
    gate = _share("gate", said["gate"], where) if "gate" in said else below.gate
    usual = gate / SHARE if "gate" in said else below.floor
    floor = _share("floor", said["floor"], where) if "floor" in said else usual
    if not floor < gate:
        raise SettingError(
            f"floor must be below gate, for a slowdown is proved above the one and stops at the other; "
            f"got floor {floor:.4g} and gate {gate:.4g} by {where}."
        )
    return Margins(gate=gate, floor=floor)


def _share(name: str, said: object, where: str) -> float:
    """A share of time from "3%", "3 %", "0.03" or TOML's 0.03; a bare number from 1 on is taken as a forgotten sign."""
    text = str(said).strip()
    try:
        if isinstance(said, bool) or not isinstance(said, str | int | float):
            raise ValueError
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise SettingError(f'{name} must be a share of time such as "3%" or "0.03"; got {said!r} by {where}.') from None
    if not text.endswith("%") and 1 <= share <= 100 * MOST:
        raise SettingError(f'{name} {text} by {where} could be {text} % or {100 * share:g} %: write "{text}%".')
    lowest = "above 0" if name == "gate" else "at least 0 %"
    if not math.isfinite(share) or not 0 <= share <= MOST or (name == "gate" and not share):
        raise SettingError(f"{name} must be {lowest} and at most {100 * MOST:.0f} %; got {said!r} by {where}.")
    return share


def _matches(pattern: str, arm: Arm) -> bool:
    return fnmatchcase(arm.implementation, pattern) or fnmatchcase(arm.name, pattern)
