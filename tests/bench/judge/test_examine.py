"""What is found out about a step: each finding by a step that is so, and none about a step that is not."""

import pytest
import torch

from bench.judge.examine import examined
from bench.judge.referee import Referee
from bench.results.examined import Examined
from impls.recipe.flags import global_flags
from tests.bench.judge.conftest import STEP, Written

LOSS = "    return F.cross_entropy(model(batch[0]), batch[1])\n"
MODEL = "    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3))\n"
SPARE = f"""    made = {MODEL.strip().removeprefix("return ")}
    made[0].register_parameter("spare", nn.Parameter(torch.SPARE))
    return made
"""
TIED = """    made = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))
    made[2].weight = made[0].weight
    return made
"""
UPDATE = """

def update(model, optimizer, batch):
    plain(model, optimizer, batch)
"""
# By the code of the finding: what is written in the place of what.
CHANGES = {
    "not_repeatable": (LOSS, LOSS.replace("return ", "return (1 + 1e-6 * (__import__('time').time_ns() % 97)) * ")),
    "writes_batch": (LOSS, LOSS.replace("model(batch[0])", "model(batch[0].mul_(0.9))")),
    "batch_shapes": (
        "    while True:\n",
        "    for n in range(12, 40):\n        yield torch.ones(n, 6), torch.zeros(n, dtype=torch.long)\n    while True:\n",
    ),
    "opaque_batch": (
        "torch.randint(3, (12,), generator=generator)",
        "torch.randint(3, (12,), generator=generator), set()",
    ),
    "few_batches": ("    while True:\n", "    for _ in range(3):\n"),
    "learns_nothing": (LOSS, LOSS.replace("model(", "0 * model(") + UPDATE.replace("plain", "return plain")),
    "unused": (MODEL, SPARE.replace("SPARE", "ones(3)")),
    "empty": (MODEL, SPARE.replace("SPARE", "ones(0)")),
    "denormal": (MODEL, SPARE.replace("SPARE", "full((9,), 1e-40)")),
    "tied": (MODEL, TIED),
    "changed_flags": ("import torch\n", "import torch\n\ntorch.set_float32_matmul_precision('high')\n"),
    "no_float64": (LOSS, LOSS.replace("batch[0]", "batch[0].float()")),
    "no_loss": (LOSS, LOSS + UPDATE),
}


def examine(written: Written, text: str) -> Examined:
    """What is found out about the step of that text."""
    flags = global_flags()
    precision = torch.get_float32_matmul_precision()
    try:
        return examined(Referee(*written(text), members=0), flags)
    finally:
        torch.set_float32_matmul_precision(precision)


def test_an_ordinary_step_has_no_findings(referee: Referee) -> None:
    """It is repeatable, draws nothing, runs in float64; fused kernels apply to it, channels_last does not."""
    found = examined(referee, global_flags())
    assert (found.findings, found.repeatable, found.draws, found.float64, found.evaluations) == (
        (),
        True,
        False,
        True,
        1,
    )
    assert found.numbers == sum(parameter.numel() for parameter in referee.plain.model.parameters())
    rewrites = {rewrite.name: rewrite for rewrite in found.rewrites}
    assert rewrites["fused"].applies
    assert rewrites["channels_last"].reason == "the model has no convolution over images"
    assert rewrites["bf16_autocast"].numerics == "coarser"


@pytest.mark.parametrize("code", CHANGES)
def test_a_finding_names_what_is_so(written: Written, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a sentence and a cure; the step is examined to its end all the same."""
    monkeypatch.setattr("bench.judge.examine.rewrites", dict)
    old, new = CHANGES[code]
    assert STEP.count(old) == 1
    found = examine(written, STEP.replace(old, new))
    assert code in [finding.code for finding in found.findings]
    assert all(finding.text and finding.advice for finding in found.findings)
    assert found.repeatable == (code != "not_repeatable")


def test_evaluations_of_a_closure_are_counted(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """LBFGS evaluates the loss several times in each update, and draws are seen."""
    monkeypatch.setattr("bench.judge.examine.rewrites", dict)
    update = """

def update(model, optimizer, batch):
    def evaluate():
        optimizer.zero_grad()
        value = loss(model, batch) + 0 * torch.rand(())
        value.backward()
        return value

    return optimizer.step(evaluate)
"""
    optimizer = "torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)"
    found = examine(
        written, STEP.replace(optimizer, "torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)") + update
    )
    assert found.evaluations >= 3
    assert found.draws
