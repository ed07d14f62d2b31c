"""Times arms by torch.utils.benchmark, one after the other in this process, and writes the seconds of an update as JSON.

python -m bench.selfbench.ranks.with_torch_timer SECONDS FILE     for all of them; their names are in the variable ARMS
"""

import json
import os
import sys
from pathlib import Path

from bench import clock
from bench.selfbench.ranks.arm_alone import calls
from bench.selfbench.ranks.tools import ARMS, START, UPDATES


def main() -> None:
    """Gives each arm an equal share of what is left."""
    from torch.utils.benchmark import Timer

    end = clock.now() + float(sys.argv[1]) - START
    names = os.environ[ARMS].split(",")
    found = {}
    for number, name in enumerate(names):
        timer = Timer("call()", globals={"call": calls(name)}, num_threads=1)
        share = max(0.1, (end - clock.now()) / (len(names) - number))
        found[name] = timer.blocked_autorange(min_run_time=share).median / UPDATES
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
