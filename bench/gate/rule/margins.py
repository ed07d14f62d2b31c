"""The margins of each arm, which define "slower": as typed, else as pyproject.toml has them, else the defaults."""

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
MOST = 10.0  # a gate of over 1000 % is a typing error
SHARE = 3  # a gate without a floor of its own gets a floor of one third of it


@dataclass(frozen=True)
class Rules:
    """The margins of a project: for each arm those of the last pattern that matches it, else the default ones.

    patterns  matched with an arm's implementation and with its name
    """

    default: Margins
    patterns: tuple[tuple[str, Margins], ...] = ()

    def of(self, arm: Arm) -> Margins:
        """The margins of this arm; patterns are shell patterns and case-sensitive."""
        return next((margins for pattern, margins in reversed(self.patterns) if _matches(pattern, arm)), self.default)

    def notes(self, arms: Iterable[Arm]) -> tuple[str, ...]:
        """One sentence for each pattern that matches none of these arms: it may be misspelt."""
        raced = list(arms)
        idle = [pattern for pattern, _ in self.patterns if not any(_matches(pattern, arm) for arm in raced)]
        return tuple(f'[{TABLE}.arms."{pattern}"] in pyproject.toml matches no arm of this gate' for pattern in idle)


def read(pyproject: Path | None, gate: str | None = None, floor: str | None = None) -> Rules:
    """The rules of a project: the defaults, overridden by its table, by the table's entry for an arm, and by what was typed.

    Each of these may give a gate, a floor or both; a gate without a floor gets a floor of a third of it. In TOML:

        [tool.looprace.gate]
        gate = "3%"
        floor = "1%"
        [tool.looprace.gate.arms."linear/manual"]
        gate = "5%"

    pyproject    may be absent, None, or without the table
    gate, floor  as typed: "3%", "3 %" or "0.03"; None where they were not

    Raises SettingError for a margin that is no share of time, a floor that is not below its gate, and an unknown key.
    """
    typed = {name: value for name, value in (("gate", gate), ("floor", floor)) if value is not None}
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
    unknown = [key for key in given if key not in ("gate", "floor")]
    if unknown:
        raise SettingError(
            f"{where} may give gate and floor{' and arms' * (where == f'[{TABLE}]')}; got {', '.join(unknown)}."
        )
    gate = _share("gate", given["gate"], where) if "gate" in given else below.gate
    usual = gate / SHARE if "gate" in given else below.floor
    floor = _share("floor", given["floor"], where) if "floor" in given else usual
    if not floor < gate:
        raise SettingError(
            f"floor must be below gate: a slowdown of the gate stops a merge, and it must be proved to exceed the floor; "
            f"got floor {floor:.4g} and gate {gate:.4g} from {where}."
        )
    return Margins(gate=gate, floor=floor)


def _share(name: str, given: object, where: str) -> float:
    """A share of time from "3%", "3 %", "0.03" or TOML's 0.03; for a bare number from 1 on the per cent sign is missing."""
    text = str(given).strip()
    try:
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            raise ValueError
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise SettingError(
            f'{name} must be a share of time such as "3%" or "0.03"; got {given!r} from {where}.'
        ) from None
    if not text.endswith("%") and 1 <= share <= 100 * MOST:
        raise SettingError(f'{name} {text} from {where} could be {text} % or {100 * share:g} %: write "{text}%".')
    lowest = "above 0" if name == "gate" else "at least 0 %"
    if not math.isfinite(share) or not 0 <= share <= MOST or (name == "gate" and not share):
        raise SettingError(f"{name} must be {lowest} and at most {100 * MOST:.0f} %; got {given!r} from {where}.")
    return share


def _matches(pattern: str, arm: Arm) -> bool:
    return fnmatchcase(arm.implementation, pattern) or fnmatchcase(arm.name, pattern)
