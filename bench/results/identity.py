"""The name of an arm outside this project: in exports, in histories, and where two runs or two revisions are compared.

It holds every coordinate of the setting, so that two different jobs never share a name. Left out are only the values below.
They are frozen: they were the defaults when the first names were exported, and a change here, unlike a change of a default,
would give old series new names. A new coordinate joins ORDER at its end, and USUAL with the value that arms had before there
was a choice. A workload that is not listed is named in full.
"""

from collections.abc import Mapping

from impls.contract.coordinates import spoken
from impls.contract.setting import Setting

ORDER = ("batch", "dtype", "threads", "rows", "features", "updates", "lr", "seed")
OF_STEPS = ("dtype", "threads", "seed")
USUAL: Mapping[str, object] = {"batch": "full", "dtype": "float32", "threads": 1, "seed": 0}
JOBS: Mapping[str, Mapping[str, object]] = {
    "linear/line": {"rows": 100_000, "features": 1, "updates": 10_000, "lr": 1e-4},
    "linear/five": {"rows": 5, "features": 1, "updates": 10_000, "lr": 1e-4},
    "gradient/norm": {"rows": 1, "features": 2, "updates": 1_000, "lr": 1.0},
}


def key(workload: str, implementation: str, setting: Setting, *, twin: bool = False) -> str:
    """The arm's name in every run and under every catalogue: "linear/line linear/manual cpu eager batch 256"."""
    usual = {**USUAL, **JOBS.get(workload, {})}
    values = {name: getattr(setting, name) for name in (OF_STEPS if setting.is_step else ORDER)} | setting.named
    said = [f"{name} {value}" for name, value in values.items() if name not in usual or usual[name] != value]
    return " ".join([workload, implementation, spoken(setting), *(["(twin)"] if twin else []), *said])
