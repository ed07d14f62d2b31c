"""`bench gate`, from what was typed to the verdict, in two steps and two processes.

The first lays both sides out, in this checkout. The second races them, in a process whose `impls` is the head's: cells, data
and oracles are the head's own, whichever revision or project that is. `bench` and `reports` are this checkout's in both.
"""

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import NoReturn

import typer

from bench.cli import console, notation, options, session
from bench.cli.options import Gate
from bench.gate import run as gating
from bench.gate.plan import GateRequest, make_gate_plan
from bench.gate.rule.alpha_spending import LOOKS
from bench.gate.rule.margins import read
from bench.gate.rule.verdict import verdict
from bench.gate.sides import arms, checkout, preflight, step_files
from bench.gate.sides.git import Repository, SideError
from bench.processes.worker_process import ROOT
from bench.results.gate import GatePlan, GateVerdict
from bench.results.gate_store import GateStore
from bench.results.record import Arm
from bench.results.store import Store, pretty
from bench.runner import step_plan
from bench.runner.plan import Choice, check, present
from bench.system.environment import describe
from impls.contract.setting import SettingError
from impls.recipe import steps
from reports.exit_status import Exit, status_of_gate

RESUMABLE = ("resume", "results", "budget", "rounds", "markdown", "annotations", "json_")  # may be typed with --resume
# Options that the plan keeps, because a command for the same sides needs them, too.
KEPT = ("head", "base_python", "head_python", "project", "folder", "gate", "floor", "everything", "results")
SEVERAL = ("at_most",)  # the same, of options that may be typed more than once
BEGUN = "LOOPRACE_GATE"  # in the environment of the second step: the gate's folder


def gate(typed: Gate) -> None:
    """Begins a gate, or carries on one that was begun; the exit status is the verdict."""
    with session.refusals(SideError, OSError):
        if typed.resume is not None:
            options.refuse_settled(typed, RESUMABLE, "gate")
        if BEGUN not in os.environ:
            folder = _find(typed) if typed.resume is not None else _lay_out(typed)
            _go_on(folder)
        status = _carry_out(Path(os.environ[BEGUN]), typed)
    raise typer.Exit(status)


def _find(typed: Gate) -> Path:
    """The folder of a gate that was begun. Raises SideError when a side is not what it was."""
    store = GateStore.find(typed.resume or "", typed.results)
    store.store.check_machine(describe(ROOT))
    prepared = checkout.again(store.path)
    if preflight.proved(store.path, prepared) != prepared:
        raise SideError(
            "what is installed on a side is not what it was, and rounds of both would be mixed: start a new gate"
        )
    return store.path


def _lay_out(typed: Gate) -> Path:
    """The folder of a new gate, with both sides in it. Raises SettingError, before anything is written, for a mistake."""
    _check(typed)
    store = Store.create(typed.results)
    console.say(f"looprace {store.path}: laying out both sides")
    project, files = _project(typed)
    sides = checkout.prepare(
        store.path,
        project=project,
        folder=typed.folder,
        base=typed.base or "HEAD",
        head=typed.head,
        base_python=typed.base_python,
        head_python=typed.head_python,
        steps=files,
    )
    prepared = preflight.proved(store.path, sides)
    store.write("environment.json", pretty(describe(ROOT)))
    store.write("sides.json", pretty(prepared))
    return store.path


def _check(typed: Gate) -> None:
    """Raises SettingError for a mistake that can be seen before anything is written."""
    if not (typed.base or typed.base_python):
        raise SettingError("A gate needs something to compare with: --base origin/main, say, or --base-python PATH.")
    choice = _choice(typed, workload=typed.workload or Choice.workload)
    check(choice)
    list(step_plan.races(choice.steps, choice.setting, ("cpu",), choice.effort))  # refuses what no step can have
    if (asked := choice.of("device")) and (devices := present(asked)) != asked:
        console.warn([f"there is no GPU that PyTorch can use: only {', '.join(devices)} is raced"])
    notation.duration("--budget", typed.budget)
    read(None, typed.gate, typed.floor, typed.at_most or ())
    if typed.rounds and notation.count("--rounds", typed.rounds) < min(LOOKS):
        raise SettingError(f"Nothing can be decided before {min(LOOKS)} rounds; got --rounds {typed.rounds}.")
    try:
        repository = Repository.at(_project(typed)[0])
        for revision in filter(None, (typed.base, typed.head)):
            repository.commit(revision)
        if typed.base_python:
            checkout.interpreter(typed.base_python, "base")
        if typed.head_python:
            checkout.interpreter(typed.head_python, "head")
    except SideError as error:
        raise SettingError(str(error)) from error


def _project(typed: Gate) -> tuple[Path, dict[str, str]]:
    """The root of the repository whose revisions are compared; and the steps that are raced, with their paths from there.

    Raises SideError for steps that lie in no repository, SettingError or UnknownNameError for names that mean none.
    """
    names = _choice(typed, workload=Choice.workload).steps.names
    if not names:
        return typed.project or ROOT, {}
    if typed.folder:
        raise SettingError("--folder says where `impls` lies: leave it out where a step is gated.")
    return step_files.locate(steps.choose(names), typed.project)


def _go_on(folder: Path) -> NoReturn:
    """This program once more, with the `impls` of the gate's head."""
    origin = checkout.origin(folder, checkout.again(folder).head, 0)
    variables = os.environ | origin.variables | {BEGUN: str(folder)}
    again = [sys.executable, "-P", "-m", "bench", *sys.argv[1:]]
    os.execve(sys.executable, again, variables)  # noqa: S606 - the same interpreter and the same arguments


def _carry_out(path: Path, typed: Gate) -> Exit:
    """Plans, counts, races and reports."""
    store = GateStore(Store(path))
    budget = notation.duration("--budget", typed.budget)
    if typed.resume is None:
        store.write_plan(_plan(path, typed, budget))
    plan = store.plan()
    most = notation.count("--rounds", typed.rounds) if typed.rounds else plan.most
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with session.machine_reserved():
        interrupted = session.under_progress(gating.run(plan, store, budget=budget, most=most), "gate")
    result = _decided(store, plan, most)
    _show(result, store.store, typed)
    if interrupted:
        console.say(f"Interrupted. Finished rounds are kept; go on with: python -m bench gate --resume {path}")
        return Exit.INTERRUPTED
    return status_of_gate(result)


def _plan(path: Path, typed: Gate, budget: float) -> GatePlan:
    """The plan of a new gate, whose sides are laid out."""
    prepared = checkout.again(path)
    stepped = bool(prepared.head.steps)
    choice = _choice(typed, workload=typed.workload or (() if stepped else arms.usual_workloads()))
    values = {name: getattr(typed, name) for name in KEPT if name in typed.given}
    values |= {"set": " ".join(choice.steps.parameters)} if choice.steps.parameters else {}
    kept: dict[str, str | bool | list[str]] = {name: value is True or str(value) for name, value in values.items()}
    kept |= {name: list(getattr(typed, name)) for name in SEVERAL if name in typed.given}
    request = GateRequest(
        choice,
        command="python -m bench " + shlex.join(sys.argv[1:]),
        options={name.replace("_", "-"): value for name, value in kept.items()},
        gate=typed.gate,
        floor=typed.floor,
        budget=budget,
        everything=typed.everything,
        at_most=tuple(typed.at_most or ()),
    )
    base_arms: list[Arm] = []
    if not stepped:
        base_arms = arms.arms_of_side(checkout.origin(path, prepared.base, 0), choice, usual=not typed.workload)
    return make_gate_plan(request, prepared, base_arms, path)


def _choice(typed: Gate, workload: "list[str] | tuple[str, ...]") -> Choice:
    """What to race; nothing is drawn. Raises SettingError for what makes no sense."""
    chosen = session.arms(typed, *(typed.names or ()))
    if not chosen["steps"].names:
        chosen |= {"workload": tuple(workload), "setting": chosen["setting"] | {"watch": ("none",)}}
    return Choice(
        **chosen,
        effort=typed.effort or "standard",
    )


def _decided(store: GateStore, plan: GatePlan, most: int) -> GateVerdict:
    """The verdict on what the folder of a gate holds."""
    rounds = {cell.slug: store.rounds(cell) for cell in plan.cells}
    counts = {cell.slug: each for cell in plan.cells if (each := store.counts(cell)) is not None}
    seconds = sum(each.seconds for many in rounds.values() for each in many)
    return verdict(plan, rounds, counts, most=most, seconds=seconds)


def shown(folder: Path) -> str:
    """The summary of a gate, once its document could be made, too; in memory, without pictures."""
    from reports.gate import json_document, markdown, summary  # late: loads matplotlib

    store = GateStore(Store(folder))
    plan = store.plan()
    report = summary.report_of(_decided(store, plan, plan.most))
    pretty(json_document.document(report))
    return markdown.render(report)


def _show(result: GateVerdict, store: Store, typed: Gate) -> None:
    """Writes the reports of a gate, and shows them in all the ways that were asked for; its headline last."""
    from reports.gate import annotations, json_document, markdown, summary, terminal, write  # late: loads matplotlib

    report = summary.report_of(result)
    files = write.write(report, store)
    if typed.annotations:
        console.say(annotations.render(report))  # on standard error: GitHub reads it there, too
    if typed.json_:
        console.print_json(json_document.document(report))
    else:
        console.name_files(store.path, files)
        wide = console.console()
        console.show(terminal.render(report, wide.width), wide)
    if typed.markdown:
        with typed.markdown.open("a", encoding="utf-8") as file:
            file.write(markdown.render(report) + "\n")
