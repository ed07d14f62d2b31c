"""`bench fleet`: races on many machines, one function for each action."""

import shlex
import sys
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import get_args

import typer
from rich.table import Table

from bench import clock
from bench.cli import console, notation, session
from bench.cli.options import Fleet
from bench.fleet import merge as merging
from bench.fleet import submit as submitting
from bench.fleet.export import EXPORTS, exported
from bench.fleet.folder import FleetFolder
from bench.fleet.work import work
from bench.results.fleet import Fleet as Plan
from bench.results.fleet import Job, State
from bench.results.store import Store
from impls.contract.setting import SettingError
from impls.contract.words import counted
from reports.compare import machines
from reports.exit_status import Exit

A_LOOK = 5.0  # seconds from one look at a fleet that is waited for to the next


def fleet(typed: Fleet) -> None:
    """Does what the first word says."""
    with session.refusals(submitting.NoExecutorError):
        if typed.action not in ACTIONS:
            raise SettingError(f"`bench fleet` takes {', '.join(ACTIONS)} as its first word; got {typed.action!r}.")
        if len(typed.places) > 1 and typed.action not in ("merge", "job"):
            raise SettingError(f"`bench fleet {typed.action}` takes one folder; got {len(typed.places)}.")
        status = ACTIONS[typed.action](typed)
    raise typer.Exit(status)


def plan(typed: Fleet) -> Exit:
    """Writes the jobs: each race, with each value of each --set, so many times."""
    if not typed.race:
        raise SettingError("A fleet needs something to race: --race 'steps/vae --effort quick'; repeatable.")
    values = [[f"--set={name}={value}" for value in many] for name, many in _matrix(typed).items()]
    arguments = [
        (*shlex.split(race), *settings)
        for race in typed.race
        for settings in product(*values)
        for _ in range(notation.count("--repeat", typed.repeat))
    ]
    jobs = tuple(Job(number=number, arguments=each) for number, each in enumerate(arguments))
    folder = FleetFolder.create(
        _folder(typed).path, Plan(command="python -m bench " + shlex.join(sys.argv[1:]), jobs=jobs)
    )
    _show(folder, typed, f"Submit them: python -m bench fleet submit {folder.path}")
    return Exit.DONE


def _matrix(typed: Fleet) -> dict[str, list[str]]:
    pairs = [text.partition("=") for text in typed.set_ or ()]
    if wrong := [name for name, equals, values in pairs if not (name and equals and values)]:
        raise SettingError(f"--set takes NAME=A,B; got {wrong[0]!r}.")
    return {name: values.split(",") for name, _, values in pairs}


def submit(typed: Fleet) -> Exit:
    """Submits the jobs that have not ended and that nobody works on."""
    if typed.executor not in submitting.EXECUTORS:
        raise SettingError(f"--executor takes {' or '.join(submitting.EXECUTORS)}; got {typed.executor!r}.")
    folder = _folder(typed)
    jobs = folder.missing()
    if jobs:
        submitting.submit(
            folder,
            jobs,
            executor=typed.executor,
            minutes=max(1, round(notation.duration("--limit", typed.limit) / 60)),
            at_most=notation.count("--at-most", typed.at_most),
            slurm=dict(_pair(text) for text in typed.slurm or ()),
        )
    _show(
        folder, typed, f"{counted(len(jobs), 'job')} submitted. Watch them: python -m bench fleet watch {folder.path}"
    )
    return Exit.DONE


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise SettingError(f"--slurm takes KEY=VALUE, e.g. partition=gpu; got {text!r}.")
    return name, value


def watch(typed: Fleet) -> Exit:
    """Shows where each job stands; with --wait, once nothing runs or waits any more."""
    folder = _folder(typed)
    while typed.wait and any(each.state in ("running", "waiting") for each in folder.standings()):
        clock.pause(A_LOOK)
    missing = len(folder.missing())
    cure = f"{counted(missing, 'job')} to be done: python -m bench fleet resubmit {folder.path}" if missing else ""
    _show(folder, typed, cure or f"Compare the machines: python -m bench fleet report {folder.path}")
    return Exit.DONE


def report(typed: Fleet) -> Exit:
    """Writes and shows the ratios of each machine, and which differ between machines."""
    place = Path(typed.places[0])
    runs = merging.runs_at(place)
    if not runs:
        raise SettingError(
            f"There is no run at {place} yet: `python -m bench fleet watch {place}` says where its jobs stand."
        )
    comparison = machines.compared([Store(run) for run in runs], _hosts(place))
    console.warn(comparison.complaints)
    Store(place).write("machines.md", machines.markdown(comparison).encode())
    if typed.json_:
        console.print_json(machines.document(comparison))
    else:
        console.show(machines.render(comparison))
        console.name_files(place, ["machines.md"])
    return Exit.DONE


def _hosts(place: Path) -> Mapping[str, str]:
    """The host of each run of a fleet, by the run's name; none of runs that were merged from elsewhere."""
    folder = FleetFolder(place)
    if not (place / "fleet.json").is_file():
        return {}
    ended = [each for job in folder.fleet().jobs if (each := folder.ended(job))]
    return {each.run: each.host for each in ended if each.run}


def merge(typed: Fleet) -> Exit:
    """Copies all runs of these places into one folder."""
    if typed.out is None:
        raise SettingError("merge needs a folder to copy into: --out merged")
    new = dict(merging.merge([Path(place) for place in typed.places], typed.out))
    if typed.json_:
        console.print_json({"format": 1, "runs": {run.name: count for run, count in new.items()}})
    else:
        console.say(f"{counted(len(new), 'run')} in {typed.out}; {counted(sum(new.values()), 'file')} were new.")
    return Exit.DONE


def export(typed: Fleet) -> Exit:
    """Writes the fleet as a file of another engine, beside its plan."""
    if typed.to not in EXPORTS:
        raise SettingError(f"--to takes {' or '.join(EXPORTS)}; got {typed.to!r}.")
    folder = _folder(typed)
    name, text = exported(folder, typed.to)
    Store(folder.path).write(name, text.encode())
    console.name_files(folder.path, [name])
    return Exit.DONE


def job(typed: Fleet) -> int:
    """Carries out one job, as an executor has it done."""
    if len(typed.places) != 2 or not typed.places[1].isdecimal():
        raise SettingError("`bench fleet job` takes the fleet's folder and the number of a job.")
    return work(_folder(typed), int(typed.places[1]))


def _folder(typed: Fleet) -> FleetFolder:
    return FleetFolder(Path(typed.places[0]).resolve())


def _show(folder: FleetFolder, typed: Fleet, then: str) -> None:
    """A line for each job, how many there are of each state, and what to do next."""
    standings = folder.standings()
    if typed.json_:
        jobs = [
            {"job": s.job.number, "race": shlex.join(s.job.arguments), "host": s.host, "status": s.state}
            for s in standings
        ]
        console.print_json({"format": 1, "jobs": jobs, "missing": sum(each.is_missing for each in standings)})
        return
    table = Table(box=None, pad_edge=False)
    for title in ("job", "race", "state", "host", "begun", "said"):
        table.add_column(title)
    for each in standings:
        said = each.said if each.status else ""
        state = each.state if each.status in (None, 0, 2) else f"{each.state}, status {each.status}"
        table.add_row(str(each.job.number), shlex.join(each.job.arguments), state, each.host, str(each.attempts), said)
    counts = {state: sum(each.state == state for each in standings) for state in get_args(State)}
    console.show([table, "\n" + ", ".join(f"{count} {state}" for state, count in counts.items() if count) + ".", then])


ACTIONS: Mapping[str, Callable[[Fleet], int]] = {
    "plan": plan,
    "submit": submit,
    "watch": watch,
    "resubmit": submit,
    "report": report,
    "merge": merge,
    "export": export,
    "job": job,
}
