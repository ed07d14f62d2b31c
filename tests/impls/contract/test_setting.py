"""What a setting accepts and refuses, and how its coordinates are shown."""

import dataclasses
from typing import Any

import pytest

from impls.contract.setting import DEVICES, DTYPES, MODES, WATCHES, Batch, Setting, SettingError

GOOD: dict[str, Any] = {"rows": 100, "features": 2, "updates": 10, "lr": 0.5}
WHOLE = ("threads", "rows", "features", "updates", "every")


@pytest.mark.parametrize(
    ("name", "known"), [("device", DEVICES), ("mode", MODES), ("dtype", DTYPES), ("watch", WATCHES)]
)
def test_every_word_of_a_domain_is_accepted(name: str, known: tuple[str, ...]) -> None:
    """A setting takes every word that its domain lists, and keeps it as it is."""
    assert known == tuple(getattr(Setting(**GOOD | {name: word}), name) for word in known)


@pytest.mark.parametrize(
    ("name", "value", "domain"),
    [
        ("device", "tpu", "cpu, cuda"),
        ("device", "CPU", "cpu, cuda"),
        ("device", "cuda:0", "cpu, cuda"),
        ("mode", "jit", "eager, compile, cpp-wrapper, reduce-overhead, max-autotune, aot"),
        ("mode", "", "eager, compile, cpp-wrapper, reduce-overhead, max-autotune, aot"),
        ("dtype", "float16", "float32, float64"),
        ("dtype", None, "float32, float64"),
        ("watch", "plot", "none, loss, draw"),
    ],
)
def test_an_unknown_word_is_refused_with_name_value_and_domain(name: str, value: Any, domain: str) -> None:
    """A word outside its domain is refused with the setting's name, the word and all the words that are allowed."""
    with pytest.raises(SettingError) as refusal:
        Setting(**GOOD | {name: value})
    assert f"{name} must be one of {domain}; got {value!r}." == str(refusal.value)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [0, -1, 1.5, 2.0, "3", None, True, float("nan")])
def test_a_count_below_one_or_not_whole_is_refused(name: str, value: Any) -> None:
    """A count that is not a whole number of at least 1 is refused with its name, its value and the domain."""
    with pytest.raises(SettingError) as refusal:
        Setting(**GOOD | {name: value})
    assert f"{name} must be a whole number of at least 1; got {value!r}." == str(refusal.value)


@pytest.mark.parametrize("name", WHOLE)
def test_a_count_of_one_is_accepted(name: str) -> None:
    """Every count may be as small as 1."""
    assert getattr(Setting(**GOOD | {name: 1}), name) == 1


@pytest.mark.parametrize("value", [-1, 0.5, "0", False, None])
def test_a_bad_seed_is_refused(value: Any) -> None:
    """A seed that is not a whole number of at least 0 is refused with its name, its value and the domain."""
    with pytest.raises(SettingError) as refusal:
        Setting(**GOOD | {"seed": value})
    assert f"seed must be a whole number of at least 0; got {value!r}." == str(refusal.value)


def test_seed_zero_is_accepted() -> None:
    """The smallest seed is 0."""
    assert Setting(**GOOD | {"seed": 0}).seed == 0


@pytest.mark.parametrize("value", [0.0, -1e-4, float("inf"), float("-inf"), float("nan")])
def test_a_learning_rate_must_be_positive_and_finite(value: float) -> None:
    """A learning rate that is not a positive finite number is refused with its name, its value and the domain."""
    with pytest.raises(SettingError) as refusal:
        Setting(**GOOD | {"lr": value})
    assert f"lr must be a positive number; got {value}." == str(refusal.value)


@pytest.mark.parametrize("value", [0, -7, 2.5, "7", "whole", None, True])
def test_a_batch_must_be_full_or_a_count(value: Any) -> None:
    """A batch that is neither "full" nor a whole number of at least 1 is refused with its name and its value."""
    with pytest.raises(SettingError, match=r"^batch must be .*; got ") as refusal:
        Setting(**GOOD | {"batch": value})
    assert str(refusal.value).endswith(f"got {value!r}.")


def test_a_batch_larger_than_the_data_is_refused() -> None:
    """A batch of more rows than there are is refused, and the message says how many there are."""
    with pytest.raises(SettingError) as refusal:
        Setting(**GOOD | {"batch": 101})
    assert str(refusal.value) == "batch must be full or at most rows (100); got 101."


@pytest.mark.parametrize(("batch", "read"), [("full", 100), (100, 100), (7, 7), (1, 1)])
def test_batch_rows_is_what_one_update_reads(batch: Batch, read: int) -> None:
    """`batch_rows` is the size of the batch, or all rows when the batch is full."""
    assert read == Setting(**GOOD | {"batch": batch}).batch_rows


def test_a_refusal_is_a_value_error() -> None:
    """Whoever catches ValueError also catches a refused setting."""
    with pytest.raises(ValueError, match="rows"):
        Setting(**GOOD | {"rows": 0})


def test_a_setting_cannot_be_changed() -> None:
    """A setting is frozen, so that an arm keeps the identity it was planned with."""
    setting = Setting(**GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setting.rows = 5  # type: ignore[misc]


def test_equal_settings_are_one_key() -> None:
    """Two settings with equal values are equal and hash alike, so that they can name an arm in a dictionary."""
    assert {Setting(**GOOD): "second"} == {Setting(**GOOD): "first", Setting(**GOOD): "second"}
