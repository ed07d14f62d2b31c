"""Verdicts of every kind, made by hand for the tests of a gate's reports."""

from typing import Any

from bench.results.gate import (
    Cell,
    CellVerdict,
    Clocked,
    Controls,
    Count,
    Counts,
    GatePlan,
    GateVerdict,
    Kind,
    Reason,
    Role,
    Side,
    Whole,
    Word,
)
from bench.results.record import Arm
from reports.gate.summary import GateReport, report_of
from tests.reports.records import arm

RUN = "2026-11-23T10-00-00-abcd"
BASE = Side(
    role="base",
    name="origin/main",
    commit="0123456789abcdef0123456789abcdef01234567",
    python="/usr/bin/python3",
    versions={"python": "3.12.1", "torch": "2.13.0", "numpy": "2.4.6"},
    digest="ab" * 32,
)
HEAD = Side(
    role="head",
    name="the working tree",
    commit="89abcdef0123456789abcdef0123456789abcdef",
    changed=True,
    python="/usr/bin/python3",
    versions={"python": "3.12.1", "torch": "2.13.0", "numpy": "2.4.6"},
    digest="cd" * 32,
)
QUIET = Controls(
    names=("linear/line linear/c cpu eager", "linear/line linear/in_place cpu eager"),
    clocked=Clocked(change=0.001, low=-0.003, high=0.005, rounds=18, deviation=0.008),
)
LOUD = Controls(
    names=QUIET.names, clocked=Clocked(change=0.0234, low=0.0151, high=0.0317, rounds=18, deviation=0.02), vetoes=True
)


def clocked(change: float, half: float | None = 0.02, rounds: int = 6) -> Clocked:
    """A change with an interval of `half` on either side."""
    low, high = (None, None) if half is None else (change - half, change + half)
    return Clocked(change=change, low=low, high=high, rounds=rounds, deviation=half and half / 2)


def cell(name: str | Arm = "linear/manual", kind: Kind = "raced", **more: Any) -> Cell:
    """A cell of linear/line."""
    return Cell(arm=arm(name) if isinstance(name, str) else name, kind=kind, **more)


def found(word: Word, name: str | Arm = "linear/manual", seen: Clocked | None = None, **more: Any) -> CellVerdict:
    """The verdict on one arm; its cell follows from the word where nothing else is given."""
    kinds: dict[Word, Kind] = {"identical": "identical", "new": "new", "missing": "missing"}
    kept = {key: more.pop(key) for key in ("margins", "differs") if key in more}
    return CellVerdict(cell=cell(name, kinds.get(word, "raced"), **kept), word=word, clocked=seen, **more)


def counts(*bad: str, **counters: tuple[float | None, float | None]) -> Counts:
    """Counters, base and head; those named fail by themselves."""
    made = {name: Count(base=base, head=head, bad=name in bad) for name, (base, head) in counters.items()}
    return Counts(counters=made)


def ended(role: Role | None, status: str, detail: str) -> Reason:
    """The reason of a verdict on an arm that failed, was wrong or cannot run."""
    return Reason(cause="ended", role=role, what=status, detail=detail)


REGRESSED = found(
    "regressed",
    seen=clocked(0.073, 0.0225, 12),
    screened=clocked(0.081, 0.03),
    stops=True,
    differs=("impls/linear/manual.py",),
)
BROKEN = found(
    "regressed",
    arm("linear/compiled_forward", mode="compile"),
    seen=clocked(0.001),
    counts=counts("graph_breaks", graph_breaks=(0, 1), operations=(412, 412)),
    reasons=(Reason(cause="counter", what="graph_breaks"),),
    stops=True,
)
OK = found("ok", "linear/nn_sgd", clocked(0.004, 0.013), smallest_detectable=0.021)
PASSED = found(
    "ok",
    "linear/no_grad",
    clocked(0.004, 0.013),
    counts=counts(operations=(412, 436), allocations=(3, 4), graphs=(1, 1)),
)
CLEARED = found("ok", "linear/func_grad", clocked(-0.002, 0.012), screened=clocked(0.041, 0.02))
IMPROVED = found("improved", "linear/analytic", clocked(-0.123, 0.013, 12), screened=clocked(-0.12), stops=False)
MENDED = found("improved", "linear/numba", reasons=(ended("base", "failed", "no cache"), Reason(cause="mended")))
OPEN = found(
    "unresolved", "linear/autograd_grad", clocked(0.026, 0.045), minutes_to_resolve=3.6, smallest_detectable=0.081
)
WRONG = found(
    "wrong", "linear/jax", reasons=(ended("head", "wrong", "a weight is 0.3 away from the oracle"),), stops=True
)
WRONG_ON_BOTH = found("wrong", "linear/jax", reasons=(ended("head", "wrong", "off"), ended("base", "wrong", "off")))
FAILED = found("failed", "linear/c", reasons=(ended("head", "crashed", "no compiler"),), stops=True)
FAILED_ON_BOTH = found(
    "failed",
    "linear/c",
    reasons=(ended("head", "crashed", "no compiler"), ended("base", "crashed", "no compiler")),
)
TIMELESS = found("unmeasured", "linear/unrolled", reasons=(Reason(cause="data"),))
UNAVAILABLE = found("unavailable", "linear/triton_update", reasons=(ended(None, "unsupported", "no CUDA device"),))
NEW = found("new", "linear/sklearn")
MISSING = found("missing", "linear/sgd_fused")
SAME = found("identical", "linear/moments")
OFF = (Reason(cause="controls"),)
DOUBTED = found("unresolved", seen=clocked(0.05), reasons=OFF)
EVERYTHING = (
    SAME, NEW, OK, PASSED, CLEARED, REGRESSED, UNAVAILABLE, IMPROVED, MENDED, OPEN, WRONG, FAILED, BROKEN, TIMELESS, MISSING,
)  # fmt: skip

KINDS: dict[str, tuple[Whole, tuple[CellVerdict, ...], Controls]] = {
    "regressed": ("regressed", (OK, REGRESSED, SAME), QUIET),
    "by a counter": ("regressed", (OK, BROKEN), QUIET),
    "ok": ("ok", (OK, PASSED, IMPROVED, SAME), QUIET),
    "unresolved": ("unresolved", (OK, OPEN), QUIET),
    "nothing decided": ("unmeasured", (OPEN,), QUIET),
    "veto": ("unmeasured", (DOUBTED, found("unresolved", "linear/c", clocked(-0.2), reasons=OFF)), LOUD),
    "missing": ("unmeasured", (OK, MISSING), QUIET),
    "wrong": ("wrong", (OK, WRONG_ON_BOTH), QUIET),
    "failed": ("failed", (OK, FAILED_ON_BOTH), QUIET),
    "nothing to race": ("nothing to race", (SAME,), QUIET),
    "empty": ("unmeasured", (), Controls()),
    "everything": ("regressed", EVERYTHING, QUIET),
}

HOSTILE = {
    "markup": "<script>alert(1)</script><b onclick='x'>[bold]no[/bold] </details>",
    "quotes": "\"'` | ``` \\ $HOME $(id)",
    "control": "\x1b[31mred\x1b[0m\r\n::error file=x::owned\n##[error]owned\x00\x07",
    "right to left": "safe\u202egnp.exe\u202c \u2066isolated\u2069",
    "percent": "100 % ,:; %0A::error::owned",
    "formula": '=HYPERLINK("http://nowhere.invalid")',
    "long": "word " * 5000,
    "unbroken": "x" * 5000,
    "empty": "",
}


def plan(*cells: CellVerdict, **more: Any) -> GatePlan:
    """A plan of the cells that were judged."""
    command = "python -m bench gate --base origin/main"
    settled: dict[str, Any] = {"run": RUN, "base": BASE, "head": HEAD, "command": command, "options": {}}
    values: dict[str, Any] = {"seed": 1, "budget": 900, "most": 20, "limit": 300, "lap_seconds": 1.0}
    return GatePlan(cells=tuple(each.cell for each in cells), **{**settled, **values, **more})


def gate(kind: str = "everything", **more: Any) -> GateVerdict:
    """A gate of this kind; more goes to its plan."""
    word, cells, controls = KINDS[kind]
    return of(word, *cells, controls=controls, **more)


def of(word: Whole, *cells: CellVerdict, controls: Controls = QUIET, complete: bool = True, **more: Any) -> GateVerdict:
    """The verdict of a gate with these cells."""
    notes = {"notes": ("the base is where the head left origin/main",)} | more
    return GateVerdict(
        plan=plan(*cells, **notes),
        word=word,
        cells=cells,
        controls=controls,
        family_error=0.005,
        smallest_detectable=0.024,
        seconds=240.0,
        complete=complete,
    )


def report(kind: str = "everything", **more: Any) -> GateReport:
    """The report of a gate of this kind; more goes to its plan."""
    return report_of(gate(kind, **more))


def hostile(text: str) -> GateReport:
    """The report of a gate in which every string is the text."""
    named = [Arm(workload=text, implementation=f"{text}{number}", setting=arm().setting) for number in range(6)]
    seen, bad = clocked(0.05), counts(text, **{text: (1, 2), f"{text} more": (None, 3)})
    spoilt = Counts(counters=bad.counters, unsteady=(text,), reason=text, breaks=(text, text))
    cells = (
        found(
            "regressed", named[0], seen, counts=spoilt, reasons=(ended(None, text, text),), stops=True, differs=(text,)
        ),
        found("wrong", named[1], reasons=(ended("head", text, text),), stops=True),
        found("failed", named[2], reasons=(ended("head", text, text),)),
        found(
            "unresolved",
            named[3],
            clocked(float("inf"), None),
            reasons=(ended("head", text, text),),
            minutes_to_resolve=float("nan"),
        ),
        found("missing", named[4]),
        found("ok", named[5], Clocked(change=float("nan"), low=float("-inf"), high=float("inf"), rounds=2)),
    )
    base, head = (
        Side(
            role=side.role,
            name=text,
            commit=text,
            python=text,
            versions={text: f"{text}{side.role}"},
            folder=f"f/{text}",
            digest=text,
        )
        for side in (BASE, HEAD)
    )
    controls = Controls(names=(text,), clocked=seen)
    more: dict[str, Any] = {
        "command": text,
        "options": {"head": text},
        "run": text,
        "notes": (text,),
        "base": base,
        "head": head,
    }
    return report_of(of("regressed", *cells, controls=controls, **more))
