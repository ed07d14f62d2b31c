"""`bench profile`: a quick race, then where the time of its arms goes."""

from dataclasses import replace

import typer

from bench.cli import notation, session
from bench.cli.options import Profile
from bench.runner.plan import Choice
from bench.runner.step_plan import NO_REWRITES
from reports.exit_status import Exit, status_of


def profile(typed: Profile) -> None:
    """Races the arms, profiles them, and shows where their time goes."""
    with session.refusals():
        store = session.begin(choice(typed), typed.results)
        interrupted = session.race(store, quiet=typed.json_) or session.profile(store, native=typed.native)
        from bench.cli import report  # after the race: what draws takes memory, and seconds to load

        comparison = report.show_profiles(store, json_=typed.json_)
    raise typer.Exit(Exit.INTERRUPTED if interrupted else status_of(comparison))


def choice(typed: Profile) -> Choice:
    """What to race. Raises SettingError for what makes no sense."""
    chosen = session.arms(typed, *(typed.names or ()), folder=typed.folder)
    if not typed.rewrite:
        chosen["steps"] = replace(chosen["steps"], rewrites=NO_REWRITES)
    return Choice(
        **chosen,
        reference=typed.reference,
        effort="quick",
        rounds=notation.count("--rounds", typed.rounds) if typed.rounds else None,
    )
