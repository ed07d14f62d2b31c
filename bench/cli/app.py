"""The door: parses the command line, shows progress and results, decides the exit status.

Everything heavy is imported inside the verbs, so that `--help` answers at once.
"""

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from bench.cli import console, options, session
from bench.cli.gate import gate
from bench.cli.options import known, several

INTERRUPTED = 130  # the other exit statuses are in reports/exit_status.py

app = typer.Typer(
    help="Races the ways to write one PyTorch training loop, and proves that they compute the same thing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("list")
def list_(json_: options.Json = False) -> None:
    """Workloads, implementations, and what each needs.

    \b
    Example: python -m bench list
    """
    from reports import catalogue

    if json_:
        console.print_json(catalogue.document())
    else:
        console.show(catalogue.render())


@app.command()
def run(
    context: typer.Context,
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
    watch: options.Watch = None,
    every: options.Every = 80,
    reference: options.Reference = None,
    rounds: options.Rounds = None,
    sweep: options.Sweep = None,
    effort: options.Effort = None,
    budget: options.Budget = None,
    limit: options.Limit = 300.0,
    results: options.Results = Path("results"),
    resume: options.Resume = None,
    profile: options.Profile = False,
    json_: options.Json = False,
) -> None:
    """Race the arms; records and reports go to a folder below --results.

    \b
    Example: python -m bench run --effort quick
    Example: python -m bench run --sweep rows=1e2:1e7 --implementation linear/nn_sgd --implementation linear/c
    """
    from bench.results.store import Store
    from bench.runner.worker_process import ROOT
    from bench.system.environment import describe
    from reports.exit_status import status_of

    with session.refusals():
        if resume:
            store = Store.find(resume, results)
            store.check_resumable(describe(ROOT))
        else:
            chosen = options.choice(effort or ("quick" if sweep else "standard"), context.params)
            store = session.begun(chosen, results)
        interrupted = session.race(store, json_) or (profile and session.profile(store))
        comparison = console.report(store, store, json_=json_)
    if interrupted:
        console.say(f"Interrupted. Finished rounds are kept; go on with: python -m bench run --resume {store.path}")
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(status_of(comparison))


@app.command("profile")
def profile_(
    context: typer.Context,
    names: options.Names = None,
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
    reference: options.Reference = None,
    rounds: options.Rounds = None,
    native: options.Native = False,
    limit: options.Limit = 300.0,
    results: options.Results = Path("results"),
    json_: options.Json = False,
) -> None:
    """Say where an update's time goes: a quick race, then passes of their own. Two arms are set side by side.

    \b
    Example: python -m bench profile linear/manual
    Example: python -m bench profile linear/manual linear/in_place --mode eager
    """
    from reports.exit_status import status_of

    with session.refusals():
        chosen = options.choice("quick", context.params)
        store = session.begun(chosen, results)
        interrupted = session.race(store, json_) or session.profile(store, native=native)
        comparison = console.profiles(store, json_=json_)
    raise typer.Exit(INTERRUPTED if interrupted else status_of(comparison))


@app.command()
def report(
    run_: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, its name, its archive, or `latest`.")
    ] = "latest",
    against: options.Against = None,
    history: options.History = False,
    out: options.Out = None,
    archive: options.Archive = None,
    results: options.Results = Path("results"),
    json_: options.Json = False,
) -> None:
    """Draw the reports of a run again, from its records; or compare it with an earlier run; or show all runs in a row.

    \b
    Example: python -m bench report latest --out /tmp/report
    Example: python -m bench report latest --against 2026-11-20T10-00-00-1a2b
    Example: python -m bench report --history
    Example: python -m bench report latest --archive run.tar.gz
    Example: python -m bench report run.tar.gz --out /tmp/report
    """
    from bench.results.archive import opened, pack
    from bench.results.store import Store
    from reports.exit_status import status_of

    with session.refusals():
        options.known_report(run_, against, out, archive, history=history)
        if history:
            console.history(results, Store(out or results), json_=json_)
            return
        with opened(run_, results) as store:
            target = Store(out) if out else store
            if against:
                with opened(against, results) as earlier:
                    comparison = console.against(store, earlier, target, json_=json_)
            else:
                comparison = console.report(store, target, json_=json_)
            if archive:
                pack(store.path, archive)
    raise typer.Exit(status_of(comparison))


app.command()(gate)


@app.command()
def check(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Implementations, as shell patterns.")],
    mode: Annotated[str, typer.Option(help="eager, compile, cpp-wrapper, ... as for run.")] = "eager",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    json_: options.Json = False,
) -> None:
    """Test implementations against the contract: right answers, clean resets, nothing left behind.

    \b
    Example: python -m bench check linear/manual
    """
    from impls.contract import catalogue

    with session.refusals():
        options.known_place(mode, device)
        chosen = catalogue.match_implementations(names)
    from bench.worker.contract_check import check as claims

    found = [claim for name in chosen for claim in claims(name, mode, device)]
    broken = sum(claim.word == "BROKEN" for claim in found)
    if json_:
        console.print_json({"format": 1, "claims": [vars(claim) for claim in found]})
    else:
        screen = console.console()
        for claim in found:
            screen.print(f"{claim.word:<8}{claim.said}", style="" if claim.word == "kept" else "bold", markup=False)
        screen.print(f"\n{len(found)} claims, {broken} broken.", style="bold")
    raise typer.Exit(3 if broken else 0)


@app.command()
def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Only look; do not race the twin.")] = False,
    results: options.Results = Path("results"),
    json_: options.Json = False,
) -> None:
    """Say whether this machine is fit to measure on, and how small a change it can show. Changes no setting.

    \b
    Example: python -m bench doctor
    Example: python -m bench doctor --quick --json
    """
    from bench.doctor import resolution
    from bench.doctor.checks import examine
    from reports import doctor as report

    findings, found, interrupted = list(examine(results)), None, False
    if not quick:
        with session.refusals(), resolution.prepared() as store:
            interrupted = session.race(store, json_)
            found, finding = resolution.told(store.records()[0])
            findings.append(finding)
    if json_:
        console.print_json(report.document(findings, found))
    else:
        screen = console.console()
        console.show(report.render(findings, found, screen.width), screen)
    raise typer.Exit(INTERRUPTED if interrupted else 0)


@app.command()
def selfbench(
    only: Annotated[
        str,
        typer.Option(help="answers, reports, tax, attribution, overhead, spread, spread2, gate, score; or several."),
    ] = "",
    repetitions: Annotated[int, typer.Option(help="Races, pairs or calls of each kind.")] = 10,
    json_: options.Json = False,
) -> None:
    """Measure looprace itself: its spread, its overhead, its own speed. Half an hour; leave the machine alone.

    The gate's exam and its score beside other tools take hours, and only run when named; both go on where they were stopped.

    \b
    Example: python -m bench selfbench --only answers,tax
    Example: python -m bench selfbench --only gate --repetitions 60
    """
    from bench.runner.worker_process import ArmFault
    from bench.selfbench.figure import Figure
    from bench.selfbench.speed import HOURS, PARTS
    from reports.exit_status import Exit

    chosen = several(only) or tuple(part for part in PARTS if part not in HOURS)
    figures = []
    with session.refusals():
        known("--only", chosen, tuple(PARTS))
        try:
            for found in chain.from_iterable(PARTS[part](repetitions) for part in chosen):
                if isinstance(found, Figure):
                    figures.append(vars(found))
                    kept = "kept" if found.kept else "NOT KEPT"
                    console.say(f"{found.name}: {found.said}; promised: {found.promise}; {kept}")
                else:
                    console.say(found)
        except ArmFault as fault:
            console.say(f"looprace: {fault}; the same command goes on from here")
            raise typer.Exit(Exit.FAILED) from fault
        if "score" in chosen:
            console.score(Path("results/score"))
    if json_:
        console.print_json({"format": 1, "figures": figures})


def main() -> None:
    """The entry point of `python -m bench` and of the `looprace` command."""
    app()


if __name__ == "__main__":
    main()
