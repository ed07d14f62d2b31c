"""The gate's part of the door: what can be typed after `gate`, and the two steps in which it is done.

A gate begins in this checkout, which lays both sides out, and goes on in a process whose `impls` is the head's: so that cells,
data and oracles are the head's own, whichever revision or project that is. `bench` and `reports` are this checkout's in both.
"""

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli import console, options, session

GOES_ON = ("resume", "results", "budget", "rounds", "markdown", "annotations", "json_")  # may be typed with --resume
KEPT = (
    "head",
    "base_python",
    "head_python",
    "project",
    "folder",
    "gate",
    "floor",
    "everything",
    "results",
)  # in the plan
BEGUN = "LOOPRACE_GATE"  # in the environment of the second step: the gate's folder

Base = Annotated[
    str | None,
    typer.Option(metavar="REV", help="The revision to compare with; what is raced is where the head left it."),
]
Head = Annotated[str | None, typer.Option(metavar="REV", help="The revision in question.  [default: the working tree]")]
BasePython = Annotated[
    str | None, typer.Option(metavar="PATH", help="Interpreter of the base: compares two environments.")
]
HeadPython = Annotated[str | None, typer.Option(metavar="PATH", help="Interpreter of the head.  [default: this one]")]
Project = Annotated[Path | None, typer.Option(help="The git repository in question.  [default: this checkout]")]
Folder = Annotated[str, typer.Option(help="Where its `impls` lies, from its root.")]
Gate = Annotated[str | None, typer.Option("--gate", help="A slowdown of so much stops a merge.  [default: 3%]")]
Floor = Annotated[
    str | None, typer.Option(help="What a slowdown must be proved to exceed.  [default: 1%, or a third of --gate]")
]
Everything = Annotated[bool, typer.Option("--everything", help="Race cells too whose code is the same on both sides.")]
Rounds = Annotated[int | None, typer.Option(help="Rounds after which a cell stays unresolved.  [default: 20]")]
Budget = Annotated[str, typer.Option(help="Time after which no further round is started, e.g. 90s or 15m.")]
Markdown = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Append the summary to this file, e.g. $GITHUB_STEP_SUMMARY.")
]
Annotations = Annotated[bool, typer.Option("--annotations", help="Print GitHub's annotations, too.")]
Resume = Annotated[str | None, typer.Option(help="Go on with this gate instead of starting one: its name or `latest`.")]


def gate(
    context: typer.Context,
    base: Base = None,
    head: Head = None,
    base_python: BasePython = None,
    head_python: HeadPython = None,
    project: Project = None,
    folder: Folder = "",
    gate: Gate = None,
    floor: Floor = None,
    workload: options.Workload = None,
    implementation: options.Implementation = None,
    device: options.Device = None,
    mode: options.Mode = None,
    batch: options.Batch = "full",
    rows: options.Rows = None,
    features: options.Features = None,
    updates: options.Updates = None,
    threads: options.Threads = "1",
    dtype: options.Dtype = "float32",
    seed: options.Seed = 0,
    everything: Everything = False,
    effort: options.Effort = None,
    rounds: Rounds = None,
    budget: Budget = "15m",
    limit: options.Limit = 300.0,
    results: options.Results = Path("results"),
    resume: Resume = None,
    markdown: Markdown = None,
    annotations: Annotations = False,
    json_: options.Json = False,
) -> None:
    """Race two revisions, or two environments, and say which arms became slower; the exit status is for CI.

    \b
    Example: python -m bench gate --base origin/main
    Example: python -m bench gate --base v1.2 --head v1.3 --implementation 'linear/*' --gate 1.5%
    Example: python -m bench gate --base HEAD --base-python ../old/bin/python
    """
    typed = context.params
    with _refusals():
        if typed["resume"]:
            _only_goes_on(context)
        if BEGUN not in os.environ:
            _begin(typed)
        verdict = _carried_out(Path(os.environ[BEGUN]), context)
    raise typer.Exit(verdict)


def _begin(typed: dict[str, Any]) -> None:
    """Lays the sides out, or finds them, and goes on as the process that has the head's `impls`."""
    from bench.gate.sides import checkout, preflight
    from bench.gate.sides.git import SideError
    from bench.results.gate_store import GateStore
    from bench.results.store import Store, pretty
    from bench.runner.worker_process import ROOT
    from bench.system.environment import describe
    from impls.contract.setting import SettingError

    if typed["resume"]:
        ledger = GateStore.find(typed["resume"], typed["results"])
        ledger.store.check_machine(describe(ROOT))
        prepared = checkout.again(ledger.path)
        if preflight.proved(ledger.path, prepared) != prepared:
            raise SideError(
                "what is installed on a side is not what it was, and rounds of both would be mixed: start a new gate"
            )
    else:
        if not (typed["base"] or typed["base_python"]):
            raise SettingError(
                "A gate needs something to compare with: --base origin/main, say, or --base-python PATH."
            )
        _checked(typed)
        ledger = GateStore(Store.create(typed["results"]))
        console.say(f"looprace {ledger.path}: laying out both sides")
        found = checkout.prepare(
            ledger.path,
            project=typed["project"] or ROOT,
            folder=typed["folder"],
            base=typed["base"] or "HEAD",
            head=typed["head"],
            base_python=typed["base_python"],
            head_python=typed["head_python"],
        )
        prepared = preflight.proved(ledger.path, found)
        ledger.store.write("environment.json", pretty(describe(ROOT)))
        ledger.store.write("sides.json", pretty(prepared))
    origin = checkout.origin(ledger.path, prepared.head, 0)
    variables = os.environ | origin.variables | {BEGUN: str(ledger.path)}
    again = [sys.executable, "-P", "-m", "bench", *sys.argv[1:]]
    os.execve(sys.executable, again, variables)  # noqa: S606 - this program once more, with the head's `impls`


def _typed(context: typer.Context) -> list[str]:
    """The names of the options that were typed."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def _only_goes_on(context: typer.Context) -> None:
    """Raises SettingError for what a gate that was begun has already decided: it would be ignored."""
    from impls.contract.setting import SettingError

    if begun := [f"--{name.replace('_', '-')}" for name in _typed(context) if name not in GOES_ON]:
        raise SettingError(
            f"{', '.join(begun)} was settled when the gate was begun: leave it out, or start a new gate."
        )


def _checked(typed: dict[str, Any]) -> None:
    """Raises SettingError for what can be seen to be nonsense before anything is laid out."""
    from bench.gate.rule.alpha_spending import LOOKS
    from bench.gate.rule.margins import read
    from impls.contract.setting import SettingError

    options.duration("--budget", typed["budget"])
    read(None, typed["gate"], typed["floor"])
    if typed["rounds"] is not None and typed["rounds"] < min(LOOKS):
        raise SettingError(f"Nothing can be decided before {min(LOOKS)} rounds; got --rounds {typed['rounds']}.")


def _carried_out(path: Path, context: typer.Context) -> int:
    """Plans, counts, races and reports; the exit status."""
    from bench.gate import run
    from bench.gate.plan import GateRequest, make_gate_plan
    from bench.gate.rule.verdict import verdict
    from bench.gate.sides import arms, checkout
    from bench.results.gate_store import GateStore
    from bench.results.store import Store
    from reports.exit_status import Exit, status_of_gate
    from reports.gate import write
    from reports.gate.summary import report_of

    ledger, typed = GateStore(Store(path)), context.params
    budget = options.duration("--budget", typed["budget"])
    if not typed["resume"]:
        prepared = checkout.again(path)
        others = {
            "watch": "none",
            "rounds": None,
            "budget": None,
            "workload": typed["workload"] or list(arms.usual_workloads()),
        }
        choice = options.choice(typed["effort"] or "standard", {**typed, **others})
        kept = [name for name in _typed(context) if name in KEPT]
        request = GateRequest(
            choice,
            command="python -m bench " + shlex.join(sys.argv[1:]),
            options={name.replace("_", "-"): typed[name] is True or str(typed[name]) for name in kept},
            gate=typed["gate"],
            floor=typed["floor"],
            budget=budget,
            everything=typed["everything"],
        )
        base = checkout.origin(path, prepared.base, 0)
        base_arms = arms.asked(base, choice, usual=not typed["workload"])
        plan = make_gate_plan(request, prepared, base_arms, path)
        ledger.write_plan(plan)
    plan = ledger.plan()
    most = typed["rounds"] or plan.most
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupted = session.told(run.conduct(plan, ledger, budget=budget, most=most), console.tell_gate)
    duels = {cell.slug: ledger.duels(cell) for cell in plan.cells}
    counts = {cell.slug: each for cell in plan.cells if (each := ledger.counts(cell)) is not None}
    seconds = sum(each.seconds for many in duels.values() for each in many)
    found = verdict(plan, duels, counts, most=most, seconds=seconds)
    report = report_of(found)
    files = write.write(report, ledger.store)
    console.gate(
        report, path, files, json_=typed["json_"], annotations=typed["annotations"], markdown=typed["markdown"]
    )
    if interrupted:
        console.say(f"Interrupted. Finished rounds are kept; go on with: python -m bench gate --resume {path}")
        return int(Exit.INTERRUPTED)
    return int(status_of_gate(found))


@contextmanager
def _refusals() -> Iterator[None]:
    """Besides what any verb refuses: sides that cannot be compared, and a disk that cannot be written, with exit status 5."""
    from bench.gate.sides.checkout import SideError
    from reports.exit_status import Exit

    try:
        with session.refusals():
            yield
    except (SideError, OSError) as error:
        console.say(f"looprace: {error}")
        raise typer.Exit(Exit.UNMEASURED) from error
