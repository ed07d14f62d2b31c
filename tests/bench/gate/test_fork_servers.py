"""Which rounds get servers, for how long, and what happens where there are none; with real processes."""

import dataclasses
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from bench.gate.fork_servers import ROUNDS, TOGETHER, Servers
from bench.processes import fork_server, memory_layout
from bench.processes.fork_server import LATER
from bench.processes.worker_process import allowed_cores
from tests.bench.gate.samples import arm

HERE = [sys.executable] * 2


Live = Callable[[], list[psutil.Process]]


@pytest.fixture
def live() -> Live:
    """A function that returns the running servers that the test has started; others may serve the whole session."""

    def running() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if str(fork_server.__file__) in child.cmdline()]

    others = set(running())
    return lambda: [server for server in running() if server not in others]


@pytest.fixture
def servers(live: Live, tmp_path: Path) -> Iterator[Servers]:
    """Servers, none of which has been started."""
    with Servers(tmp_path / "logs" / "servers.log", allowed_cores(), 60.0) as made:
        yield made


def test_servers_serve_a_few_rounds_in_turn_and_the_next_ones_lie_elsewhere(servers: Servers) -> None:
    """What is common to the workers of a server, such as hashes, must not be common to all rounds."""
    order = random.Random(1)
    serving, hashes = [], []
    for _ in range(2 * ROUNDS * TOGETHER):
        place = servers.begin_round(arm(), HERE, order)
        assert place
        serving.append(place.live[sys.executable])
        hashes.append(place.fixed[memory_layout.HASHES])
    half = ROUNDS * TOGETHER
    assert serving[:half] == serving[:TOGETHER] * ROUNDS
    assert serving[half:] == serving[half : half + TOGETHER] * ROUNDS
    assert len(set(serving)) == len(set(hashes)) == 2 * TOGETHER
    assert [server.alive for server in dict.fromkeys(serving)] == [False] * TOGETHER + [True] * TOGETHER


@pytest.mark.parametrize("change", [{"threads": 2}, {"device": "cuda"}])
def test_what_has_threads_or_a_gpu_starts_from_nothing(servers: Servers, live: Live, change: dict[str, Any]) -> None:
    """Threads do not survive a fork, and a driver of GPUs forbids it."""
    of = arm()
    assert (
        servers.begin_round(replace(of, setting=dataclasses.replace(of.setting, **change)), HERE, random.Random(1))
        is None
    )
    assert not live()


def test_where_one_interpreter_has_no_server_both_sides_start_from_nothing(servers: Servers) -> None:
    """Both sides start in the same way, and it is not tried again in each round."""
    order = random.Random(1)
    for _ in range(2):
        assert servers.begin_round(arm(), [sys.executable, "/bin/false"], order) is None
    assert servers.begin_round(arm(), HERE, order)


def test_a_server_that_died_is_replaced_and_the_others_are_kept(servers: Servers, live: Live) -> None:
    """Whatever killed a server, the gate goes on."""
    order = random.Random(1)
    before = [servers.begin_round(arm(), HERE, order) for _ in range(TOGETHER)]
    first = [place.live[sys.executable] for place in before if place]
    child = min(live(), key=lambda child: child.pid)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    again = [servers.begin_round(arm(), HERE, order) for _ in range(TOGETHER)]
    after = [place.live[sys.executable] for place in again if place]
    assert [old is new for old, new in zip(first, after, strict=True)].count(False) == 1
    assert all(server.alive for server in after)


def test_workers_that_load_the_compiler_as_they_start_find_it_loaded_from_the_next_round_on(
    servers: Servers, live: Live
) -> None:
    """It takes as long to load as torch. Servers do not load it where no worker does."""
    order = random.Random(1)
    of = arm()
    first = servers.begin_round(of, HERE, order)
    assert first
    assert servers.begin_round(of, HERE, order) is not None
    assert all(LATER not in child.cmdline() for child in live())
    servers.load_compiler()
    assert servers.begin_round(of, HERE, order) is not first
    assert not first.live[sys.executable].alive
    assert [LATER in child.cmdline() for child in live()] == [True] * TOGETHER
