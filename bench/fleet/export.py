"""A fleet as files of other engines: a plain script for sbatch, and a test for ReFrame."""

import shlex
import sys

from bench.fleet.folder import FleetFolder
from bench.processes.worker_process import ROOT

SBATCH = """#!/bin/sh
#SBATCH --job-name=looprace
#SBATCH --array=0-{last}
#SBATCH --exclusive
#SBATCH --requeue
# Submit it with sbatch, as often as you like: a job that has ended, or that runs, is left alone; others go on.
cd {root} && exec {python} -m bench fleet job {path} "$SLURM_ARRAY_TASK_ID"
"""
REFRAME = '''"""Runs each job of a fleet of looprace as a test of ReFrame: `reframe -c {name} -r`."""

import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class Race(rfm.RunOnlyRegressionTest):
    number = parameter(range({count}))
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    exclusive_access = True
    executable = {python!r}

    @run_before("run")
    def choose(self):
        self.prerun_cmds = ["cd {root}"]
        self.executable_opts = ["-m", "bench", "fleet", "job", {path!r}, str(self.number)]

    @sanity_function
    def has_ended(self):
        return sn.path_exists(f"{path}/ended/{{self.number:04d}}.json")
'''
EXPORTS = {"sbatch": ("fleet.sh", SBATCH), "reframe": ("reframe_looprace.py", REFRAME)}


def exported(folder: FleetFolder, kind: str) -> tuple[str, str]:
    """The name and the text of the file of an engine, one of EXPORTS."""
    name, text = EXPORTS[kind]
    path, count = folder.path.resolve(), len(folder.fleet().jobs)
    quote = shlex.quote if kind == "sbatch" else str
    values = {"root": quote(str(ROOT)), "python": quote(sys.executable), "path": quote(str(path))}
    return name, text.format(name=name, last=count - 1, count=count, **values)
