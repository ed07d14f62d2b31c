"""`bench check`: implementations against the contract, and steps examined before they are raced."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from bench.cli import console, notation, session
from bench.cli.options import Check
from bench.messages import commands
from bench.processes import temporary
from bench.processes.arm_process import variables_for
from bench.processes.worker_process import ArmFault, Worker, allowed_cores
from bench.results.examined import Examined
from bench.results.record import Arm
from bench.runner.plan import present
from bench.runner.referee import JUDGE
from impls.contract import catalogue
from impls.contract.coordinates import BY_NAME
from impls.contract.setting import SettingError
from impls.contract.words import counted
from impls.recipe import steps
from impls.recipe.recipe import PLAIN_NAME
from impls.recipe.step_file import StepFault, StepFile
from reports.exit_status import Exit
from reports.json_document import examined_document
from reports.text.sanitize import plain

LIMIT = 300.0  # seconds that any one part of an examination may take


def check(typed: Check) -> None:
    """Tests each claim of the contract and prints a line for it; says of each step what it is like and what applies."""
    stepped = [name for name in typed.names if steps.is_step(name)]
    others = [name for name in typed.names if name not in stepped]
    with session.refusals():
        for name, value in (("mode", typed.mode), ("device", typed.device)):
            BY_NAME[name].check(value)
        present((typed.device,))
        parameters = notation.parameters(typed.set_ or ())
        if parameters and not stepped:
            raise SettingError("--set is for a step: name one, e.g. my_step.py or steps/digits_mlp.")
        files = steps.choose(stepped, Path(typed.folder) if typed.folder else None) if stepped else []
        implementations = catalogue.match_implementations(others) if others else []
        examined = [examine(file, parameters, typed.device) for file in files]
    claims = _claims(implementations, typed)
    broken = sum(claim.word == "BROKEN" for claim in claims)
    documents = [examined_document(one) for one in examined]
    if typed.json_ and len(documents) == 1 and not claims:
        console.print_json(documents[0])
    elif typed.json_:
        console.print_json(
            {"format": 1, "claims": [vars(claim) for claim in claims]} | ({"steps": documents} if documents else {})
        )
    else:
        _show(claims, broken, examined, typed)
    unfit = any(not one.repeatable for one in examined)
    raise typer.Exit(Exit.WRONG if broken or unfit else Exit.DONE)


def examine(file: StepFile, parameters: dict[str, str], device: str) -> Examined:
    """What a step is like, found out in a process of its own. Raises StepFault for one that cannot be raced."""
    values = {name: steps.value_of(file, name, text) for name, text in parameters.items()}
    setting = steps.setting(file, values, device=device)
    arm = Arm(workload=file.name, implementation=PLAIN_NAME, setting=setting, role="reference")
    everywhere = allowed_cores()
    cores = everywhere[-1:]
    with (
        temporary.folder() as folder,
        Worker(
            arm,
            everywhere=everywhere,
            variables=variables_for(arm, cores, Path(folder)),
            log=Path(folder, "judge.log"),
            limit=LIMIT,
            program=JUDGE,
        ) as judge,
    ):
        try:
            return judge.ask(commands.prepare_judge(arm, file=str(file.path), cores=cores, members=0)).examined
        except ArmFault as fault:
            raise StepFault(fault.reason) from fault


def _claims(implementations: Sequence[str], typed: Check) -> list[Any]:
    """The claims of the contract, tested."""
    if not implementations:
        return []
    from bench.worker import contract_check  # loads torch: after what was typed is known to make sense

    return [claim for name in implementations for claim in contract_check.check(name, typed.mode, typed.device)]


def _show(claims: Sequence[Any], broken: int, examined: Sequence[Examined], typed: Check) -> None:
    terminal = console.console()
    for claim in claims:
        terminal.print(f"{claim.word:<8}{claim.sentence}", style="" if claim.word == "kept" else "bold", markup=False)
    if claims:
        terminal.print(f"\n{len(claims)} claims, {broken} broken.", style="bold")
    for one in examined:
        for line, style in _lines(one, typed):
            terminal.print(plain(line, keep="\n"), style=style, markup=False)


def _lines(examined: Examined, typed: Check) -> Iterator[tuple[str, str]]:
    """What a person reads about a step, each line with its style."""
    yield f"{examined.step}: {examined.summary}", "bold"
    values = ", ".join(f"{name}={value}" for name, value in examined.parameters.items()) or "no parameters"
    yield f"  {values}; {counted(examined.numbers, 'number')} to train", ""
    facts = [
        "two builds are equal to the bit" if examined.repeatable else "two builds differ",
        *([f"evaluates its loss {examined.evaluations} times in an update"] if examined.evaluations > 1 else []),
        f"draws {'' if examined.draws else 'no '}random numbers",
        f"{'runs' if examined.float64 else 'does not run'} in float64",
    ]
    yield f"  {', '.join(facts)}", ""
    for finding in examined.findings:
        yield f"  - {finding.text}: {finding.advice}", ""
    applying = [rewrite for rewrite in examined.rewrites if rewrite.applies]
    yield f"\n  {counted(len(applying), 'rewrite')} of {len(examined.rewrites)} can be raced:", "bold"
    width = max((len(rewrite.name) for rewrite in examined.rewrites), default=0) + 2
    for rewrite in applying:
        yield f"  {rewrite.name:<{width}}{'coarser by intention' if rewrite.numerics == 'coarser' else ''}".rstrip(), ""
    for rewrite in examined.rewrites:
        if not rewrite.applies:
            yield f"  {rewrite.name:<{width}}no: {rewrite.reason}", "dim"
    if examined.repeatable:
        chosen = [part for text in typed.set_ or () for part in ("--set", text)]
        yield f"\n  python -m bench run {shlex.join([examined.step, *chosen])}\n", "bold"
