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
    """What a fresh interpreter prints when it runs `script` in `folder`; its complaint when it fails."""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def plant(folder: Path, name: str, content: bytes) -> None:
    """A copy of impls/ in `folder`, with one more implementation file."""
    shutil.copytree(ROOT, folder / "impls", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "impls" / f"{name}.py").write_bytes(content)
