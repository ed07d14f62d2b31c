"""Sessions for nox, each in its own environment. `nox -s bench -- --device cuda` is `python -m bench run --device cuda`."""

import nox

nox.options.default_venv_backend = "virtualenv"  # pip, and not uv, finds the machine's own build of torch
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "types"]

# Options of pytest-xdist: the tests of a file share fixtures, so they stay in one process; the slowest files come first.
SIDE_BY_SIDE = ("-n=logical", "--maxprocesses=4", "--dist=loadscope", "--no-loadscope-reorder")


def install(session: nox.Session, *more: str, extras: str = "") -> None:
    session.install("-c", "constraints.txt", "-e", f".{extras}", *more)


@nox.session
def bench(session: nox.Session) -> None:
    """Race the tutorial's training job; table here, records and pictures in results/."""
    install(session, extras="[peers]")
    session.run("python", "-m", "bench", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on up to four cores; `-- -n 0` takes one."""
    install(session, "pytest-xdist", "hypothesis", extras="[peers,kernels,consumers,fleet]")
    session.run("python", "-m", "pytest", *SIDE_BY_SIDE, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style with ruff."""
    session.install("-c", "constraints.txt", "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, strictly, tests included."""
    install(session, "nox", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "check"))
    session.run("mypy")


@nox.session(default=False)
def gate(session: nox.Session) -> None:
    """Race this checkout against another revision; the exit status is for CI. `-- --base origin/main`"""
    install(session, extras="[peers]")
    session.run("python", "-m", "bench", "gate", *session.posargs)


@nox.session(default=False)
def score(session: nox.Session) -> None:
    """Compare the gate with other tools on the same code. Three hours; leave the machine alone."""
    install(session, extras="[consumers]")
    session.run("python", "-m", "bench", "selfbench", "--only", "score", *session.posargs)


@nox.session(default=False)
def referee(session: nox.Session) -> None:
    """Examine the referee of steps with planted mistakes and legal variations, beside other rules. Half an hour."""
    install(session, extras="[peers]")
    session.run("python", "-m", "bench", "selfbench", "--only", "referee", "--repetitions", "3", *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Kill runs, damage their files, and say what was survived; the same kills of other tools. Half an hour."""
    install(session, "asv", "virtualenv", extras="[peers,consumers]")
    session.run("python", "-m", "bench", "selfbench", "--only", "faults", "--repetitions", "60", *session.posargs)


@nox.session(default=False)
def selfbench(session: nox.Session) -> None:
    """Measure looprace itself: its spread, its overhead, its own speed. Half an hour on a quiet machine."""
    install(session)
    session.run("python", "-m", "bench", "selfbench", *session.posargs)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Run the tests that need a GPU, then race CUDA against CPU."""
    install(session, extras="[peers]")
    session.run("python", "-m", "pytest", "-m", "cuda")
    session.run("python", "-m", "bench", "run", "--device", "cuda,cpu", *session.posargs)
