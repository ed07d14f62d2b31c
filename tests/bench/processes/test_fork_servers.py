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

from bench import clock
from bench.processes import fork_server, memory_layout
from bench.processes.fork_server import LATER
from bench.processes.fork_servers import TOGETHER, Servers
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


def test_servers_serve_in_turn_until_loading_the_next_ones_is_cheap(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is common to the workers of a server, such as hashes, must not be common to all rounds."""
    order = random.Random(1)
    now = 0.0
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(fork_server.ForkServer, "threads", property(lambda _: loads()))

    def loads() -> int:
        nonlocal now
        now += 1.0
        return 1

    serving, hashes = [], []
    for _ in range(12):
        place = servers.begin_round(arm(), HERE, order)
        assert place
        serving.append(place.live[sys.executable])
        hashes.append(place.fixed[memory_layout.HASHES])
        now += 1.5
    # loading took 2 s, so ten in all are worth it: after 6 rounds 11 have passed
    assert serving[:6] == serving[:TOGETHER] * 3
    assert serving[6:] == serving[6 : 6 + TOGETHER] * 3
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


def test_what_all_workers_of_a_round_load_is_loaded_before_the_next_ones_are_forked(
    servers: Servers, live: Live
) -> None:
    """Servers that run load it at once, later ones as they start. Of what only some have loaded, the compiler alone."""
    place = servers.begin_round(arm(), HERE, random.Random(1))
    assert place
    server = place.live[sys.executable]
    before = server.ask({"load": []})
    servers.learn([["wave", LATER], None, ["wave", "colorsys"]])
    assert server.alive
    assert server.ask({"load": []}) > before + 100
    servers.close()
    assert servers.begin_round(arm(), HERE, random.Random(2))
    assert [(LATER in line, "wave" in line, "colorsys" in line) for line in (child.cmdline() for child in live())] == [
        (True, True, False)
    ] * TOGETHER


def test_modules_that_start_threads_are_given_up(servers: Servers, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with threads cannot be forked: what workers load then stays theirs to load, and servers go on without it."""
    assert servers.begin_round(arm(), HERE, random.Random(1))
    with monkeypatch.context() as threaded:
        threaded.setattr(fork_server.ForkServer, "threads", property(lambda _: 2))
        servers.learn([["wave"]])
    assert not live()
    servers.learn([["wave"]])
    assert servers.begin_round(arm(), HERE, random.Random(2))
    assert not any("wave" in child.cmdline() for child in live())
