"""What a measuring tool survives: what became of each kill, and of each damaged file."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

FORMAT = 1


class Kill(Struct, frozen=True, kw_only=True):
    """One kill -9, and what was left.

    tool        that was measuring
    victim      "main process", "worker", "server", "judge", or "while writing"
    finished    results that were whole before
    lost        of these, those that were gone or changed afterwards
    unreadable  files that could not be read afterwards and that the tool would have read
    orphans     processes that still ran ten seconds later
    went_on     whether the same command, or the rest of the run, did what was missing; None where that was not tried
    """

    tool: str
    victim: str
    finished: int
    lost: int
    unreadable: int = 0
    orphans: int = 0
    went_on: bool | None = None

    @property
    def survived(self) -> bool:
        """Whether nothing was lost, nothing half-written, nothing left running, and the measurement went on."""
        return not (self.lost or self.unreadable or self.orphans) and self.went_on is not False


class Damage(Struct, frozen=True, kw_only=True):
    """One damaged file of a run, and what the command that read it did.

    kind   of file
    ended  "read", "refused" with a sentence, or the name of an error that nobody expected
    """

    kind: str
    ended: str


class Faults(Struct, frozen=True, kw_only=True):
    """All of them, in the order in which they were tried."""

    format: int = FORMAT
    machine: str
    versions: dict[str, str]
    kills: tuple[Kill, ...] = ()
    damages: tuple[Damage, ...] = ()


class Survival(Struct, frozen=True, kw_only=True):
    """The kills of one kind of victim of one tool, summed up.

    with_results  kills before which there were finished results
    losing        kills that lost some of them
    """

    tool: str
    victim: str
    kills: int
    survived: int
    with_results: int
    losing: int


def survivals(kills: Sequence[Kill]) -> list[Survival]:
    """A line for each tool and victim, in the order in which they come."""
    kinds = dict.fromkeys((kill.tool, kill.victim) for kill in kills)
    return [
        _survival(tool, victim, [k for k in kills if (k.tool, k.victim) == (tool, victim)]) for tool, victim in kinds
    ]


def _survival(tool: str, victim: str, kills: Sequence[Kill]) -> Survival:
    return Survival(
        tool=tool,
        victim=victim,
        kills=len(kills),
        survived=sum(kill.survived for kill in kills),
        with_results=sum(kill.finished > 0 for kill in kills),
        losing=sum(kill.lost > 0 for kill in kills),
    )


def endings(damages: Sequence[Damage]) -> dict[str, Counter[str]]:
    """By kind of file, how often reading it ended in which way."""
    kinds = dict.fromkeys(damage.kind for damage in damages)
    return {kind: Counter(damage.ended for damage in damages if damage.kind == kind) for kind in kinds}
