"""Races of a step made by hand: recipes with their answers, patches and compiled graphs, of which reports are made."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from bench.results.examined import Applicable, Examined
from bench.results.record import Answer, Arm, Caveat, Compiler, Power, Record, Role
from impls.contract.setting import Setting
from impls.contract.values import ParameterValue
from reports.run.report import RunReport, report_of
from reports.run.rows import Row
from tests.reports.records import ENVIRONMENT, plan, race, rounds

STEP = "my_step.py"
PARAMETERS = (("batch", 64), ("hidden", 128))
PLAIN = 1e-3  # seconds of an update of the step as it is written
PATCH = """\
optimizer_before_fused = optimizer


def optimizer(model):
    made = optimizer_before_fused(model)  # `defaults` too: groups that are added later start from them
    for group in (made.defaults, *made.param_groups):
        group.update(foreach=False, fused=True)
    return made
"""
LONG = f"""{PATCH}

import torch

torch._inductor.config.cpp.threads = 1
graph = torch.compile(lambda batch: [value.detach() for value in torch.autograd.grad(loss(model, batch), parameters)])
"""
IDENTICAL = Answer(word="identical", bits_lost=-0.6, scale_bits=-0.9, bits_lost_float64=-0.4, scale_bits_float64=-1.0)
SAME = Answer(
    word="same",
    bits_lost=0.3,
    scale_bits=-0.2,
    bits_lost_float64=0.1,
    scale_bits_float64=-0.5,
    tensor="change of 0.weight",
    left_out=("gradient of 1.bias: its true value is rounding alone",),
    power=Power(gradient=3e-5, rate=6e-5, number=1e-3),
)
CLOSER = replace(SAME, word="closer", bits_lost=-0.8)
COARSER = replace(SAME, word="coarser", bits_lost=11.6, tensor="gradient of 2.weight")
DIFFERENT = Answer(
    word="different",
    bits_lost=21.4,
    scale_bits=20.9,
    bits_lost_float64=50.1,
    scale_bits_float64=49.8,
    tensor="change of 0.weight",
    reason="a factor of 5 is missing",
)
UNDECIDABLE = Answer(
    word="undecidable", tensor="change of lstm.weight", reason="rounding alone moves it by 30 % of its size"
)
UNJUDGED = Answer(word="unjudged", reason="this step draws random numbers, which cannot be judged yet")
EXAMINED = Examined(
    step=STEP,
    summary="A two-layer classifier on handwritten digits.",
    parameters=dict(PARAMETERS),
    repeatable=True,
    draws=False,
    float64=True,
    findings=(Caveat(code="tied", text="2 parameters are one tensor", advice="Nothing is to be done"),),
    rewrites=(
        Applicable(name="fused", applies=True),
        Applicable(name="cuda_graph", applies=False, reason="needs a GPU, and there is none"),
        Applicable(name="tf32", applies=False, reason="needs a GPU, and there is none", numerics="coarser"),
        Applicable(name="channels_last", applies=False, reason="the model has no convolution"),
    ),
    seconds=2.5,
)


def recipe(name: str, role: Role = "arm", **chosen: Any) -> Arm:
    """An arm of the step; chosen values go to its setting."""
    values: dict[str, Any] = {"updates": 1_000, "parameters": PARAMETERS}
    return Arm(workload=STEP, implementation=name, setting=Setting(**values | chosen), role=role)


def answered(
    name: str,
    seconds: float | None,
    answer: Answer | None = SAME,
    patch: str = PATCH,
    compiler: Compiler | None = None,
    role: Role = "arm",
    **chosen: Any,
) -> list[Record]:
    """The records of a recipe that takes so long an update and gave this answer in every round."""
    if answer and answer.word == "different":
        chosen = {"status": "wrong", "reason": answer.reason} | chosen
    records = rounds(recipe(name, role), seconds, judgement=None, **chosen)
    return [replace(each, answer=answer, patch=patch, compiler=compiler, job=None) for each in records]


def reported(
    *recipes: Sequence[Record],
    examined: Examined | None = EXAMINED,
    environment: Mapping[str, Any] = ENVIRONMENT,
    plain: Answer | None = IDENTICAL,
    parameters: tuple[tuple[str, ParameterValue], ...] = PARAMETERS,
) -> RunReport:
    """The report of a race of the step as it is written, and its twin, against these recipes, at these parameters."""
    own = [answered("plain", PLAIN, plain, "", role=role) for role in ("reference", "twin")]
    all_records = [_at(record, parameters) for records in (*own, *recipes) for record in records]
    reference, twin, *arms = dict.fromkeys(record.arm for record in all_records)
    this = race(*arms, reference=reference, twin=twin)
    planned = plan(this, command=f"python -m bench run {STEP}")
    return report_of(planned, dict(environment), all_records, examined={this: examined} if examined else {})


def _at(record: Record, parameters: tuple[tuple[str, ParameterValue], ...]) -> Record:
    arm = record.arm
    return replace(record, arm=replace(arm, setting=dataclasses.replace(arm.setting, parameters=parameters)))


def swept_step(
    speeds: Mapping[str, Callable[[Any], float]], name: str, values: Sequence[float], answer: Answer = SAME
) -> RunReport:
    """The report of a sweep over a parameter: seconds an update at each value by recipe, of which the first is plain."""
    races, all_records = [], []
    for value in values:
        parameters = tuple(sorted((dict(PARAMETERS) | {name: value}).items()))
        roles: list[tuple[str, Role]] = [("plain", "reference"), ("plain", "twin")]
        roles += [(one, "arm") for one in speeds if one != "plain"]
        records = [
            _at(record, parameters)
            for one, role in roles
            for record in answered(one, speeds[one](value), IDENTICAL if one == "plain" else answer, role=role)
        ]
        reference, twin, *arms = dict.fromkeys(record.arm for record in records)
        races.append(race(*arms, reference=reference, twin=twin))
        all_records += records
    return report_of(plan(*races, swept=name), ENVIRONMENT, all_records)


def of_recipe(report: RunReport, name: str) -> Row:
    """The row of a recipe in the one race of a report."""
    return next(row for row in report.rows if row.arm.implementation == name)


def everything() -> RunReport:
    """A race with an arm of every kind."""
    graph, broken = Compiler(graphs=1), Compiler(graphs=3, breaks=("print is called", "a list grows"), recompilations=2)
    return reported(
        answered("whole_graph", PLAIN / 4.9, SAME, LONG, graph, cold=12.0),
        answered("whole_graph+channels_last", PLAIN / 4.86, CLOSER, LONG + PATCH, graph, cold=14.0),
        answered("fused", PLAIN / 1.3, IDENTICAL),
        answered("way_flat", PLAIN / 1.1, SAME, ""),
        answered("compile_forward", PLAIN * 1.4, SAME, PATCH, broken, cold=6.0),
        answered("functional", PLAIN * 2.1, SAME),
        answered("bf16+whole_graph", PLAIN / 6.1, COARSER, LONG, graph, cold=13.0),
        answered("compile_step", PLAIN / 3, DIFFERENT),
        answered("hidden_state", PLAIN / 2, UNDECIDABLE),
        answered("dropout", PLAIN / 2, UNJUDGED),
        answered("compile_loss", None, None, status="failed", reason="InductorError: no C++ compiler"),
        answered("capturable", None, None, status="unsupported", reason="needs a GPU, and there is none"),
    )
