"""A copy of the implementations with one more file, for tests of what the catalogue makes of it."""

import shutil
import subprocess
import sys
from pathlib import Path

from impls.contract.catalogue import ROOT

RIGHT = '''"""A planted arm."""

from impls.contract import Implementation


class Planted(Implementation):
    """Does nothing."""
'''


def say(script: str, folder: Path) -> str:
    """The output of a new interpreter that runs `script` in `folder`; fails with its error output."""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def plant(folder: Path, name: str, content: bytes) -> None:
    """A copy of impls/ in `folder`, with one more implementation file."""
    shutil.copytree(ROOT, folder / "impls", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "impls" / f"{name}.py").write_bytes(content)
