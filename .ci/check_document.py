"""Checks the document of a quick race: every arm measured, every answer right, a twin present. Asserts no times."""

import json
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
document = json.loads(text[text.index("{") :])
(race,) = document["races"]
assert race["workload"] == "linear/line", race["workload"]
assert race["twin"]["low"] < race["twin"]["high"], race["twin"]
names = {arm["implementation"] for arm in race["arms"]}
quick = ("analytic", "c", "floor_read", "manual", "nn_sgd", "no_grad", "numpy")
assert names == {f"linear/{name}" for name in quick}, names
for arm in race["arms"]:
    assert arm["status"] == "ok", arm
    assert arm["seconds_per_update"] > 0, arm
    if arm["class"] != "floor":
        assert arm["distance"] <= arm["tolerance"], arm
        # on a slow machine a quick race has no time for every whole job
        assert arm["job_seconds"] is None or abs(arm["loss"] - 0.12205) < 1e-4, arm
        assert arm["floor_ratio"] > 0, arm
print(f"quick race: {len(names)} arms, all answers right; twin {race['twin']}")
