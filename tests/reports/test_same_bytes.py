"""The same records give the same report, byte for byte, wherever and whenever it is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Hash seeds, time zones and locales that order, name or punctuate things otherwise.
ELSEWHERE = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONHASHSEED": "12345", "TZ": "America/St_Johns", "LC_ALL": "POSIX", "COLUMNS": "40"},
)


@pytest.mark.parametrize("number", [3, 4])
def test_a_report_is_the_same_everywhere(number: int, tmp_path: Path) -> None:
    """Of a profiled run and of a step: page, summary, document, exports and every figure."""
    run = ROOT / "tests" / "corpus" / f"format-{number}"
    command = [sys.executable, "-m", "bench", "report", str(run), "--export", "pyperf,bencher", "--out", "report"]
    places = [tmp_path / str(place) for place in range(len(ELSEWHERE))]
    started = []
    for place, variables in zip(places, ELSEWHERE, strict=True):
        place.mkdir()
        environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
        started.append(subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.DEVNULL))
    assert {0} == {process.wait() for process in started}
    made = [{path.name: path.read_bytes() for path in place.rglob("*.*") if path.is_file()} for place in places]
    assert len(made[0]) > 8
    assert [] == [name for name in made[0] if any(made[0][name] != other[name] for other in made[1:])]
