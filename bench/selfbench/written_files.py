"""Whether the files that climbs write train as their steps do, and are as fast as the climbs promised.

Each file is imported in a process of its own that cannot see looprace. It trains there for 1 000 updates beside the step as
its author writes it, with a learning-rate schedule, a short batch now and then, and a checkpoint that is restored in the
middle. Then the two take turns, block by block, and updates alone are timed, as in a race.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.processes.worker_process import ROOT, allowed_cores
from bench.results.store import Store
from bench.selfbench.climbs import climbed, slug
from bench.selfbench.figure import Figure
from impls.recipe import steps

NEAR = 0.9  # of the promised speed, at least
# A net, an update of its own, one that draws random numbers, a line.
FIRST = ("steps/digits_mlp", "steps/gan", "steps/vae", "steps/tutorial_line")

LOOP = '''
import os, sys
os.sched_setaffinity(0, {{{core}}})
sys.path[:] = [{folder!r}, *(path for path in sys.path if path and "looprace" not in path)]
import io, itertools, json
from statistics import fmean, median
from timeit import default_timer as now
import torch
from torch.utils import _pytree as pytree
torch.set_num_threads(1)
import fast, my_step
if hasattr(fast, "prepare_process"):
    fast.prepare_process()


def plain_update(model, optimizer):
    def update(batch):
        if hasattr(my_step, "update"):
            return my_step.update(model, optimizer, batch)
        optimizer.zero_grad(set_to_none=True)
        value = my_step.loss(model, batch)
        value.backward()
        if hasattr(my_step, "gradients"):
            my_step.gradients(model)
        optimizer.step()
        return value.detach()
    return update


def fast_update(model, optimizer):
    return fast.make_update(model, optimizer, batches[0])


class Loop:
    """A model with its optimizers, their schedules, and what updates it."""

    def __init__(self, make):
        torch.manual_seed(0)
        self.model = my_step.model()
        made = my_step.optimizer(self.model)
        self.optimizers = list(made.values()) if isinstance(made, dict) else [made]
        self.update = make(self.model, made)
        self.schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(one, 100_000) for one in self.optimizers]

    def advance(self, batch):
        value = self.update(batch)
        for schedule in self.schedules:
            schedule.step()
        return value

    def train(self):
        """The losses of 1 000 updates; a short batch in each hundred, and a checkpoint in the middle."""
        losses = []
        for number, batch in enumerate(itertools.islice(itertools.cycle(batches), 1000)):
            if number % 100 == 99:
                batch = pytree.tree_map_only(torch.Tensor, lambda leaf: leaf[:7], batch)
            torch.manual_seed(number)
            value = self.advance(batch)
            losses.append(sum(float(leaf) for leaf in pytree.tree_leaves(value)))
            if number == 500:
                file = io.BytesIO()
                torch.save([one.state_dict() for one in (self.model, *self.optimizers)], file)
                file.seek(0)
                for one, state in zip((self.model, *self.optimizers), torch.load(file)):
                    one.load_state_dict(state)
        return losses

    def block(self, updates):
        begin = now()
        for batch in itertools.islice(itertools.cycle(batches), updates):
            self.update(batch)
        return (now() - begin) / updates


batches = list(itertools.islice(my_step.batches(1), 16))
plain, written = loops = Loop(plain_update), Loop(fast_update)
expected, losses = (loop.train() for loop in loops)
updates = max(2, round(0.1 / plain.block(20)))
written.block(20)
times = [[loop.block(updates) for loop in loops] for _ in range(25)]
print(json.dumps({{
    "off": max(abs(one / other - 1) for one, other in zip(losses[:20], expected)),
    "last": fmean(losses[-100:]),
    "last_plain": fmean(expected[-100:]),
    "keys": plain.model.state_dict().keys() == written.model.state_dict().keys(),
    "plain": median(one for one, _ in times),
    "written": median(other for _, other in times),
    "ratio": median(other / one for one, other in times),
}}))
'''


def figures(count: int, climbs: Path) -> Iterator[Figure]:
    """For the first so many steps: how fast the file is that their climb wrote, beside what the climb promised."""
    for name in FIRST[:count]:
        document = climbed(name, climbs)
        promise = document["races"][0]["climb"]
        if not promise["recipe"]:
            yield Figure(f"written file of {name}", "nothing is faster than plain: there is none")
            continue
        seen = _measured(name, Store.find("latest", climbs / slug(name)))
        said = (
            f"{1 / seen['ratio']:.2f} times as fast as plain in an ordinary loop ({seen['written'] * 1e6:.0f} µs, plain "
            f"{seen['plain'] * 1e6:.0f} µs); losses of 20 updates differ by {seen['off']:.0e}, the mean of the last 100 of "
            f"1 000 is {seen['last']:.4g}, of plain {seen['last_plain']:.4g}"
        )
        promised = f"{1 / promise['ratio']:.2f} ({1 / promise['high']:.2f} to {1 / promise['low']:.2f})"
        kept = seen["keys"] and promise["ratio"] / seen["ratio"] >= NEAR
        yield Figure(f"written file of {name}", said, f"promised by its climb: {promised}", kept)


def _measured(name: str, store: Store) -> dict[str, Any]:
    with TemporaryDirectory(prefix="looprace-written-") as folder:
        written = Path(folder, "fast.py")
        command = ["-m", "bench", "climb", "--resume", str(store.path), "--write", str(written), "--json"]
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
        if not written.exists():
            raise RuntimeError(f"bench climb --write wrote nothing for {name}: {done.stderr[-2000:]}")
        Path(folder, "my_step.py").write_bytes(steps.find(name, None).path.read_bytes())
        script = LOOP.format(folder=folder, core=allowed_cores()[-1])
        variables = os.environ | _variables(written.read_text(encoding="utf-8"))
        done = subprocess.run(
            [sys.executable, "-P", "-c", script], cwd=folder, env=variables, capture_output=True, text=True, check=True
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _variables(text: str) -> dict[str, str]:
    """The variables that a written file asks to start Python with."""
    asked = text.partition("which cannot be set later: ")[2].partition("\n\n")[0]
    return dict(word.split("=", 1) for word in asked.split())
