"""How sizes, times and names are written: the same way in every option."""

import pytest

from bench.cli import notation
from impls.contract.coordinates import BY_NAME, COORDINATES
from impls.contract.setting import SettingError
from impls.contract.values import LARGEST, Count, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("100_000", 100_000), ("1e3", 1_000), ("2.5E2", 250), ("1e+2", 100), (" 5 ", 5), ("-3", -3)],
)
def test_a_whole_number_is_written_in_one_of_three_ways(text: str, number: int) -> None:
    """Digits, digits in groups, or a power of ten."""
    assert number == whole_number(text)


@pytest.mark.parametrize("text", ["", "1.5", "1e-3", "10k", "1__0", "_1", "1e", "e3", "nan", "1e3.0", "0x10", "1 000"])
def test_anything_else_is_no_whole_number(text: str) -> None:
    """What is not whole, or written in another way, is refused."""
    with pytest.raises(ValueError, match="is not a whole number"):
        whole_number(text)


@pytest.mark.parametrize("name", [each.name for each in COORDINATES if isinstance(each.kind, Count) and each.help])
def test_every_size_is_written_alike(name: str) -> None:
    """What --sweep understands, every option of a size understands, too."""
    assert BY_NAME[name].read("1e3") == (1_000,)
    assert BY_NAME[name].read("1_000") == (1_000,)


@pytest.mark.parametrize("text", ["1e30", str(LARGEST + 1), "9" * 5_000])
def test_a_number_that_no_record_can_hold_is_refused(text: str) -> None:
    """A huge seed is refused where it is read, with the largest that can be kept."""
    with pytest.raises(SettingError, match=f"seed must be a whole number of at least 0 and at most {LARGEST}"):
        BY_NAME["seed"].read(text)
    assert BY_NAME["seed"].read(str(LARGEST)) == (LARGEST,)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("1.5m", 90), (".5 h", 1800), ("2M", 120)]
)
def test_a_time_has_a_unit(text: str, seconds: float) -> None:
    """Seconds, minutes or hours."""
    assert seconds == notation.duration("--budget", text)


@pytest.mark.parametrize("option", ["--budget", "--limit"])
def test_a_time_without_a_unit_is_asked_for_one(option: str) -> None:
    """Nobody has to guess whether 5 are seconds or minutes."""
    with pytest.raises(SettingError, match=f"{option} takes a time with its unit: 5s, 5m or 5h?"):
        notation.duration(option, "5")


@pytest.mark.parametrize("text", ["soon", "", "0s", "-5s", "1e400s", "5d", "infs", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The refusal shows times that are understood."""
    with pytest.raises(SettingError, match="--budget takes a time such as 90s, 5m or 1h"):
        notation.duration("--budget", text)


def test_names_in_a_list_must_be_known() -> None:
    """A misspelt name is refused with the names that there are; an empty list has none."""
    assert notation.names("--only", "tax, gate,", ("tax", "gate")) == ("tax", "gate")
    assert notation.names("--only", "", ("tax",)) == ()
    with pytest.raises(SettingError, match="--only takes tax, gate; got 'mood'"):
        notation.names("--only", "tax,mood", ("tax", "gate"))
