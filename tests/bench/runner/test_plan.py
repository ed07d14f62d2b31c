"""Which arms race each other, from what a person asked for."""

import re

import pytest

from bench.cli import notation
from bench.results.record import Plan
from bench.runner.plan import EFFORTS, Choice, Sweep, make_plan
from bench.system import gpu_presence
from impls.contract.catalogue import UnknownNameError
from impls.contract.coordinates import BY_NAME, RACED
from impls.contract.setting import SettingError


def plan(**chosen: object) -> Plan:
    """The plan of a choice, on the CPU unless another device is named; coordinates are given as one value or several."""
    setting = {name: chosen.pop(name) for name in BY_NAME if name in chosen}
    values = {name: value if isinstance(value, tuple) else (value,) for name, value in setting.items()}
    return make_plan(Choice(setting={"device": ("cpu",)} | values, **chosen), command="")  # type: ignore[arg-type]


def test_every_race_begins_with_the_reference_and_its_twin() -> None:
    """The twin is the reference in everything but its role, in every race of every effort."""
    for effort in EFFORTS:
        for race in plan(workload=("*",), effort=effort, batch=("full",)).races:
            reference, twin = race.arms[:2]
            assert ("reference", "twin") == (reference.role, twin.role)
            assert (reference.implementation, reference.setting) == (twin.implementation, twin.setting)
            assert ["arm"] * (len(race.arms) - 2) == [arm.role for arm in race.arms[2:]]


def test_no_arm_races_twice() -> None:
    """No two arms of a race are the same, except for the twin."""
    (race,) = plan(mode=("eager", "compile"), watch=("none", "loss", "draw")).races
    names = [arm.name for arm in race.arms]
    assert len(names) == len(set(names))


def test_only_raced_coordinates_differ_inside_a_race() -> None:
    """Arms of one race have rows, features, dtype, batch, threads, updates, lr and seed in common."""
    for race in plan(batch=("full", 256, 1), dtype=("float32", "float64"), workload=("linear/line",)).races:
        for name in race.reference.setting.__dataclass_fields__:
            if name not in RACED:
                assert len({getattr(arm.setting, name) for arm in race.arms}) == 1, name


def test_what_cannot_be_compared_becomes_races_of_their_own() -> None:
    """Three batch sizes and two dtypes are six races."""
    assert len(plan(batch=("full", 256, 1), dtype=("float32", "float64")).races) == 6


def test_the_default_shows_what_drawing_costs() -> None:
    """The standard effort races the reference once more with the tutorial's drawing; the quick effort does not."""
    (standard,) = plan().races
    assert [arm.implementation for arm in standard.arms if arm.setting.watch == "draw"] == ["linear/nn_sgd"]
    assert "draw" not in [arm.setting.watch for arm in plan(effort="quick").races[0].arms]


def test_another_reference_can_be_chosen() -> None:
    """--reference names the arm that ratios are taken to, even when it was not among those chosen."""
    (race,) = plan(reference="linear/numpy", implementation=("linear/manual",)).races
    assert race.reference.implementation == "linear/numpy"
    assert {"linear/numpy", "linear/manual"} == {arm.implementation for arm in race.arms if "floor" not in arm.name}


NO_GPU = "this PyTorch is built for the CPU only"


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, whatever this one has."""
    monkeypatch.setattr(gpu_presence, "why_no_gpu", lambda: NO_GPU)


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize("chosen", [{"device": ("cuda", "cpu")}, {"device": ()}], ids=["both devices", "no device"])
def test_a_missing_gpu_is_noted_once_and_the_rest_is_raced(chosen: dict[str, object]) -> None:
    """Every arm that is left is on the CPU, and one sentence says why; no process is started to find that out."""
    made = plan(**chosen)
    assert {"cpu"} == {arm.setting.device for race in made.races for arm in race.arms}
    assert not {"linear/cuda_graph"} & {arm.implementation for race in made.races for arm in race.arms}
    (note,) = made.notes
    assert NO_GPU in note
    assert "linear/cuda_graph" in note


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"device": "cuda"}, f"There is no GPU to race on: {NO_GPU}. Leave out --device"),
        ({"device": (), "implementation": ("linear/cuda_graph",)}, "linear/cuda_graph can be raced on a GPU only"),
    ],
)
def test_a_plan_of_nothing_but_a_missing_gpu_is_refused(chosen: dict[str, object], sentence: str) -> None:
    """The sentence says why there is no GPU, and what to leave out."""
    with pytest.raises(SettingError, match=re.escape(sentence)):
        plan(**chosen)


@pytest.mark.usefixtures("without_gpu")
def test_a_missing_gpu_that_no_arm_needs_is_not_noted() -> None:
    """An arm that runs on the CPU is raced there without a word about GPUs."""
    assert plan(device=(), implementation=("linear/manual",)).notes == ()


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"rows": 0}, "rows must be a whole number of at least 1; got 0"),
        ({"batch": 200_000}, "batch must be full or at most rows"),
        ({"batch": "half"}, "batch must be full or a whole number"),
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
def test_a_setting_outside_its_domain_is_refused(chosen: dict[str, object], sentence: str) -> None:
    """The refusal names the setting, its value and what it may be, before anything has run."""
    with pytest.raises(SettingError) as refusal:
        plan(**chosen)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"workload": ("linear/lnie",)}, "No workload is called 'linear/lnie': did you mean linear/line?"),
        ({"implementation": ("linear/nn_sdg",)}, "did you mean linear/nn_sgd?"),
        ({"reference": "nobody"}, "No implementation is called 'nobody'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_close_one(chosen: dict[str, object], sentence: str) -> None:
    """A misspelt name is refused with the name that comes close."""
    with pytest.raises(UnknownNameError) as refusal:
        plan(**chosen)
    assert sentence in str(refusal.value)


def named(**chosen: object) -> list[str]:
    """The arms of the one race, without its reference and twin."""
    (race,) = plan(**chosen).races
    return [arm.name for arm in race.arms if arm.role == "arm"]


def test_more_effort_races_more_arms() -> None:
    """Standard races all that quick races and more, and thorough all of that and more."""
    quick, standard, thorough = (set(named(effort=effort)) for effort in EFFORTS)
    assert quick < standard < thorough


def test_an_unnamed_implementation_is_raced_in_its_domain_only() -> None:
    """Data paths are raced with mini-batches only, moments with full batches only, unless they are named."""
    full, mini, single = (set(named(batch=batch)) for batch in ("full", 256, 1))
    assert full >= {"linear/moments cpu eager"}
    assert mini >= {"linear/views cpu eager"}
    assert single >= {"linear/views cpu eager", "linear/scikit_learn cpu eager"}
    assert not full & {"linear/views cpu eager", "linear/scikit_learn cpu eager"}
    assert not mini & {"linear/moments cpu eager", "linear/scikit_learn cpu eager"}


def test_what_is_named_is_raced_even_outside_its_domain() -> None:
    """A named implementation has a row, which says why it cannot be measured."""
    assert "linear/views cpu eager" in named(implementation=("linear/views",))
    assert "linear/numpy cpu compile" in named(implementation=("linear/numpy",), mode=("compile",))


def test_a_named_implementation_is_raced_at_any_effort() -> None:
    """One that the quick effort leaves out is raced when it is named, in the modes that need the least effort."""
    names = named(implementation=("linear/while_loop",), effort="quick")
    assert ["linear/while_loop cpu cpp-wrapper"] == [name for name in names if "floor" not in name]


def test_a_floor_is_in_every_race() -> None:
    """It is raced where other implementations are named, too: every arm is shown as a multiple of it."""
    assert "linear/floor_read cpu eager" in named(implementation=("linear/manual",), mode=("compile",))


def test_a_mode_is_raced_by_implementations_that_offer_it() -> None:
    """An implementation that does not offer the mode is left out."""
    names = named(mode=("aot",), effort="thorough")
    assert "linear/analytic cpu aot" in names
    assert "linear/numpy cpu aot" not in names


def test_a_sweep_is_a_race_for_each_size() -> None:
    """Every value is a race of its own; jobs are short and nothing is drawn."""
    swept = plan(sweep=Sweep("rows", (100, 1000)), effort="standard")
    assert (swept.swept, [race.reference.setting.rows for race in swept.races]) == ("rows", [100, 1000])
    assert {arm.setting.updates for race in swept.races for arm in race.arms} == {100}
    assert {arm.setting.watch for race in swept.races for arm in race.arms} == {"none"}
    batches = plan(sweep=Sweep("batch", (1, 64)), rows=500).races
    assert [1, 64] == [race.reference.setting.batch for race in batches]
    assert [3] == [race.reference.setting.features for race in plan(sweep=Sweep("features", (3,))).races]


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"sweep": Sweep("lr", (1, 2))}, "A sweep takes rows, features, batch; got 'lr'"),
        ({"sweep": Sweep("rows", (1, 2)), "rows": 5}, "rows cannot be both swept and fixed: leave out --rows"),
        ({"sweep": Sweep("batch", (1, 2)), "batch": 7}, "batch cannot be both swept and fixed"),
        ({"sweep": Sweep("batch", (1, 20)), "rows": 5}, "batch must be full or at most rows (5); got 20"),
        ({"sweep": Sweep("rows", (1, 20)), "workload": ("linear/five",)}, "linear/five is 5 fixed points"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(chosen: dict[str, object], sentence: str) -> None:
    """The refusal says what a sweep takes, or what stands in its way."""
    with pytest.raises(SettingError) as refusal:
        plan(**chosen)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("rows=1e2:1e4", (100, 316, 1000, 3162, 10000)),
        ("rows=100:10000:3", (100, 1000, 10000)),
        ("features=1:4", (1, 4)),
        ("batch=1:3:9", (1, 2, 3)),
    ],
)
def test_a_sweep_is_typed_as_a_range(typed: str, values: tuple[int, ...]) -> None:
    """Values are evenly spaced by ratio, two a decade unless a number of them is typed; each comes once."""
    assert (typed.partition("=")[0], values) == notation.sweep(typed)


@pytest.mark.parametrize(
    "typed", ["rows", "rows=5", "rows=9:3", "rows=0:9", "rows=a:b", "rows=1:9:1", "rows=1:2:3:4", "rows=1:nan"]
)
def test_a_sweep_that_cannot_be_read_shows_how(typed: str) -> None:
    """The refusal gives an example of what can be typed."""
    with pytest.raises(SettingError, match="--sweep takes a size and its range, for example rows=1e2:1e7"):
        notation.sweep(typed)
