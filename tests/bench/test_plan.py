"""Which arms race which, from what a person asked for."""

import pytest

from bench.plan import EFFORTS, Choice, make_plan
from bench.record import Plan
from impls.catalogue import UnknownNameError
from impls.setting import RACED, SettingError


def plan(**chosen: object) -> Plan:
    """The plan of a choice, on the CPU unless told otherwise."""
    return make_plan(Choice(**{"device": ("cpu",)} | chosen), command="")  # type: ignore[arg-type]


def test_every_race_begins_with_the_reference_and_its_twin() -> None:
    """The twin is the reference in everything but its role, in every race of every effort."""
    for effort in EFFORTS:
        for race in plan(workload=("*",), effort=effort, batch=("full",)).races:
            reference, twin = race.arms[:2]
            assert ("reference", "twin") == (reference.role, twin.role)
            assert (reference.implementation, reference.setting) == (twin.implementation, twin.setting)
            assert ["arm"] * (len(race.arms) - 2) == [arm.role for arm in race.arms[2:]]


def test_no_arm_races_twice() -> None:
    """Apart from the twin, no two arms of a race are the same."""
    (race,) = plan(mode=("eager", "compile"), watch=("none", "loss", "draw")).races
    names = [arm.name for arm in race.arms]
    assert len(names) == len(set(names))


def test_only_raced_coordinates_differ_inside_a_race() -> None:
    """Arms of one race have rows, features, dtype, batch, threads, updates, lr and seed in common."""
    for race in plan(batch=("full", "256", "1"), dtype=("float32", "float64"), workload=("linear/line",)).races:
        for name in race.reference.setting.__dataclass_fields__:
            if name not in RACED:
                assert len({getattr(arm.setting, name) for arm in race.arms}) == 1, name


def test_what_cannot_be_compared_becomes_races_of_their_own() -> None:
    """Three batch sizes and two dtypes are six races."""
    assert len(plan(batch=("full", "256", "1"), dtype=("float32", "float64")).races) == 6


def test_the_default_shows_what_drawing_costs() -> None:
    """The standard effort races the reference once more with the tutorial's drawing; the quick one has no time for it."""
    (standard,) = plan().races
    assert [arm.implementation for arm in standard.arms if arm.setting.watch == "draw"] == ["linear/nn_sgd"]
    assert "draw" not in [arm.setting.watch for arm in plan(effort="quick").races[0].arms]


def test_another_reference_can_be_chosen() -> None:
    """--reference names the arm that ratios are taken to, even when it was not among those chosen."""
    (race,) = plan(reference="linear/numpy", implementation=("linear/manual",)).races
    assert race.reference.implementation == "linear/numpy"
    assert {"linear/numpy", "linear/manual"} == {arm.implementation for arm in race.arms if "floor" not in arm.name}


def test_a_missing_gpu_leaves_a_reference_that_runs() -> None:
    """With cuda asked for first and no GPU there, the reference is on the CPU, so that ratios exist."""
    (race,) = plan(device=("cuda", "cpu")).races
    from bench import environment

    assert race.reference.setting.device == ("cuda" if environment.gpus() else "cpu")
    assert {"cuda", "cpu"} == {arm.setting.device for arm in race.arms}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"rows": 0}, "rows must be a whole number of at least 1; got 0"),
        ({"batch": ("200000",)}, "batch must be full or at most rows"),
        ({"batch": ("half",)}, "batch must be full or a whole number"),
        ({"dtype": ("float16",)}, "dtype must be one of float32, float64; got 'float16'"),
        ({"device": ("tpu",)}, "device must be one of cpu, cuda; got 'tpu'"),
        (
            {"mode": ("fast",)},
            "mode must be one of eager, compile, cpp-wrapper, reduce-overhead, max-autotune, aot; got",
        ),
        ({"watch": ("stare",)}, "watch must be one of none, loss, draw; got 'stare'"),
        ({"effort": "lazy"}, "effort must be one of quick, standard, thorough; got 'lazy'"),
        ({"threads": (4096,)}, "threads must be at most"),
        ({"rounds": 0}, "rounds must be at least 1; got 0"),
        ({"workload": ("linear/five",), "rows": 7}, "linear/five is 5 fixed points"),
        ({"workload": ("gradient/norm",), "watch": ("loss",)}, "nothing to watch"),
    ],
)
def test_a_setting_outside_its_domain_is_refused(chosen: dict[str, object], said: str) -> None:
    """The refusal names the setting, its value and what it may be, before anything has run."""
    with pytest.raises(SettingError) as refusal:
        plan(**chosen)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"workload": ("linear/lnie",)}, "No workload is called 'linear/lnie': did you mean linear/line?"),
        ({"implementation": ("linear/nn_sdg",)}, "did you mean linear/nn_sgd?"),
        ({"reference": "nobody"}, "No implementation is called 'nobody'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_close_one(chosen: dict[str, object], said: str) -> None:
    """A mistyped name is refused with the name that comes close, or with all there are."""
    with pytest.raises(UnknownNameError) as refusal:
        plan(**chosen)
    assert said in str(refusal.value)
