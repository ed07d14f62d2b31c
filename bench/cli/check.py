"""`bench check`: implementations against the contract."""

import typer

from bench.cli import console, session
from bench.cli.options import Check
from bench.runner.plan import present
from impls.contract import catalogue
from impls.contract.coordinates import BY_NAME
from reports.exit_status import Exit


def check(typed: Check) -> None:
    """Tests each claim of the contract and prints a line for it."""
    with session.refusals():
        for name, value in (("mode", typed.mode), ("device", typed.device)):
            BY_NAME[name].check(value)
        present((typed.device,))
        implementations = catalogue.match_implementations(typed.names)
    from bench.worker import contract_check  # loads torch: after what was typed is known to make sense

    claims = [claim for name in implementations for claim in contract_check.check(name, typed.mode, typed.device)]
    broken = sum(claim.word == "BROKEN" for claim in claims)
    if typed.json_:
        console.print_json({"format": 1, "claims": [vars(claim) for claim in claims]})
    else:
        terminal = console.console()
        for claim in claims:
            terminal.print(
                f"{claim.word:<8}{claim.sentence}", style="" if claim.word == "kept" else "bold", markup=False
            )
        terminal.print(f"\n{len(claims)} claims, {broken} broken.", style="bold")
    raise typer.Exit(Exit.WRONG if broken else Exit.DONE)
