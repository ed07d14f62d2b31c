"""Which installed modules a worker has loaded: a server that loads them, too, saves every later worker that time."""

import sys
import sysconfig
from collections.abc import Set

from bench.processes.fork_server import ALWAYS, COMPILERS


def installed_modules(before: Set[str]) -> tuple[str, ...]:
    """The modules of installed packages that have been loaded since, in that order; of torch only what it loads late.

    before  the modules that were loaded already

    The code of a side, and of a step's own repository, is not installed: a server may not load it.
    """
    folders = tuple({f"{sysconfig.get_paths()[name]}/" for name in ("purelib", "platlib")})
    since = {name: module for name, module in sys.modules.items() if name not in before}
    return tuple(
        name
        for name, module in since.items()
        if (name in COMPILERS or name.partition(".")[0] != ALWAYS)
        and str(getattr(module, "__dict__", {}).get("__file__")).startswith(folders)
    )
