"""The folder of a fleet, on a file system that all hosts share.

    fleet.json          the jobs; written first
    claims/0007.1.json  who began job 7 first; 0007.2.json who took it over, and so on
    claims/0007.1.over  the first one gave up: another may take the job over at once
    runs/0007/          the run of job 7, as `bench run` writes it
    ended/0007.json     how it ended, for good
    logs/0007.log       what its runs said
    submitit/           what the executor keeps

What is here is all that is known of a fleet: nothing is asked of the cluster.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import clock
from bench.results.fleet import FORMAT, Claim, Ended, Fleet, Job, Standing, State
from bench.results.store import Store, StoreError, pretty, read

FILE = "fleet.json"
STALE = 1800.0  # seconds without a sign of life after which a job of another host may be taken over
ARRAY = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")
REFUSED = 2  # the exit status of a run that makes no sense


@dataclass(frozen=True)
class FleetFolder:
    """The folder of a fleet."""

    path: Path

    @staticmethod
    def create(path: Path, fleet: Fleet) -> "FleetFolder":
        """A new one with these jobs. Raises StoreError where there is one already."""
        if (path / FILE).exists():
            raise StoreError(
                f"{path} is a fleet already: `bench fleet submit {path}` goes on with it; plan into another folder."
            )
        made = FleetFolder(path)
        made._store.write(FILE, pretty(fleet))
        return made

    @property
    def _store(self) -> Store:
        return Store(self.path)

    def fleet(self) -> Fleet:
        """Its jobs. Raises StoreError for a folder that is no fleet."""
        if not (self.path / FILE).is_file():
            raise StoreError(
                f"There is no fleet at {self.path}: `python -m bench fleet plan {self.path} --race ...` makes one."
            )
        return read(self.path / FILE, Fleet, FORMAT)

    def job(self, number: int) -> Job:
        """One of its jobs. Raises StoreError for a number that none has."""
        found = [job for job in self.fleet().jobs if job.number == number]
        if not found:
            raise StoreError(f"{self.path} has no job {number}.")
        return found[0]

    def runs(self, job: Job) -> Path:
        """The folder that holds the runs of a job."""
        return self.path / "runs" / job.slug

    def begun(self, job: Job) -> Path | None:
        """The newest run of a job that has a plan."""
        return max((plan.parent for plan in self.runs(job).glob("*/plan.json")), default=None)

    def log(self, job: Job) -> Path:
        """The file for what the runs of a job say."""
        path = self.path / "logs" / f"{job.slug}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def claims(self, job: Job) -> list[Claim]:
        """Who has begun a job, in order."""
        paths = (self.path / "claims").glob(f"{job.slug}.*.json")
        return [read(path, Claim, FORMAT) for path in sorted(paths, key=lambda path: int(path.name.split(".")[1]))]

    def take(self, job: Job) -> bool:
        """Claims a job for this process; False where another has it, or was faster: one file can be made only once."""
        claims = self.claims(job)
        if claims and not (self._is_ours(claims[-1]) or self.is_over(job, claims[-1])):
            return False
        process = psutil.Process()
        mine = Claim(
            host=socket.gethostname(),
            pid=process.pid,
            started=process.create_time(),
            since=clock.today(),
            slurm=_slurm(),
        )
        target = self.path / "claims" / f"{job.slug}.{len(claims) + 1}.json"
        beside = target.with_name(f".{target.name}.{mine.host}.{mine.pid}")
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(pretty(mine))
        try:
            os.link(beside, target)
        except FileExistsError:
            return False
        finally:
            beside.unlink()
        return True

    def give_up(self, job: Job) -> None:
        """Says that whoever claimed a job last, which is this process, no longer works on it, though it has not ended."""
        self._store.write(f"claims/{job.slug}.{len(self.claims(job))}.over", b"")

    @staticmethod
    def _is_ours(claim: Claim) -> bool:
        """Whether it is of an earlier attempt of the same job of Slurm, which has begun it again."""
        return claim.slurm != "" and claim.slurm == _slurm()

    def is_over(self, job: Job, claim: Claim) -> bool:
        """Whether whoever claimed a job last no longer works on it: it says so, its process has ended, or nothing moves."""
        if (self.path / "claims" / f"{job.slug}.{len(self.claims(job))}.over").exists():
            return True
        if claim.host == socket.gethostname():
            try:
                return abs(psutil.Process(claim.pid).create_time() - claim.started) > 1
            except psutil.NoSuchProcess:
                return True
        alive = [path.stat().st_mtime for path in (self.path / "claims").glob(f"{job.slug}.*.json")]
        alive += [path.stat().st_mtime for path in self.runs(job).rglob("*")]
        return clock.since_epoch() - max(alive, default=0.0) > STALE

    def end(self, job: Job, ended: Ended) -> None:
        """Writes how a job ended."""
        self._store.write(f"ended/{job.slug}.json", pretty(ended))

    def ended(self, job: Job) -> Ended | None:
        """How a job ended; None while it has not."""
        path = self.path / "ended" / f"{job.slug}.json"
        return read(path, Ended, FORMAT) if path.is_file() else None

    def standing(self, job: Job) -> Standing:
        """Where a job stands."""
        claims, ended = self.claims(job), self.ended(job)
        if ended:
            state: State = "refused" if ended.status == REFUSED else "done"
            return Standing(
                job=job, state=state, host=ended.host, attempts=len(claims), status=ended.status, said=ended.said
            )
        if not claims:
            return Standing(job=job, state="waiting")
        over = self.is_over(job, claims[-1])
        return Standing(job=job, state="stopped" if over else "running", host=claims[-1].host, attempts=len(claims))

    def standings(self) -> list[Standing]:
        """Where all jobs stand."""
        return [self.standing(job) for job in self.fleet().jobs]

    def missing(self) -> list[Job]:
        """The jobs that have not ended, and that nobody works on."""
        return [each.job for each in self.standings() if each.is_missing]


def _slurm() -> str:
    """The job of Slurm that this process is a part of: "66_3"; the same after it was requeued. "" outside of Slurm."""
    array = "_".join(filter(None, map(os.environ.get, ARRAY)))
    return array or os.environ.get("SLURM_JOB_ID", "")
