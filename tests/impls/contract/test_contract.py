"""The contract, tried on every implementation there is; a new one is included without being listed."""

import shutil
from collections.abc import Sequence
from functools import cache

import pytest

from bench.worker import device
from bench.worker.contract_check import Claim, _claims, check
from bench.worker.device import global_flags
from impls.contract import catalogue

NAMES = sorted(catalogue.implementations())
COMPILED = ("gradient/by_hand", "linear/analytic", "linear/nn_sgd")  # one of each sort: compilation takes seconds
# Every other way to compile at one setting: large enough for vectors, and in float64, where compilers err unseen.
ONE = ({"rows": 1000, "dtype": "float64"},)
ONE_OF_BATCHES = ({"rows": 1000, "dtype": "float64", "batch": 7},)
WAYS = [
    (name, mode)
    for name in NAMES
    for mode in catalogue.implementations()[name].domain.modes
    if mode != "eager" and name.startswith("linear/")
]


@cache
def tried(name: str) -> tuple[Claim, ...]:
    """Every claim of the contract, tried in eager mode on the CPU; cached, because several tests read it."""
    return tuple(check(name))


def broken(claims: Sequence[Claim]) -> list[str]:
    """The broken claims in words; fails when nothing was tried and no reason is given."""
    assert any(claim.skipped is None for claim in claims) or (claims and all(claim.skipped for claim in claims))
    return [f"{claim.workload}, {claim.setting}: {claim.text}: {claim.fault}" for claim in claims if claim.fault]


@pytest.mark.parametrize("name", NAMES)
def test_an_implementation_keeps_the_contract(name: str) -> None:
    """An implementation is right however its updates are cut into calls, is right after a reset, and changes nothing else."""
    assert [] == broken(tried(name))


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_implementation_keeps_the_contract(name: str) -> None:
    """What an implementation offers to torch.compile keeps the contract when it is compiled."""
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("torch.compile needs a C++ compiler, and there is none here")
    assert [] == broken(list(check(name, mode="compile")))


# Sizes that fit no kernel's assumptions: one row, a prime number of rows, more features than rows, a batch of everything.
ODD = (
    {"rows": 1},
    {"rows": 10_007},
    {"rows": 7, "features": 1024},
    {"rows": 1, "features": 1024, "dtype": "float64"},
    {"rows": 13, "features": 2, "batch": 13},
    {"rows": 5, "features": 1024, "batch": 1},
)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("linear/")])
def test_odd_sizes_are_right_or_refused(name: str) -> None:
    """At unusual sizes an implementation is right, or says why it cannot run."""
    assert [] == broken(list(check(name, settings=ODD)))


def one_for(name: str) -> Sequence[dict[str, object]]:
    """A setting within the implementation's domain."""
    return ONE if "full" in catalogue.implementations()[name].domain.batches else ONE_OF_BATCHES


@pytest.mark.parametrize(("name", "mode"), WAYS)
def test_every_way_to_compile_is_right(name: str, mode: str) -> None:
    """The contract is kept in every mode that an implementation offers."""
    if "cpu" not in catalogue.implementations()[name].domain.devices:
        pytest.skip("computes on a GPU only")
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("torch.compile needs a C++ compiler, and there is none here")
    claims = list(check(name, mode=mode, settings=one_for(name)))
    assert [] == broken(claims)
    assert any(claim.skipped is None for claim in claims)


@pytest.mark.cuda
@pytest.mark.parametrize(("name", "mode"), WAYS)
def test_every_way_to_compile_is_right_on_cuda(name: str, mode: str) -> None:
    """The contract is kept on a GPU in every mode that an implementation offers."""
    reason = device.absent("cuda")
    if reason:
        pytest.skip(reason)
    assert [] == broken(list(check(name, mode=mode, device_name="cuda", settings=one_for(name))))


@pytest.mark.cuda
@pytest.mark.parametrize("name", NAMES)
def test_an_implementation_keeps_the_contract_on_cuda(name: str) -> None:
    """On a GPU an implementation keeps the contract as on a CPU, or says why it cannot run there."""
    reason = device.absent("cuda")
    if reason:
        pytest.skip(reason)
    assert [] == broken(list(check(name, device_name="cuda")))


@pytest.mark.cuda
@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_implementation_keeps_the_contract_on_cuda(name: str) -> None:
    """Compiled for a GPU, an implementation keeps the contract."""
    reason = device.absent("cuda")
    if reason:
        pytest.skip(reason)
    assert [] == broken(list(check(name, mode="compile", device_name="cuda")))


@pytest.mark.parametrize("name", NAMES)
def test_every_workload_of_the_family_is_tried(name: str) -> None:
    """The contract is tried on every workload of the implementation's family, and on no other."""
    entry = catalogue.implementations()[name]
    own = {workload for workload in catalogue.workloads() if workload.startswith(f"{entry.family}/")}
    assert entry.missing() or own == {claim.workload for claim in tried(name)}


@pytest.mark.parametrize("features", [1, 3, 30])
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("gradient/")])
def test_a_gradient_is_right_at_any_length(name: str, features: int) -> None:
    """An implementation of the gradient family is right for a vector of any length."""
    setting = catalogue.workloads()["gradient/norm"].setting(features=features)
    claims = _claims(catalogue.load(name), catalogue.workloads()["gradient/norm"], setting, global_flags())
    assert [] == [fault for _, fault in claims if fault]


@pytest.mark.parametrize("features", [100, 1000])
def test_central_differences_are_right_for_long_vectors(features: int) -> None:
    """The tolerance that central differences ask for covers the rounding of a long vector's norm."""
    setting = catalogue.workloads()["gradient/norm"].setting(features=features)
    kind = catalogue.load("gradient/central_differences")
    claims = _claims(kind, catalogue.workloads()["gradient/norm"], setting, global_flags())
    assert [] == [fault for _, fault in claims if fault]


@pytest.mark.skipif(device.absent("cuda") is None, reason="there is a GPU here")
def test_what_cannot_be_tried_says_why() -> None:
    """Without a GPU every claim about one is skipped with the reason, and none is broken."""
    claims = list(check("linear/manual", device_name="cuda"))
    assert {device.absent("cuda")} == {claim.skipped for claim in claims}
    assert {None} == {claim.fault for claim in claims}
