"""What the process of an arm is given: its program, its cores, and the variables of its environment. Loads no torch."""

from collections.abc import Sequence
from pathlib import Path

from bench.results.record import Arm
from impls.contract import catalogue
from impls.contract.catalogue import UnknownNameError
from impls.floors.names import EVERY_FLOOR, RANK_FLOORS
from impls.recipe.recipe import PLAIN, Recipe, rewrites

WORKER = "bench.worker.main"
LAUNCHER = "bench.worker.ranks.launch"
RANKS = "LOOPRACE_RANKS"  # variable: the device of an arm of several processes, and how many there are on a CPU


def program_of(arm: Arm) -> str:
    """The module that the arm's process runs: a worker, or what starts the processes that make its updates together."""
    return LAUNCHER if has_ranks(arm) else WORKER


def has_ranks(arm: Arm) -> bool:
    """Whether several processes make its updates together, on the cores or GPUs of the race."""
    if arm.setting.is_step:
        return arm.implementation in RANK_FLOORS or recipe_of(arm).ranks
    try:
        return catalogue.entry(arm.implementation).domain.ranks
    except UnknownNameError:  # a base has what the head has lost
        return False


def variables_for(arm: Arm, cores: Sequence[int], cache: Path) -> dict[str, str]:
    """The variables that are set in an arm's environment, and recorded. Each arm has compile caches of its own."""
    threads = str(len(cores))
    variables = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    variables |= {"NUMBA_NUM_THREADS": threads, "NPROC": threads}  # XLA sizes its pool of threads by NPROC
    if len(cores) > 1:
        variables |= {"OMP_PROC_BIND": "true", "OMP_PLACES": ",".join(f"{{{core}}}" for core in cores)}
    caches = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton", "NUMBA_CACHE_DIR": "numba"}
    variables |= {name: str(cache / folder) for name, folder in caches.items()}
    if has_ranks(arm):
        variables |= _of_ranks(arm)
    own = {k: v for name in recipe_of(arm).rewrites for k, v in rewrites()[name].variables.items()}
    return variables | {"TORCHINDUCTOR_COMPILE_THREADS": "1"} | own


def _of_ranks(arm: Arm) -> dict[str, str]:
    """Each rank computes on one thread, which its worker pins; they talk by the loopback."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    unbound = {"OMP_PROC_BIND": "false", "OMP_PLACES": "threads"}
    return alone | unbound | {"GLOO_SOCKET_IFNAME": "lo", RANKS: f"{arm.setting.device} {arm.setting.threads}"}


def recipe_of(arm: Arm) -> Recipe:
    """The recipe of an arm of a step; the empty one of a floor, and of an arm of an exact workload."""
    floor = arm.implementation in EVERY_FLOOR
    return Recipe.read(arm.implementation) if arm.setting.is_step and not floor else PLAIN


def cores_for(arm: Arm, cores: Sequence[int], everywhere: Sequence[int]) -> Sequence[int]:
    """The cores that an arm is pinned to: those of the race, or more where its recipe computes on more threads."""
    wanted = max([0, *(rewrites()[name].threads for name in recipe_of(arm).rewrites)])
    return cores if wanted <= len(cores) else everywhere[-wanted:]


def can_be_forked(arm: Arm) -> bool:
    """Whether a server that has loaded torch can fork the arm's worker.

    Threads do not survive a fork, a GPU's driver forbids it, and variables of a recipe are read while torch is loaded.
    """
    own = [rewrites()[name] for name in recipe_of(arm).rewrites]
    alone = arm.setting.threads == 1 and arm.setting.device == "cpu" and not has_ranks(arm)
    return alone and not any(one.variables or one.threads > 1 for one in own)
