"""Submits the jobs of a fleet that are missing: an array of Slurm, or processes of this machine, both by submitit."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.fleet.folder import FleetFolder
from bench.fleet.work import work
from bench.results.fleet import Job

EXECUTORS = ("slurm", "local")
MOST_LIMITS = (
    20  # time limits that a job may hit and be requeued: it goes on where it was, so each brings it nearer to its end
)


class NoExecutorError(Exception):
    """Jobs cannot be submitted here; says what is missing."""


def submit(
    folder: FleetFolder, jobs: Sequence[Job], *, executor: str, minutes: int, at_most: int, slurm: Mapping[str, str]
) -> list[str]:
    """Submits these jobs as one array; returns the names that the executor gave them.

    minutes  that a job may take; it is begun again where it was, if the cluster lets it
    at_most  jobs at a time, on Slurm
    slurm    further parameters of submitit without their prefix: {"partition": "gpu", "constraint": "h100"}

    Raises NoExecutorError.
    """
    if importlib.util.find_spec("submitit") is None:
        raise NoExecutorError("Submitting needs submitit: pip install 'submitit>=1.5'")
    import submitit

    try:
        again = {"slurm_max_num_timeout": MOST_LIMITS} if executor == "slurm" else {}
        made = submitit.AutoExecutor(folder=folder.path / "submitit", cluster=executor, **again)
        parameters: dict[str, Any] = {"name": "looprace", "timeout_min": minutes}
        if executor == "slurm":
            parameters |= {"slurm_array_parallelism": at_most, "slurm_exclusive": True, "slurm_signal_delay_s": 30}
            parameters |= {f"slurm_{name}": value for name, value in slurm.items()}
        made.update_parameters(**parameters)
        submitted = made.map_array(Work(), [str(folder.path)] * len(jobs), [job.number for job in jobs])
    except (RuntimeError, ValueError, OSError, TypeError, submitit.core.utils.FailedJobError) as error:
        raise NoExecutorError(f"{executor} does not take the jobs: {error}") from error
    return [job.job_id for job in submitted]


def _checkpointable() -> type:
    """submitit's base of what can be begun again after a time limit or a preemption; any class where it is not installed."""
    if importlib.util.find_spec("submitit") is None:
        return object
    import submitit

    kind: type = submitit.helpers.Checkpointable
    return kind


class Work(_checkpointable()):  # type: ignore[misc]  # known when it is imported
    """A job as submitit calls it, on whatever host it runs; a requeued one is called again, and goes on."""

    def __call__(self, path: str, number: int) -> int:
        """Carries it out. Raises RuntimeError where it has not come to its end, so that the executor calls it failed."""
        status = work(FleetFolder(Path(path)), number)
        if status:
            raise RuntimeError(
                f"job {number} ended with status {status}; `bench fleet resubmit {path}` goes on with it"
            )
        return status
