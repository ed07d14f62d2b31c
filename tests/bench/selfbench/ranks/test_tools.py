"""Other tools measure the same arms, each in its own way; with real processes, for a very short time."""

from pathlib import Path

import pytest

from bench.runner.plan import Choice, make_plan
from bench.selfbench.ranks import tools


@pytest.mark.parametrize("name", ["torch.utils.benchmark", "pytest-benchmark"])  # pyperf starts four processes
def test_a_tool_says_how_long_an_update_of_each_arm_takes(name: str, tmp_path: Path) -> None:
    """Between a microsecond and a second, whatever the machine."""
    (race,) = make_plan(Choice(implementation=("linear/c", "linear/nn_sgd"), effort="quick"), command="").races
    found = tools.TOOLS[name].measure(race, tools.START + 0.5, tmp_path)
    assert sorted(found.seconds) == ["linear/c", "linear/nn_sgd"] == sorted(tools.names_of(race))
    assert all(1e-6 < seconds < 1.0 for seconds in found.seconds.values())
