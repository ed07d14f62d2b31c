"""The contract test of one implementation: what `python -m bench check` and the contract suite run over every one found."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from bench import device, referee
from bench.worker import answer_of
from impls import catalogue
from impls.contract import Implementation, Workload
from impls.setting import Setting, SettingError
from impls.task import Compiler, make_task

SMALL = ({}, {"dtype": "float64"}, {"batch": 2}, {"batch": 1}, {"rows": 50, "features": 3}, {"rows": 50, "batch": 7})
UPDATES = 30  # several epochs of the small settings, so that the order of the batches matters


@dataclass(frozen=True)
class Claim:
    """One promise of the contract at one setting: kept when `fault` is None; `skipped` says why it could not be tried."""

    workload: str
    setting: str
    text: str
    fault: str | None = None
    skipped: str | None = None


def check(name: str, mode: str = "eager", device_name: str = "cpu") -> Iterator[Claim]:
    """Tries every promise of the contract on every workload of the family, at small settings."""
    entry = catalogue.implementations()[name]
    kind = catalogue.load(name)
    for workload in catalogue.workloads().values():
        if workload.name.partition("/")[0] != entry.family:
            continue
        for chosen in SMALL:
            words = ", ".join(f"{key} {value}" for key, value in chosen.items()) or "the workload's own setting"
            try:
                setting = workload.setting(**chosen, mode=mode, device=device_name)
            except SettingError:
                continue  # the workload has no such setting
            reason = device.absent(device_name) or entry.missing() or kind.supports(setting)
            if reason:
                yield Claim(workload.name, words, "supports the setting", skipped=reason)
                continue
            for text, fault in _claims(kind, workload, setting):
                yield Claim(workload.name, words, text, fault)


def _claims(kind: type[Implementation], workload: Workload, setting: Setting) -> Iterator[tuple[str, str | None]]:
    problem = workload.problem(setting)
    oracle = workload.oracle(problem, setting)
    task = make_task(problem, setting, Compiler(setting.mode))
    flags = device.global_flags()
    kept = {name: value.clone() for name, value in (*task.data.items(), *task.start.items())}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        arm = kind(task)

        def judged(*parts: int) -> str | None:
            arm.reset()
            for part in parts:
                returned: Any = arm.advance(part)  # type: ignore[func-returns-value]
                if returned is not None:
                    return f"advance returned {returned!r}"
            return referee.judge(
                answer_of(arm, setting, "check", sum(parts)), oracle, setting, kind.tolerance(setting)
            ).fault

        yield "is right after the first update", judged(1)
        yield f"is right after {UPDATES} updates", judged(UPDATES)
        yield "is right however the updates are cut into calls", judged(1, UPDATES // 3, UPDATES)
        yield "is right again after a reset", judged(UPDATES)
    now = {name: value for name, value in (*task.data.items(), *task.start.items())}
    spoiled = [name for name in kept if not torch.equal(kept[name], now[name])]
    yield "leaves data and starting weights alone", f"changed {', '.join(spoiled)}" if spoiled else None
    changed = [name for name, value in device.global_flags().items() if flags[name] != value]
    yield "leaves the global settings of torch alone", f"changed {', '.join(changed)}" if changed else None
    yield "prints nothing", f"printed {printed.getvalue()[:60]!r}" if printed.getvalue() else None
