"""A fleet: races that a cluster carries out, one job each, and what is known of each job."""

from typing import Literal

from msgspec import Struct

FORMAT = 1
State = Literal["done", "refused", "running", "stopped", "waiting"]


class Job(Struct, frozen=True, kw_only=True):
    """One race, with its reference and twin: what is typed after `bench run`."""

    number: int
    arguments: tuple[str, ...]

    @property
    def slug(self) -> str:
        """Its name as a file or folder."""
        return f"{self.number:04d}"


class Fleet(Struct, frozen=True, kw_only=True):
    """All jobs, numbered from 0; written once, and never changed."""

    format: int = FORMAT
    command: str
    jobs: tuple[Job, ...]


class Claim(Struct, frozen=True, kw_only=True):
    """Who carries a job out: a process of a host, since a time; of Slurm, also the job that it is a part of.

    started  of the process, in seconds since the epoch: a number of a process is used again
    """

    format: int = FORMAT
    host: str
    pid: int
    started: float
    since: str
    slurm: str = ""


class Ended(Struct, frozen=True, kw_only=True):
    """How a job ended, for good.

    run      the folder of its run, by name; "" where it was refused
    status   the exit status of `bench run`
    seconds  that the last attempt took
    said     the last line that it said
    """

    format: int = FORMAT
    host: str
    run: str
    status: int
    seconds: float
    said: str = ""


class Standing(Struct, frozen=True, kw_only=True):
    """Where a job stands. `host` is where it ran, or runs; attempts count how often it was begun."""

    job: Job
    state: State
    host: str = ""
    attempts: int = 0
    status: int | None = None
    said: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether it has not ended, and nobody works on it."""
        return self.state in ("waiting", "stopped")
