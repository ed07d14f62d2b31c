"""Checks one implementation against the contract, as `python -m bench check` and the contract tests do. Loads torch."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from bench.runner import verify
from bench.worker import device
from bench.worker.answer import weights_of
from impls.contract import Implementation, Oracle, Problem, UnavailableError, Workload, catalogue
from impls.contract.setting import Setting, SettingError
from impls.contract.task import Compiler, make_task

SMALL: tuple[dict[str, Any], ...] = (
    {},
    {"dtype": "float64"},
    {"features": 3},
    {"rows": 5, "batch": 2},
    {"rows": 5, "batch": 1},
    {"rows": 50, "features": 3},
    {"rows": 50, "batch": 7},
)
UPDATES = 30  # several epochs of the small settings, so that the order of the batches matters


@dataclass(frozen=True)
class Claim:
    """One promise of the contract at one setting: kept where `fault` is None; `skipped` says why it could not be tried."""

    implementation: str
    workload: str
    setting: str
    text: str
    fault: str | None = None
    skipped: str | None = None

    @property
    def word(self) -> str:
        """kept, BROKEN or skipped."""
        return "BROKEN" if self.fault else "skipped" if self.skipped else "kept"

    @property
    def sentence(self) -> str:
        """The claim as a sentence, with what is wrong or why it was skipped."""
        where = ", ".join(part for part in (self.workload, self.setting) if part)
        why = self.fault or self.skipped
        return f"{self.implementation} {self.text}{f' ({where})' if where else ''}{f': {why}' if why else ''}"


def check(
    name: str, mode: str = "eager", device_name: str = "cpu", settings: Sequence[dict[str, Any]] = SMALL
) -> Iterator[Claim]:
    """Tries every promise of the contract on every workload of the family, at small settings. A crash breaks a promise."""
    try:
        yield from _check(name, mode, device_name, settings)
    except Exception as error:  # noqa: BLE001 - whatever an implementation raises is the finding
        yield Claim(name, "", "", "runs at all", f"{type(error).__name__}: {error}")


def _check(name: str, mode: str, device_name: str, settings: Sequence[dict[str, Any]]) -> Iterator[Claim]:
    entry = catalogue.entry(name)
    absent = entry.missing() or device.absent(device_name)
    if absent:
        yield Claim(name, "", "", "runs at all", skipped=absent)
        return
    flags = device.global_flags()
    kind = catalogue.load(name)
    for workload in catalogue.workloads().values():
        if catalogue.family_of(workload.name) != entry.family:
            continue
        for chosen in settings:
            words = ", ".join(f"{key} {value}" for key, value in chosen.items()) or "the workload's own setting"
            try:
                setting = workload.setting(**chosen, mode=mode, device=device_name)
            except SettingError:
                continue  # the workload has no such setting
            reason = kind.refuses(setting)
            if reason:
                yield Claim(name, workload.name, words, "supports the setting", skipped=reason)
                continue
            try:
                for text, fault in _claims(kind, workload, setting, flags):
                    yield Claim(name, workload.name, words, text, fault)
            except UnavailableError as error:
                yield Claim(name, workload.name, words, "can be built", skipped=str(error))


@lru_cache(maxsize=64)
def _problem_of(name: str, setting: Setting) -> tuple[Problem, Oracle]:
    """A workload's problem and its oracle; the same for every implementation, mode and device."""
    workload = catalogue.workloads()[name]
    problem = workload.problem(setting)
    return problem, workload.oracle(problem, setting)


def _claims(
    kind: type[Implementation], workload: Workload, setting: Setting, flags: dict[str, object]
) -> Iterator[tuple[str, str | None]]:
    if setting.mode != "eager":
        torch.compiler.reset()  # else torch stops compiling a function after eight settings, and runs it eagerly without a word
    problem, oracle = _problem_of(workload.name, replace(setting, mode="eager", device="cpu"))
    task = make_task(problem, setting, Compiler(setting.mode))
    kept = {name: value.clone() for name, value in {**task.data, **task.start}.items()}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        arm = kind(task)

        def fault_after(*parts: int) -> str | None:
            arm.reset()
            for part in parts:
                returned: Any = arm.advance(part)
                if returned is not None:
                    return f"advance returned {returned!r}"
            if kind.work == "floor":
                return None  # a floor has no answer
            weights = weights_of(arm, setting, "check", sum(parts))
            return verify.judge(weights, oracle, setting, kind.tolerance(setting)).fault

        right = "runs through" if kind.work == "floor" else "is right"
        yield f"{right} after the first update", fault_after(1)
        yield f"{right} after {UPDATES} updates", fault_after(UPDATES)
        yield f"{right} however the updates are cut into calls", fault_after(1, UPDATES // 3, UPDATES)
        yield f"{right} again after a reset", fault_after(UPDATES)
    now = {**task.data, **task.start}
    spoiled = [name for name in kept if not torch.equal(kept[name], now[name])]
    yield "leaves data and starting weights alone", f"changed {', '.join(spoiled)}" if spoiled else None
    changed = [name for name, value in device.global_flags().items() if flags[name] != value]
    yield "leaves the global settings of torch alone", f"changed {', '.join(changed)}" if changed else None
    yield "prints nothing", f"printed {printed.getvalue()[:60]!r}" if printed.getvalue() else None
