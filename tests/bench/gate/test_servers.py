"""Which rounds get a server to fork their workers, for how long, and what happens when there is none; with real processes."""

import dataclasses
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from bench.gate.servers import ROUNDS, Servers
from bench.process import allowed_cores
from tests.bench.gate.visits import arm

HERE = [sys.executable] * 2


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """None is live yet."""
    with Servers(tmp_path / "logs" / "servers.log", allowed_cores(), 60.0) as made:
        yield made


def test_a_server_serves_a_few_rounds_and_the_next_one_lies_elsewhere(servers: Servers) -> None:
    """What workers of a server have alike, hashes for one, must not be what all rounds have alike."""
    order = random.Random(1)
    serving, hashes = [], []
    for _ in range(2 * ROUNDS):
        serving.append(servers.begin_round(arm(), HERE, order)[sys.executable])
        hashes.append(servers.held)
    first, second = set(serving[:ROUNDS]), set(serving[ROUNDS:])
    assert len(first) == len(second) == 1
    assert [each.alive for each in first | second].count(True) == 1
    assert serving[-1].alive
    assert hashes[0] == hashes[ROUNDS - 1] != hashes[ROUNDS] == hashes[-1]


@pytest.mark.parametrize("change", [{"threads": 2}, {"device": "cuda"}])
def test_what_has_threads_or_a_gpu_starts_from_nothing(servers: Servers, change: dict[str, Any]) -> None:
    """Threads do not come along when a process is forked, and a GPU's driver does not allow it."""
    of = arm()
    assert (
        servers.begin_round(replace(of, setting=dataclasses.replace(of.setting, **change)), HERE, random.Random(1))
        == {}
    )
    assert not psutil.Process().children()


def test_where_one_interpreter_has_no_server_both_sides_start_from_nothing(servers: Servers) -> None:
    """Both start in the same way; and it is not tried again in each round."""
    order = random.Random(1)
    for _ in range(2):
        assert servers.begin_round(arm(), [sys.executable, "/bin/false"], order) == {}
    assert sys.executable in servers.begin_round(arm(), HERE, order)


def test_a_server_that_died_is_replaced(servers: Servers) -> None:
    """Whatever killed it, the gate goes on."""
    order = random.Random(1)
    before = servers.begin_round(arm(), HERE, order)[sys.executable]
    (child,) = psutil.Process().children()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    after = servers.begin_round(arm(), HERE, order)[sys.executable]
    assert after is not before
    assert after.alive
