"""What a race of a step shows, in sentences: which recipe to use, what it costs, and which answers are wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.results import statistics
from bench.results.record import RANKED, Answer, Word
from bench.results.statistics import Estimate
from impls.contract.words import counted, grouped
from impls.floors.names import ALL_REDUCE, FLOORS, MEMORY, PRODUCTS
from reports.run.findings import Finding, of_twin
from reports.run.race_records import RaceRecords
from reports.run.rows import Row, unranked_reason
from reports.text.numbers import count, seconds

FLOOR_WORDS = {
    PRODUCTS: "the plain update's products and convolutions alone",
    MEMORY: "what an update changes and its batch, read and written once",
}
NAMED = 3  # recipes of a tie that are named
SMALLEST = 1e-6  # of the errors in a gradient that are said to be noticed: float64 shows far smaller ones
NO_LOSS = 0.05  # bits, below which none are said to be lost
NOT_THE_SAME: tuple[tuple[Word, str], ...] = (
    ("coarser", "with coarser rounding"),
    ("undecidable", "cannot be decided"),
    ("unjudged", "cannot be judged yet"),
    ("different", "WRONG"),
)


def step_findings(rows: Sequence[Row], records: RaceRecords, twin: Estimate | None) -> Iterator[Finding]:
    """What to know of a race of a step, most important first.

    rows  in their order
    twin  the ratio of the reference to itself
    """
    reference = next((row for row in rows if row.arm.role == "reference" and row.rank), None)
    winners = fastest_recipes(rows)
    if reference:
        yield fastest(winners, reference) if winners else _nothing_faster(rows, reference)
        yield from _coarser(rows, winners, records)
    for row in rows:
        if row.status == "wrong":
            yield Finding("wrong answers", f"WRONG ANSWER of {row.arm.name}: {wrongness(row)}; it is not ranked")
            if row.answer and (fault := whose_fault(row.answer)):
                yield Finding("whose fault", f"{row.arm.name}: {fault}")
        if row.answer and row.answer.skipped:
            made = f"left out {counted(row.answer.skipped, 'update')} or more, because gradients overflowed in float16"
            yield Finding("skipped updates", f"{row.arm.name} {made}: it learns nothing from these")
    yield from _another_way(rows)
    yield from _above_floor(rows)
    yield from _of_processes(rows)
    yield step_answers(rows)
    yield from of_twin(twin)


def fastest_recipes(rows: Sequence[Row]) -> list[Row]:
    """The faithful recipes that are proved faster than the step as written and share the first rank; the fastest first."""
    first = [row for row in rows if row.group == "faithful" and row.rank == 1]
    return [row for row in first if row.verdict == "faster"] if first and first[0].verdict == "faster" else []


def simplest(winners: Sequence[Row]) -> Row | None:
    """Of recipes that cannot be told apart the one with the fewest lines to paste."""
    return min(winners, key=lambda row: len(row.patch.splitlines()), default=None)


def as_written(row: Row) -> str:
    """Whose step it is: "as you wrote it"; "as it is written" for one that is shipped or lies in a folder of steps."""
    return "as it is written" if row.arm.workload.startswith("steps/") else "as you wrote it"


def wrongness(row: Row) -> str:
    """What is wrong with an answer: the tensor, by how many bits, and the referee's sentence."""
    answer = row.answer
    if answer is None:
        return row.reason or "no reason was recorded"
    size = f" is off by {row.bits_lost:.1f} bits" if row.bits_lost is not None else ""
    fine = f" ({answer.bits_lost_float64:.1f} in float64)" if size and answer.bits_lost_float64 is not None else ""
    off = f"{answer.tensor or ('an answer' if size else '')}{size}{fine}"
    return ", ".join(filter(None, [off, answer.reason or row.reason]))


def whose_fault(answer: Answer) -> str:
    """By whose fault an answer is different, in which module it begins, and what shows it; empty where nobody looked."""
    first = f", first in the {answer.module}" if answer.module else ""
    whose = {
        "": "",
        "rewrite": f"its own lines compute something else{first}",
        "capture": "its lines are right as they are written, and the graph that is captured of them is wrong: "
        "a fault of the capture",
        "compiler": "the graph that it captured is right when it is run as it is, and wrong when it is compiled: "
        f"a fault of the compiler ({answer.stage})",
    }[answer.whose]
    script = f"{answer.script} shows it without looprace" if answer.script else ""
    missing = f"{'no script shows that' if whose else 'whose fault it is was not found out'}: {answer.undiagnosed}"
    return "; ".join(filter(None, [whose, script, missing if answer.undiagnosed else ""]))


def draws_of(answer: Answer) -> str:
    """How an arm of a step that draws random numbers was judged."""
    if answer.draws != "own":
        return "judged and timed with equal draws"
    return (
        "judged with equal draws, timed without"
        if answer.bits_lost_float64 is not None
        else "judged by its draws alone"
    )


def step_answers(rows: Sequence[Row]) -> Finding:
    """How many other ways compute the same as the step, and how small a mistake would have been noticed."""
    answers = [row.answer for row in rows if row.answer and row.arm.role == "arm" and row.work != "floor"]
    words = Counter(answer.word for answer in answers)
    alike = words["same in distribution"]
    same = words["identical"] + words["same"] + words["closer"] + alike
    if not answers:
        return Finding("answers", "No answer was judged")
    parts = [f"{same} of {len(answers)} judged ways compute the same as the step"]
    if same:
        exact = [f"{words['identical']} to the bit"] if words["identical"] else []
        drawn = [f"{alike} in distribution, with other random numbers"] if alike else []
        parts[0] += f" ({', '.join([*exact, *drawn])})" if exact or drawn else " but for rounding"
    parts += [f"{words[word]} {text}" for word, text in NOT_THE_SAME if words[word]]
    noticed = [answer.power.gradient for answer in answers if answer.power and answer.power.gradient]
    share = count(100 * max(SMALLEST, *noticed), 1) if noticed else ""
    late = min((max(answer.audits, default=0) for answer in answers if answer.word in RANKED), default=0)
    parts += [f"each was judged again in the race, the last time after {grouped(late)} updates or more"] if late else []
    power = f"; an error of {share} % in a gradient would be noticed" if noticed else ""
    return Finding("answers", ", ".join(parts) + power)


def fastest(winners: Sequence[Row], reference: Row) -> Finding:
    """How much faster the fastest recipes are, whether they compute the same, and what they cost."""
    several = len(winners) > 1
    best = simplest(winners)
    shown = [row.arm.name for row in winners]
    statement = (
        f"{_listed(shown)} {'run' if several else 'runs'} this step {_speed(winners)} as fast {as_written(reference)}"
    )
    rest = f", {_sameness(winners)}" + ("; they cannot be told apart" if several else "")
    rest += _later_start(best, reference, best.arm.name if several else "it") if best else ""
    return Finding("fastest", statement, _span(winners), rest)


def _nothing_faster(rows: Sequence[Row], reference: Row) -> Finding:
    update = f"{seconds(reference.seconds.value if reference.seconds else None)} per update"
    own, takes = f"{as_written(reference)} ({update})", f"it takes {update} {as_written(reference)}"
    others = [row for row in rows if row.seconds and row.arm.role == "arm" and row.work != "floor"]
    if not others:
        return Finding("fastest", f"No other way to run this step could be timed; {takes}")
    if not any(row.rank for row in others):
        reasons = {unranked_reason(row) for row in others}
        reason = reasons.pop() if len(reasons) == 1 else "no answer was judged the same"
        return Finding("fastest", f"No other way to run this step is ranked: {reason}; {takes}")
    undecided = next((row for row in others if row.group == "faithful" and row.verdict == "unresolved"), None)
    if undecided:
        quick = undecided.ratio is not None and undecided.ratio.value < 1
        came = f"{undecided.arm.name} came out {_speed([undecided])} as fast, and " if quick else ""
        return Finding("fastest", f"Nothing is known to be faster than this step {own}: {came}more rounds would tell")
    return Finding("fastest", f"Nothing that was tried is faster than this step {own}")


def _coarser(rows: Sequence[Row], winners: Sequence[Row], records: RaceRecords) -> Iterator[Finding]:
    """The fastest of the coarser recipes, where it is faster than every faithful one."""
    best = next((row for row in rows if row.group == "coarser"), None)
    if best is None or best.verdict != "faster":
        return
    if winners and statistics.verdict(records.ratio(best.arm, winners[0].arm)) != "faster":
        return
    bits = f"{best.bits_lost:.0f} lost bits" if best.bits_lost else "coarser rounding"
    statement = f"{'Faster still' if winners else 'Faster'} if you accept {bits}: {best.arm.name}"
    yield Finding("coarser", f"{statement}, {_speed([best])} as fast {as_written(best)}", _span([best]))


def _above_floor(rows: Sequence[Row]) -> Iterator[Finding]:
    """How far above the slower floor the fastest faithful recipe and the step as written are."""
    own = [row for row in rows if row.arm.implementation in FLOORS]  # those of several processes bound no other arm
    floors = [(row.seconds.value, row.arm.implementation) for row in own if row.group == "floor" and row.seconds]
    bounded = [(row, row.floor) for row in rows if row.group == "faithful" and row.rank and row.floor]
    if not floors or not bounded:
        return
    takes, name = max(floors)
    shown = [(row, floor) for row, floor in bounded if row is bounded[0][0] or row.arm.role == "reference"]
    multiples = " and ".join(f"{row.arm.name} {count(floor.value, 2)} times" for row, floor in shown)
    below = [row.arm.name for row, floor in bounded if floor.high and floor.high < 1]
    less = f"; {_listed(below)}: less than once, with fewer or cheaper products than the plain step's" if below else ""
    yield Finding("bound", f"{name} ({FLOOR_WORDS.get(name, name)}) takes {seconds(takes)}, and {multiples} that{less}")


def _another_way(rows: Sequence[Row]) -> Iterator[Finding]:
    """Which arms train in another way than the step, and what was proved of them."""
    for row in rows:
        if row.work == "algorithmic" and row.rank:
            yield Finding(
                "another algorithm",
                f"{row.arm.name} trains in another way, by intention: what was proved is that its processes do what one "
                "process does in that way, not that it learns as much as the step",
            )


def _of_processes(rows: Sequence[Row]) -> Iterator[Finding]:
    """What the processes of the fastest arm of several cost each other, and what they must send at least."""
    several = [(row, row.share.seconds, row.seconds.value) for row in rows if row.share and row.seconds and row.rank]
    alone = next((row.seconds for row in rows if row.arm.implementation == ALL_REDUCE and row.seconds), None)
    for row, own, update in several[:1]:
        least = f", of which one all-reduce of as many numbers alone takes {seconds(alone.value)}" if alone else ""
        yield Finding(
            "processes",
            f"Of an update of {row.arm.name}, {seconds(update)}, the slowest process's own rows take {seconds(own)}; "
            f"what the processes cost each other takes {seconds(max(0.0, update - own))}{least}",
        )


def _speed(rows: Sequence[Row]) -> str:
    """How many times as fast as the reference the first of these is: "4.9 times"."""
    ratio = rows[0].ratio
    return f"{count(1 / ratio.value, _digits(ratio))} times" if ratio else "a little"


def _span(rows: Sequence[Row]) -> str:
    """The least and the greatest that this may be, of all of these: "4.7 to 5.1"; empty without intervals."""
    ends = [(1 / ratio.high, 1 / ratio.low) for row in rows if (ratio := row.ratio) and ratio.low and ratio.high]
    if not ends or not rows[0].ratio:
        return ""
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return " to ".join(count(end, _digits(rows[0].ratio)) for end in (low, high))


def _digits(ratio: Estimate) -> int:
    return 2 if 1 / ratio.value >= 2 else 3


def _sameness(winners: Sequence[Row]) -> str:
    """How much the same the answers of these are, the least of them: "identical to the bit", "same to 0.3 bits"."""
    own = [row.answer for row in winners if row.answer and row.answer.draws == "own"]
    if own:
        return f"the same in distribution ({draws_of(own[0])})"
    bits = max((row.bits_lost or 0.0 for row in winners), default=0.0)
    if all(row.answer and row.answer.word == "identical" for row in winners):
        return "identical to the bit"
    return f"same to {bits:.1f} bits" if bits >= NO_LOSS else "the same, with no bits lost"


def _later_start(best: Row, reference: Row, name: str) -> str:
    """How much later a recipe starts than the step as written, and when it has caught up."""
    if best.cold_seconds is None or reference.cold_seconds is None or best.break_even is None:
        return ""
    late = best.cold_seconds - reference.cold_seconds
    if not best.break_even.updates:
        return ""
    about = "" if best.break_even.alone else "about "
    return f"; {name} starts {about}{seconds(late)} later and has caught up after {about}" + counted_updates(
        best.break_even.updates
    )


def counted_updates(updates: int) -> str:
    """ "4 200 updates", in two digits."""
    return f"{count(updates)} {'update' if updates == 1 else 'updates'}"


def _listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c", "a, b and 4 others"."""
    shown = [*names] if len(names) <= NAMED else [*names[: NAMED - 1], counted(len(names) - NAMED + 1, "other")]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
