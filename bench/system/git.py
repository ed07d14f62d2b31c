"""Runs git in a folder, so that only that folder's repository is read and no other program is started."""

import os
import subprocess
from pathlib import Path

# A hook of git that starts us hands these on, and they point at its own repository.
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false")  # git starts no other program


def git(
    folder: Path, *arguments: str, index: Path | None = None, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """`git ARGUMENTS` in a folder, finished, whatever its status; output that is no UTF-8 has surrogates.

    index    the index file to use instead of the repository's own
    timeout  seconds; None waits for as long as it takes

    Raises FileNotFoundError where git is not installed, and subprocess.TimeoutExpired.
    """
    variables = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    variables |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    variables |= {} if index is None else {"GIT_INDEX_FILE": str(index)}
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    return subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",  # file names need not be text
        check=False,
        timeout=timeout,
    )
