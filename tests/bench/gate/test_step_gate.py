"""A whole gate on steps of a user's repository, which has nothing of looprace."""

import json
from pathlib import Path

from tests.bench.gate.projects import small
from tests.bench.gate.steps import FILES, SLOW, STEP
from tests.conftest import ROOT
from tests.forking import Forks


def test_a_slowdown_in_what_a_step_imports_is_caught(forks: Forks, tmp_path: Path) -> None:
    """One step imports a module that was slowed down, and regresses; the other imports nothing, and is not raced.

    The slow one still computes the same to the bit and needs the memory of before; its slower phase is told.
    """
    own = STEP.replace("from mylib.nets import net", "from torch import nn")
    own = own.replace("net(hidden)", "nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 1))")
    project = small(tmp_path / "project", FILES | {"alone.py": own})
    project.write({"src/mylib/nets.py": SLOW})
    files = [str(project.path / name) for name in ("train/my_step.py", "alone.py")]
    arguments = ("gate", *files, "--base", "main", "--json", "--results", str(tmp_path / "results"))
    done = forks.run(ROOT, "bench", *arguments, timeout=500)
    document = json.loads(done.stdout or "{}")
    cells = {Path(cell["workload"]).name: cell for cell in document.get("cells", ())}
    assert cells.keys() == {"my_step.py", "alone.py"}, done.stderr
    slow, same = cells["my_step.py"], cells["alone.py"]
    assert (done.returncode, slow["verdict"], slow["differs"]) == (1, "regressed", ["src/mylib/nets.py"]), done.stderr
    assert slow["low"] > 0.2
    assert (slow["answer"], same["verdict"]) == ("identical", "identical")
    assert slow["memory"]["base"] == slow["memory"]["head"] < 1e5 < 50e6 < slow["resident"]["head"]
    assert slow["phases"]["forward"]["low"] > 0.2
    assert slow["phases"].keys() == {"data", "forward", "backward", "optimizer"}
    assert slow["counters"]["operations"]["base"] == slow["counters"]["operations"]["head"] > 0
