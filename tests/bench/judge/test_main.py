"""The judge's process: it examines the step, judges files of answers, removes them, and outlives what cannot be read."""

from pathlib import Path

from bench.judge.referee import Referee
from bench.judge.standard.observation import observe, write
from bench.messages import commands
from bench.messages.commands import Judge
from bench.processes.worker_process import Worker, allowed_cores
from bench.results.record import Arm
from bench.runner.referee import JUDGE
from impls.recipe.live_step import LiveStep
from impls.recipe.recipe import Recipe


def test_the_judge_answers_through_its_pipes(referee: Referee, tmp_path: Path) -> None:
    """One process from the examination of a step to the word on an arm; a file that holds no answer ends nothing."""
    file, setting = referee.plain.file, referee.plain.setting
    arm = Arm(workload=file.name, implementation="plain", setting=setting, role="reference")
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("plain", "way_nothing", "broken")}
    for name in ("plain", "way_nothing"):
        write(paths[name], observe(LiveStep(file, setting, Recipe.read(name))))
    paths["broken"].write_bytes(b"no answer")
    cores = allowed_cores()[:1]
    with Worker(arm, everywhere=cores, variables={}, log=tmp_path / "log", limit=300.0, program=JUDGE) as judge:
        command = commands.prepare_judge(arm, file=str(file.path), cores=cores, members=3)
        examined = judge.ask(command).examined
        answers = {
            name: judge.ask(Judge(implementation=name, observation=str(path), no_float64="it was not asked for")).answer
            for name, path in paths.items()
        }
    assert (examined.step, examined.repeatable, examined.float64) == (file.name, True, True)
    assert {name: answer.word for name, answer in answers.items()} == {
        "plain": "identical",
        "way_nothing": "undecidable",
        "broken": "unjudged",
    }
    assert answers["broken"].reason.startswith("its answer cannot be read: ")
    assert [path for path in paths.values() if path.exists()] == []
