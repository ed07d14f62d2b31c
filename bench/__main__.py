"""The door: parses the command line, shows progress and results, decides the exit status. Only this file prints.

Everything heavy is imported inside the verbs, so that `--help` answers at once.
"""

import json
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bench.race import Progress
    from bench.store import Store
    from reports.comparison import Comparison


class Exit(IntEnum):
    """What the exit status says."""

    DONE = 0
    REGRESSION = 1
    USAGE = 2
    WRONG = 3
    FAILED = 4
    UNMEASURED = 5
    INTERRUPTED = 130


app = typer.Typer(
    help="Races the ways to write one PyTorch training loop, and proves that they compute the same thing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else there.")]
Results = Annotated[Path, typer.Option(help="Folder that holds the runs.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """Workloads, implementations, and what each needs.

    Example: python -m bench list
    """
    from impls import catalogue

    entries = catalogue.implementations().values()
    if json_:
        _print_json(
            {
                "format": 1,
                "workloads": [{"name": w.name, "summary": w.summary} for w in catalogue.workloads().values()],
                "implementations": [
                    {"name": e.name, "summary": e.summary, "needs": list(e.needs), "missing": e.missing()} for e in entries
                ],
            }
        )
        return
    console = _console()
    console.print("workloads", style="bold")
    for workload in catalogue.workloads().values():
        console.print(f"  {workload.name:<30} {workload.summary}", markup=False)
    console.print("\nimplementations", style="bold")
    for entry in entries:
        missing = entry.missing()
        console.print(f"  {entry.name:<30} {entry.summary}", markup=False)
        console.print(f"  {'':<30} {missing or 'has what it needs: ' + ', '.join(entry.needs)}", style="dim", markup=False)


@app.command()
def run(
    workload: Annotated[list[str] | None, typer.Option(help="Shell pattern; repeatable.  [default: linear/line]")] = None,
    implementation: Annotated[list[str] | None, typer.Option(help="Shell pattern, e.g. 'linear/*'; repeatable.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda,cpu.  [default: all there are]")] = None,
    mode: Annotated[str | None, typer.Option(help="eager, compile or both.  [default: both; quick: eager]")] = None,
    batch: Annotated[str, typer.Option(help="full, or rows an update, e.g. full,256,1: one race each.")] = "full",
    rows: Annotated[int | None, typer.Option(help="Rows of data.")] = None,
    features: Annotated[int | None, typer.Option(help="Columns of data.")] = None,
    updates: Annotated[int | None, typer.Option(help="Length of the job.  [default: the workload's own]")] = None,
    threads: Annotated[str, typer.Option(help="Cores an arm computes on, e.g. 1,2: one race each.")] = "1",
    dtype: Annotated[str, typer.Option(help="float32, float64 or both: one race each.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of the data and the batches.")] = 0,
    watch: Annotated[str | None, typer.Option(help="none, loss, draw, or several: what the loop looks at.")] = None,
    every: Annotated[int, typer.Option(help="Updates between two looks.")] = 80,
    reference: Annotated[str | None, typer.Option(help="Implementation that ratios are taken to.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Exactly so many rounds, whatever the effort says.")] = None,
    effort: Annotated[str, typer.Option(help="quick (1 minute), standard (6) or thorough (20).")] = "standard",
    budget: Annotated[str | None, typer.Option(help="Time for the whole run instead, e.g. 90s or 5m.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds that any one step of an arm may take.")] = 300.0,
    results: Results = Path("results"),
    resume: Annotated[str | None, typer.Option(help="Complete this run instead of starting one: its name or `latest`.")] = None,
    json_: Json = False,
) -> None:
    """Race the arms; records and reports go to a folder below --results.

    Example: python -m bench run --effort quick
    Example: python -m bench run --implementation linear/nn_sgd --watch none,loss,draw
    """
    from bench.environment import describe
    from bench.plan import Choice, make_plan
    from bench.process import ROOT
    from bench.store import Store, pretty

    with _refusals():
        if resume:
            store = Store.find(resume, results)
            plan = store.plan()
            store.check_resumable(describe(ROOT))
        else:
            choice = Choice(
                workload=tuple(workload or ("linear/line",)),
                implementation=tuple(implementation or ("*",)),
                device=_several(device),
                mode=_several(mode),
                batch=_several(batch) or ("full",),
                rows=rows,
                features=features,
                updates=updates,
                threads=_whole_numbers(threads, "--threads"),
                dtype=_several(dtype) or ("float32",),
                seed=seed,
                watch=_several(watch),
                every=every,
                reference=reference,
                effort=effort,
                rounds=rounds,
                budget=_duration(budget) if budget else None,
                limit=limit,
            )
            plan = make_plan(choice, command=_command())
            store = Store.create(results)
            plan = plan.named(store.path.name)
            store.write_plan(plan, describe(ROOT))
        interrupted = _race(store, json_)
        comparison, files = _report(store, store)
        store.write("report.json", pretty(_document(comparison, store)))
    _show(comparison, store, files, json_)
    if interrupted:
        _say(f"Interrupted. Finished rounds are kept; go on with: python -m bench run --resume {store.path}")
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(_status(comparison))


@app.command()
def report(
    run_: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, its name, or `latest`.")] = "latest",
    out: Annotated[Path | None, typer.Option(help="Folder to draw into.  [default: the run's own]")] = None,
    results: Results = Path("results"),
    json_: Json = False,
) -> None:
    """Draw the reports of a run again, from its records.

    Example: python -m bench report latest --out /tmp/report
    """
    from bench.store import Store

    with _refusals():
        store = Store.find(run_, results)
        target = Store(out) if out else store
        comparison, files = _report(store, target)
    _show(comparison, target, files, json_)
    raise typer.Exit(_status(comparison))


@app.command()
def check(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Implementations, as shell patterns.")],
    mode: Annotated[str, typer.Option(help="eager or compile.")] = "eager",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    json_: Json = False,
) -> None:
    """Test implementations against the contract: right answers, clean resets, nothing left behind.

    Example: python -m bench check linear/manual
    """
    from impls import catalogue

    with _refusals():
        chosen = catalogue.match_implementations(names)
    from bench.check import check as claims

    found = []
    for name in chosen:
        try:
            found += [(name, claim) for claim in claims(name, mode, device)]
        except Exception as error:  # noqa: BLE001 - whatever an implementation raises is the finding
            from bench.check import Claim

            found.append((name, Claim("", "", "runs at all", f"{type(error).__name__}: {error}")))
    faults = [claim for _, claim in found if claim.fault]
    if json_:
        _print_json({"format": 1, "claims": [{"implementation": n, **vars(claim)} for n, claim in found]})
    else:
        console = _console()
        for name, claim in found:
            word = "skip" if claim.skipped else "FAIL" if claim.fault else "ok"
            style = {"skip": "dim", "FAIL": "bold red", "ok": "green"}[word]
            console.print(f"{word:<5}", style=style, end="")
            where = f"{name} on {claim.workload}, {claim.setting}" if claim.workload else name
            console.print(f"{where}: {claim.text}{': ' + (claim.fault or claim.skipped or '') if word != 'ok' else ''}",
                          markup=False)  # fmt: skip
        console.print(f"\n{len(found)} claims checked, {len(faults)} broken.", style="bold")
    raise typer.Exit(Exit.WRONG if faults else Exit.DONE)


@app.command()
def selfbench(
    only: Annotated[str, typer.Option(help="answers, tax, overhead, spread, spread2, or several.")] = "",
    repetitions: Annotated[int, typer.Option(help="Races, pairs or calls of each kind.")] = 10,
    json_: Json = False,
) -> None:
    """Measure looprace itself: its spread, its overhead, its own speed. Half an hour; leave the machine alone.

    Example: python -m bench selfbench --only answers,tax
    """
    from bench.selfbench import PARTS

    chosen = _several(only) or tuple(PARTS)
    with _refusals():
        _known("--only", chosen, tuple(PARTS))
    figures = []
    for part in chosen:
        for figure in PARTS[part](repetitions):
            figures.append(vars(figure))
            _say(f"{figure.name}: {figure.said}; promised: {figure.promise}; {'kept' if figure.kept else 'NOT KEPT'}")
    if json_:
        _print_json({"format": 1, "figures": figures})


def _race(store: "Store", quiet: bool) -> bool:
    """Carries the run out under a progress display; True when it was interrupted."""
    from bench import race
    from bench.watch import display_is_there

    plan = store.plan()
    _say(f"looprace {store.path}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = race.run(plan, store, live=display_is_there() and not quiet)
    try:
        for event in progress:
            _tell(event, plan.rounds[1])
    except KeyboardInterrupt:
        progress.close()
        return True
    finally:
        _say("", end="\r\x1b[K" if sys.stderr.isatty() else "")
    return False


def _tell(event: "Progress", most: int) -> None:
    """One line that is drawn over on a terminal; on anything else a line a step, without the laps."""
    left = max(0.0, event.expected - event.elapsed)
    text = f"{event.race.workload}, round {event.round} of at most {most}: {event.doing}"
    if sys.stderr.isatty():
        share = min(1.0, event.elapsed / max(event.expected, 1e-9))
        bar = "━" * round(24 * share) + "╌" * (24 - round(24 * share))
        _say(f"\r\x1b[K{bar} about {left:.0f} s left · {text}"[:150], end="")
    elif not event.doing.startswith("lap"):
        _say(f"[{event.elapsed:6.1f} s, about {left:.0f} s left] {text}")


def _report(store: "Store", target: "Store") -> tuple["Comparison", list[str]]:
    from reports import folder
    from reports.comparison import compare

    records, complaints = store.records()
    for complaint in complaints:
        _say(f"warning: {complaint}")
    comparison = compare(store.plan(), store.environment(), records)
    return comparison, folder.write(comparison, records, target)


def _show(comparison: "Comparison", store: "Store", files: list[str], json_: bool) -> None:
    if json_:
        _print_json(_document(comparison, store))
        return
    from reports import terminal

    console = _console()
    for renderable in terminal.render(comparison, console.width):
        console.print(renderable)
    console.print()
    pictures = sorted(path.relative_to(store.path).as_posix() for path in (store.path / "pictures").glob("*"))
    console.print(f"In {store.path}: {', '.join(files + pictures)}", markup=False)


def _document(comparison: "Comparison", store: "Store") -> dict[str, Any]:
    from reports.document import document

    return document(comparison, str(store.path))


def _status(comparison: "Comparison") -> Exit:
    rows = [row for result in comparison.races for row in result.rows]
    if any(row.status == "wrong" for row in rows):
        return Exit.WRONG
    if not all(any(row.seconds for row in result.rows) for result in comparison.races):
        return Exit.UNMEASURED
    if any(row.status in ("failed", "crashed", "timeout", "out_of_memory") for row in rows):
        return Exit.FAILED
    return Exit.DONE


@contextmanager
def _refusals() -> Iterator[None]:
    """Turns what a person can mend into one sentence and exit status 2."""
    from bench.store import StoreError
    from impls.catalogue import UnknownNameError
    from impls.setting import SettingError

    try:
        yield
    except (SettingError, UnknownNameError, StoreError) as error:
        _say(f"looprace: {error}")
        raise typer.Exit(Exit.USAGE) from error


def _several(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def _known(option: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    from impls.setting import SettingError

    for value in given:
        if value not in known:
            raise SettingError(f"{option} takes {', '.join(known)}; got {value!r}.")


def _whole_numbers(text: str, option: str) -> tuple[int, ...]:
    from impls.setting import SettingError

    parts = _several(text) or ()
    if not parts or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise SettingError(f"{option} takes whole numbers of at least 1, e.g. 1,2; got {text!r}.")
    return tuple(int(part) for part in parts)


def _duration(text: str) -> float:
    from impls.setting import SettingError

    scale = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], None)
    digits = text[:-1] if scale else text
    try:
        seconds = float(digits) * (scale or 1.0)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise SettingError(f"--budget takes a time such as 90s, 5m or 1h; got {text!r}.")
    return seconds


def _command() -> str:
    return "python -m bench " + shlex.join(sys.argv[1:])


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=150)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, allow_nan=False))


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def main() -> None:
    """The entry point of `python -m bench` and of the `looprace` command."""
    app()


if __name__ == "__main__":
    main()
