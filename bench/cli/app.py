"""The command line: one function for each command, whose work is in a module of the same name, loaded when it is called."""

import io
import sys
import traceback

import typer

from bench.cli import options
from bench.cli.options import takes
from bench.processes import orphans
from reports.exit_status import Exit

OWN_FAULT = (
    "looprace: This is a fault of looprace itself, not of what was measured. Finished rounds are kept, and "
    "`run --resume` or `gate --resume` goes on after them. Please report it with the lines above."
)

app = typer.Typer(
    help="Finds the fastest way to run a PyTorch training step on this machine, and proves that it still computes the same.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("list")
@takes(options.Typed)
def list_(typed: options.Typed) -> None:
    """Steps, rewrites, workloads and implementations, and what each takes or needs.

    \b
    Example: python -m bench list
    """
    from bench.cli.catalogue import show

    show(typed)


@app.command()
@takes(options.Init)
def init(typed: options.Init) -> None:
    """Write a step file to begin with: a small training step with comments, which can be raced at once.

    \b
    Example: python -m bench init my_step.py
    """
    from bench.cli.init import init

    init(typed)


@app.command()
@takes(options.Run)
def run(typed: options.Run) -> None:
    """Race a training step, or the tutorial's job; records and reports go to a folder below --results.

    \b
    Example: python -m bench run my_step.py --effort quick
    Example: python -m bench run steps/vae --set hidden=256 --rewrite 'compile*' --recipe fused+compile_loss
    Example: python -m bench run my_step.py --sweep batch=8:512
    Example: python -m bench run --effort quick
    Example: python -m bench run --sweep rows=1e2:1e7 --implementation linear/nn_sgd --implementation linear/c
    """
    from bench.cli.run import run

    run(typed)


@app.command()
@takes(options.Climb)
def climb(typed: options.Climb) -> None:
    """Find the fastest recipe for a training step: rewrites alone, then stacked, then each left out once.

    \b
    Example: python -m bench climb my_step.py
    Example: python -m bench climb my_step.py --write my_step_fast.py
    Example: python -m bench climb steps/vae --budget 5m --rewrite 'compile*' --rewrite fused
    """
    from bench.cli.climb import climb

    climb(typed)


@app.command()
@takes(options.Profile)
def profile(typed: options.Profile) -> None:
    """Show where an update's time goes: a quick race, then passes of their own. Two arms are set side by side.

    \b
    Example: python -m bench profile my_step.py
    Example: python -m bench profile linear/manual
    Example: python -m bench profile linear/manual linear/in_place --mode eager
    """
    from bench.cli.profile import profile

    profile(typed)


@app.command()
@takes(options.Report)
def report(typed: options.Report) -> None:
    """Draw the reports of a run again from its records, compare it with another run, or show all runs as a history.

    \b
    Example: python -m bench report latest --out /tmp/report
    Example: python -m bench report latest --against 2026-11-20T10-00-00-1a2b
    Example: python -m bench report --history
    Example: python -m bench report latest --archive run.tar.gz
    Example: python -m bench report run.tar.gz --out /tmp/report
    """
    from bench.cli.report import report

    report(typed)


@app.command()
@takes(options.Gate)
def gate(typed: options.Gate) -> None:
    """Race two revisions, or two environments, and say which arms became slower; the exit status is for CI.

    \b
    Example: python -m bench gate my_step.py --base origin/main
    Example: python -m bench gate --base origin/main
    Example: python -m bench gate --base v1.2 --head v1.3 --implementation 'linear/*' --gate 1.5%
    Example: python -m bench gate --base HEAD --base-python ../old/bin/python
    """
    from bench.cli.gate import gate

    gate(typed)


@app.command()
@takes(options.Fleet)
def fleet(typed: options.Fleet) -> None:
    """Race on many machines: plan a matrix, submit it to a cluster, watch it, and compare the machines. See FLEET.md.

    \b
    Example: python -m bench fleet plan matrix --race 'steps/vae --effort quick' --set hidden=64,256 --repeat 4
    Example: python -m bench fleet submit matrix --slurm partition=gpu
    Example: python -m bench fleet watch matrix
    Example: python -m bench fleet report matrix
    Example: python -m bench fleet merge matrix other/results --out merged
    """
    from bench.cli.fleet import fleet

    fleet(typed)


@app.command()
@takes(options.Check)
def check(typed: options.Check) -> None:
    """Say what a step is like and which rewrites apply to it; or test implementations against the contract.

    \b
    Example: python -m bench check my_step.py
    Example: python -m bench check linear/manual
    """
    from bench.cli.check import check

    check(typed)


@app.command()
@takes(options.Doctor)
def doctor(typed: options.Doctor) -> None:
    """Say whether this machine is fit to measure on, and how small a change it can show. Changes no setting.

    \b
    Example: python -m bench doctor
    Example: python -m bench doctor --quick --json
    """
    from bench.cli.doctor import doctor

    doctor(typed)


@app.command()
@takes(options.Selfbench)
def selfbench(typed: options.Selfbench) -> None:
    """Measure looprace itself: its spread, its overhead, its own speed. Half an hour; leave the machine alone.

    The gate's calibration and its score beside other tools take hours, and run only when named; both go on where they
    were stopped.

    \b
    Example: python -m bench selfbench --only answers,tax
    Example: python -m bench selfbench --only gate --repetitions 60
    """
    from bench.cli.selfbench import selfbench

    selfbench(typed)


def main() -> None:
    """The entry point of `python -m bench` and of the `looprace` command.

    An error that nobody expected has a status of its own: Python's, 1, would tell CI of a regression.
    """
    orphans.adopt()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it was closed
            stream.reconfigure(errors="backslashreplace")  # a terminal may have no µ
    try:
        app()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not be taken for an answer
        traceback.print_exception(error)
        from bench.cli import console

        console.say(OWN_FAULT)
        sys.exit(Exit.BROKEN)
