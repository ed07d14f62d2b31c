"""The options of each command, declared once: a class for each command, which inherits what several commands take.

Nothing here loads a framework, so that `--help` answers at once.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import typer

from impls.contract.coordinates import COORDINATES, Coordinate
from impls.contract.setting import SettingError

T = TypeVar("T", bound="Typed")

LAST = ("results", "json_")  # shown at the end of --help


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What was typed after a command.

    given  the names of the options that stand on the command line
    """

    given: frozenset[str] = frozenset()
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, and nothing else there.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class WithResults(Typed):
    """The options of a command that reads or writes runs."""

    results: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("results")


SetParameters = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Parameter of a step, e.g. hidden=256; repeatable."),
]


@dataclass(frozen=True, kw_only=True)
class WithArms(WithResults):
    """The options of `run`, `profile` and `gate` that say what is raced.

    setting  the text typed for each coordinate of the setting: an option for each of `coordinates`
    """

    coordinates: ClassVar[tuple[str, ...]] = tuple(
        each.name for each in COORDINATES if each.help and each.name not in ("watch", "every")
    )

    workload: Annotated[list[str] | None, typer.Option(help="Shell pattern; repeatable.  [default: linear/line]")] = (
        None
    )
    implementation: Annotated[list[str] | None, typer.Option(help="Shell pattern, e.g. 'linear/*'; repeatable.")] = None
    setting: Mapping[str, str | None] = field(default_factory=dict)
    set_: SetParameters = None
    rewrite: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Rewrites of a step that are raced; repeatable.  [default: by effort]"),
    ] = None
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A+B", help="One more arm of a step: rewrites stacked, e.g. fused+compile_loss; repeatable."
        ),
    ] = None
    limit: Annotated[
        str, typer.Option(metavar="TIME", help="Time that any one step of an arm may take, e.g. 90s or 5m.")
    ] = "300s"


Figures = Annotated[
    str | None,
    typer.Option(
        "--formats", metavar="LIST", help="Write figures as png or pdf too, e.g. png,pdf.", show_default=False
    ),
]
Exports = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Write more exports: pyperf, github-action-benchmark, bencher, parquet.",
        show_default=False,
    ),
]
Reference = Annotated[str | None, typer.Option(help="Implementation that ratios are taken to.")]
Effort = Annotated[
    str | None,
    typer.Option(
        help="quick (1 minute; a step about 3), standard (6) or thorough (20).  [default: standard; sweeps: quick]"
    ),
]
Rounds = Annotated[
    str | None, typer.Option(metavar="N", help="Exactly so many rounds, whatever the effort says.", show_default=False)
]


Steps = Annotated[
    list[str] | None,
    typer.Argument(metavar="[STEP]...", help="Step files (my_step.py), shipped steps (steps/vae), or workloads."),
]
StepFolder = Annotated[
    str, typer.Option("--folder", metavar="DIR", help="Folder with more steps, in DIR/steps/.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class Run(WithArms):
    """The options of `run`."""

    coordinates: ClassVar[tuple[str, ...]] = tuple(each.name for each in COORDINATES if each.help)

    names: Steps = None
    folder: StepFolder = ""
    reference: Reference = None
    rounds: Rounds = None
    sweep: Annotated[
        str | None, typer.Option(help="Grow a size from race to race: rows=1e2:1e7, features=1:1024, batch=...")
    ] = None
    effort: Effort = None
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time for the whole run instead, e.g. 90s or 5m.")
    ] = None
    resume: Annotated[
        str | None, typer.Option(help="Complete this run instead of starting one: its name or `latest`.")
    ] = None
    profile: Annotated[
        bool, typer.Option("--profile", help="Then find out where each arm's time goes, in passes of their own.")
    ] = False
    formats: Figures = None
    export: Exports = None


@dataclass(frozen=True, kw_only=True)
class Climb(WithArms):
    """The options of `climb`."""

    names: Annotated[
        list[str] | None, typer.Argument(metavar="STEP", help="A step file (my_step.py) or a shipped step (steps/vae).")
    ] = None
    folder: StepFolder = ""
    effort: Annotated[
        str | None, typer.Option(help="quick, standard or thorough: which rewrites are tried.  [default: standard]")
    ] = None
    budget: Annotated[str, typer.Option(metavar="TIME", help="Time for the whole climb, e.g. 5m.")] = "15m"
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE.py", help="Write the fastest recipe as a module that needs no looprace."),
    ] = None
    resume: Annotated[
        str | None, typer.Option(help="Go on with this climb instead of starting one: its name or `latest`.")
    ] = None
    formats: Figures = None
    export: Exports = None


@dataclass(frozen=True, kw_only=True)
class Profile(WithArms):
    """The options of `profile`."""

    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Steps, or implementations as shell patterns.")
    ] = None
    folder: StepFolder = ""
    reference: Reference = None
    rounds: Rounds = None
    native: Annotated[
        bool, typer.Option("--native", help="Let py-spy see C and C++ frames too; it stops the arm for each look.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Gate(WithArms):
    """The options of `gate`."""

    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STEP]...", help="Step files of a git repository, e.g. my_step.py.")
    ] = None
    base: Annotated[
        str | None,
        typer.Option(metavar="REV", help="The revision to compare with; what is raced is where the head left it."),
    ] = None
    head: Annotated[
        str | None, typer.Option(metavar="REV", help="The revision in question.  [default: the working tree]")
    ] = None
    base_python: Annotated[
        str | None, typer.Option(metavar="PATH", help="Interpreter of the base: compares two environments.")
    ] = None
    head_python: Annotated[
        str | None, typer.Option(metavar="PATH", help="Interpreter of the head.  [default: this one]")
    ] = None
    project: Annotated[
        Path | None,
        typer.Option(help="The git repository in question.  [default: that of the step; else this checkout]"),
    ] = None
    folder: Annotated[str, typer.Option(help="Where its `impls` lies, from its root.")] = ""
    gate: Annotated[str | None, typer.Option("--gate", help="A slowdown of so much stops a merge.  [default: 3%]")] = (
        None
    )
    floor: Annotated[
        str | None,
        typer.Option(help="What a slowdown must be proved to exceed.  [default: 1%, or a third of --gate]"),
    ] = None
    at_most: Annotated[
        list[str] | None,
        typer.Option(metavar="AMOUNT", help="Budget of an update on the head, e.g. '5 ms' or '2 GB'; repeatable."),
    ] = None
    everything: Annotated[
        bool, typer.Option("--everything", help="Race cells too whose code is the same on both sides.")
    ] = False
    effort: Effort = None
    rounds: Annotated[
        str | None,
        typer.Option(metavar="N", help="Rounds after which a cell stays unresolved.  [default: 20]"),
    ] = None
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="Time after which no further round is started, e.g. 90s or 15m.")
    ] = "15m"
    resume: Annotated[
        str | None, typer.Option(help="Go on with this gate instead of starting one: its name or `latest`.")
    ] = None
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append the summary to this file, e.g. $GITHUB_STEP_SUMMARY.")
    ] = None
    annotations: Annotated[bool, typer.Option("--annotations", help="Print GitHub's annotations, too.")] = False


@dataclass(frozen=True, kw_only=True)
class Report(WithResults):
    """The options of `report`."""

    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, its name, its archive, or `latest`.")] = (
        "latest"
    )
    against: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Compare with this earlier run: its folder or name.", show_default=False),
    ] = None
    history: Annotated[
        bool, typer.Option("--history", help="All runs of --results: how each arm's time went, and when it changed.")
    ] = False
    out: Annotated[
        Path | None, typer.Option(help="Folder to draw into.  [default: the run's own; of a history --results]")
    ] = None
    formats: Figures = None
    export: Exports = None
    archive: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.tar.gz", help="Also write the run's records as one file to send.", show_default=False
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Fleet(Typed):
    """The options of `fleet`."""

    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="plan, submit, watch, resubmit, report, merge, export or job.")
    ]
    places: Annotated[
        list[str],
        typer.Argument(metavar="DIR...", help="The fleet's folder, on a file system that all machines share."),
    ]
    race: Annotated[
        list[str] | None, typer.Option(metavar="'...'", help="plan: what to type after `bench run`; repeatable.")
    ] = None
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=A,B", help="plan: each race with each value; repeatable.")
    ] = None
    repeat: Annotated[str, typer.Option(metavar="N", help="plan: so many jobs of each.")] = "1"
    executor: Annotated[str, typer.Option(help="submit: slurm, or local.")] = "slurm"
    slurm: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="submit: e.g. partition=gpu.")] = None
    at_most: Annotated[str, typer.Option(metavar="N", help="submit: jobs at a time, on Slurm.")] = "100"
    limit: Annotated[str, typer.Option(metavar="TIME", help="submit: time of a job, in whole minutes.")] = "60m"
    wait: Annotated[bool, typer.Option("--wait", help="watch: until nothing runs or waits any more.")] = False
    out: Annotated[Path | None, typer.Option(help="merge: the folder to copy into.", show_default=False)] = None
    to: Annotated[str, typer.Option(help="export: sbatch or reframe.")] = "sbatch"


@dataclass(frozen=True, kw_only=True)
class Check(Typed):
    """The options of `check`."""

    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Step files, shipped steps, or implementations as shell patterns."),
    ]
    mode: Annotated[str, typer.Option(help="eager, compile, cpp-wrapper, ... as for run.")] = "eager"
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"
    folder: StepFolder = ""
    set_: SetParameters = None


@dataclass(frozen=True, kw_only=True)
class Init(Typed):
    """The options of `init`."""

    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="The step file to write; one that exists is kept.")]


@dataclass(frozen=True, kw_only=True)
class Doctor(WithResults):
    """The options of `doctor`."""

    quick: Annotated[bool, typer.Option("--quick", help="Only look; do not race the twin.")] = False
    store: Annotated[
        Path | None,
        typer.Option(
            "--store", metavar="DIR", help="Check the runs and gates in a folder instead.", show_default=False
        ),
    ] = None
    repair: Annotated[
        bool, typer.Option("--repair", help="With --store: put what is damaged aside, in DIR/quarantine/.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class Selfbench(Typed):
    """The options of `selfbench`."""

    only: Annotated[
        str,
        typer.Option(
            help="answers, reports, tax, attribution, overhead, spread, spread2; or what takes hours: gate, gate_unchanged, "
            "gate_whole, gate_phase, score, referee, climb, search, written, forked, ranks, faults, soak."
        ),
    ] = ""
    repetitions: Annotated[str, typer.Option(metavar="N", help="Races, pairs or calls of each kind.")] = "10"


def takes(kind: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Gives a command the options that a class declares: it is called with one value of that class.

    Typer reads options from a function's signature; this one is made of the fields of the class.
    """
    coordinates = getattr(kind, "coordinates", ())

    def of(context: typer.Context, values: dict[str, Any]) -> T:
        sources = {name: context.get_parameter_source(name) for name in values}
        given = frozenset(name for name, source in sources.items() if source and source.name == "COMMANDLINE")
        if coordinates:
            values["setting"] = {name: values.pop(name) for name in coordinates}
        return kind(given=given, **values)

    def decorated(command: Callable[[T], None]) -> Callable[..., None]:
        def call(context: typer.Context, **values: Any) -> None:
            command(of(context, values))

        parameters = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
        call.__signature__ = inspect.Signature([*parameters, *_parameters(kind)])  # type: ignore[attr-defined]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        return call

    return decorated


def _parameters(kind: type[Typed]) -> list[inspect.Parameter]:
    """A parameter for each field, in their order, and one for each coordinate where the setting stands."""
    parameters = []
    for option in sorted(fields(kind), key=lambda option: option.name in LAST):
        if option.name == "setting":
            names = getattr(kind, "coordinates", ())
            parameters += [_parameter(each.name, _option(each), None) for each in COORDINATES if each.name in names]
        elif option.name != "given":
            parameters.append(_parameter(option.name, option.type, option.default))
    return parameters


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    missing = inspect.Parameter.empty
    default = default if isinstance(default, str | int | Path | None) else missing
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _option(coordinate: Coordinate) -> Any:
    metavar = coordinate.kind.metavar + (",..." if coordinate.several else "")
    text = coordinate.help if "[default" in coordinate.help else f"{coordinate.help}  [default: {_default(coordinate)}]"
    return Annotated[str | None, typer.Option(metavar=metavar, help=text)]


def _default(coordinate: Coordinate) -> object:
    return "the workload's own" if coordinate.default is None else coordinate.default


def refuse_settled(typed: Typed, allowed: tuple[str, ...], what: str) -> None:
    """Raises SettingError for options that would be ignored, because they were settled when a run or gate was begun."""
    if names := [f"--{name.replace('_', '-')}" for name in sorted(typed.given) if name not in allowed]:
        raise SettingError(
            f"{', '.join(names)} was settled when the {what} was begun: leave it out, or start a new {what}."
        )
