"""Carries out one job of a fleet: claims it, begins its run or goes on with it, and writes how it ended."""

import socket
import subprocess
import sys

from bench import clock
from bench.fleet.folder import REFUSED, FleetFolder
from bench.processes.worker_process import ROOT
from bench.results.fleet import Ended, Job

FINAL = (0, 3, 4, REFUSED)  # exit statuses of a run that has come to its end; after any other it can go on
LAST = 300  # characters of the last line that is kept


def work(folder: FleetFolder, number: int) -> int:
    """The exit status of the job: 0 where it has ended, now or before, or another process works on it."""
    job = folder.job(number)
    if folder.ended(job) or not folder.take(job):
        return 0
    begin = clock.now()
    begun = folder.begun(job)
    status = _run(folder, job, "--resume", str(begun)) if begun else REFUSED
    if status == REFUSED:  # nothing to go on with, or it was begun by other code or on another kind of machine
        status = _run(folder, job, *job.arguments, "--results", str(folder.runs(job)))
    if status not in FINAL:
        folder.give_up(job)
        return status
    finished = folder.begun(job)
    folder.end(
        job,
        Ended(
            host=socket.gethostname(),
            run=finished.name if finished and status != REFUSED else "",
            status=status,
            seconds=clock.now() - begin,
            said=_last_line(folder, job),
        ),
    )
    return 0


def _run(folder: FleetFolder, job: Job, *arguments: str) -> int:
    with folder.log(job).open("ab") as log:
        command = [sys.executable, "-m", "bench", "run", *arguments]
        return subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        ).returncode


def _last_line(folder: FleetFolder, job: Job) -> str:
    lines = folder.log(job).read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:LAST] if lines else ""
