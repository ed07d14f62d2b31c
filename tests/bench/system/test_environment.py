"""The description of a machine: enough to explain a difference, nothing secret, and stable where runs are compared."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.system import environment
from bench.system.environment import Pressure
from tests.bench.system.machines import WELL, plant
from tests.conftest import ROOT

COMPARED = ("machine", "python", "packages")  # what Store.check_machine wants to be equal


def test_what_is_compared_stays_and_keeps_its_keys() -> None:
    """Two descriptions in a row are equal where runs are compared, and all fields of older runs are present."""
    first, second = environment.describe(ROOT), environment.describe(ROOT)
    assert {name: first[name] for name in COMPARED} == {name: second[name] for name in COMPARED}
    assert first["conditions"] == second["conditions"]
    assert {"processor", "cores", "threads", "memory_bytes", "gpus"} == set(first["machine"])
    old = {"system", "revision", "variables", "cores_allowed", "load_before"}
    assert old | set(COMPARED) <= set(first)


def test_what_the_arms_import_is_told_with_its_version() -> None:
    """By the name that it is installed by, which may be another than that of the module; what is not there is left out."""
    packages = environment.describe(ROOT, {"pynvml", "psutil", "not_a_package_of_anybody"})["packages"]
    assert packages.keys() - environment.describe(ROOT)["packages"].keys() == {"nvidia-ml-py", "psutil"}


def test_it_is_strict_json_and_holds_no_path() -> None:
    """Neither the project's folder, nor Python's, nor a home is in it."""
    text = json.dumps(environment.describe(ROOT), allow_nan=False)
    for path in (str(ROOT), sys.prefix, str(Path.home())):
        assert path not in text


def test_conditions_are_flat_and_come_from_the_machine(tmp_path: Path) -> None:
    """It is flat, with plain values: two runs can be compared without knowing what the names mean."""
    found = environment.conditions(plant(tmp_path, WELL))
    assert [] == [name for name, value in found.items() if not isinstance(value, str | int | float | None)]
    told = {
        "processor signature": "Maker-6-7-1",
        "caches": "L1d 32 KiB",
        "kernel": "6.1.0",
        "clock source": "tsc",
        "huge pages": "madvise",
        "address layout": 2,
        "boost": False,
        "boot mitigations": "auto",
        "virtual machine": None,
    }
    assert told == {name: found[name] for name in told}
    assert "hunter2" not in str(found)


def test_a_machine_that_tells_nothing_has_conditions_without_values(tmp_path: Path) -> None:
    """In a container without /proc and /sys every value is None."""
    found = environment.conditions(plant(tmp_path, {}))
    assert {None} == {found[name] for name in ("governor", "kernel", "container", "caches", "microcode", "swap")}
    assert {None} == set(environment.moment(plant(tmp_path, {})).values())


def test_variables_are_told_by_an_allow_list_and_never_with_a_path_or_a_secret() -> None:
    """Of a path only its presence is recorded."""
    every = {
        "OMP_NUM_THREADS": "2",
        "MALLOC_ARENA_MAX": "1",
        "TORCH_HOME": "/home/somebody/torch",
        "PYTORCH_API_KEY": "hunter2",
        "TORCH_TOKEN": "hunter2",
        "JAX_COORDINATOR_ADDRESS": "10.0.0.7:1234",
        "CUDA_VISIBLE_DEVICES": "0",
        "AWS_SECRET": "hunter2",
        "HOME": "/home/somebody",
    }
    assert environment.variables(every) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "2",
        "TORCH_HOME": "(a path)",
    }


def test_another_allocator_is_told_by_its_name_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An allocator is recognised wherever it is preloaded from; other preloaded libraries are not recorded."""
    host = plant(tmp_path, WELL)
    assert "the C library's" == environment.conditions(host)["allocator"]
    monkeypatch.setenv("LD_PRELOAD", "/home/somebody/libjemalloc.so.2:/opt/spy/libsecret.so")
    assert "libjemalloc.so.2" == environment.conditions(host)["allocator"]


def test_describing_loads_no_torch() -> None:
    """How torch was built is read from its files."""
    script = (
        "import sys; from pathlib import Path; from bench.system.environment import describe; found = describe(Path('.')); "
        "print('torch' in sys.modules, 'torch cuda' in found['conditions'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (0, "False True") == (done.returncode, done.stdout.strip()), done.stderr


def test_a_folder_without_git_has_no_revision(tmp_path: Path) -> None:
    """Without git the commit is None; that is no error."""
    assert {"commit": None, "changed": None} == environment.revision(tmp_path)


@pytest.mark.parametrize(
    ("stolen", "swapped", "codes"),
    [(0.0, 0, []), (0.3, 0, ["stolen"]), (0.1, 2**20, ["swapping"]), (5.0, 1, ["stolen", "swapping"])],
)
def test_what_the_machine_did_to_a_race_is_a_caveat(stolen: float, swapped: int, codes: list[str]) -> None:
    """A caveat is made when more than 2 % of two cores' time is stolen, or a single byte is swapped."""
    before, after = Pressure(2, 1.0, 100), Pressure(2, 1.0 + 2 * stolen, 100 + swapped)
    found = environment.caveats_between(before, after, 10.0)
    assert codes == [each.code for each in found]
    assert all(each.advice for each in found)
