"""Attributions as text: every part has a sentence with advice, and nothing in a profile can spoil a report."""

import dataclasses
import json

import pytest
from msgspec.structs import replace
from rich.console import Console

from bench.results.profile import Energy
from reports.profile.attribution import ORDER, Attribution
from reports.profile.parts import Part, PartName
from reports.profile.text import (
    ADVICE,
    document,
    doubts,
    joules,
    markdown,
    sentence,
    shares,
    signed,
    terminal,
)
from reports.text import numbers
from tests.reports.hostile import TEXTS
from tests.reports.profiles import US, attributed, exactly
from tests.reports.records import MANUAL


def made(readings: float | None = None, **parts: float) -> Attribution:
    """An update of 100 µs with these parts, in µs; underscores for spaces; the rest is unexplained."""
    found = [Part(PartName(name.replace("_", " ")), seconds * US, "made up") for name, seconds in parts.items()]
    rest = Part(PartName.UNEXPLAINED, (100 - sum(parts.values())) * US, "the rest")
    return Attribution(MANUAL, exactly(100 * US), (*found, rest), readings=readings)


def shown(*attributions: Attribution, width: int = 100, how: bool = False) -> str:
    """What the terminal shows."""
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        for renderable in terminal(attributions, width, how=how):
            console.print(renderable)
    return capture.get()


def test_every_part_has_a_name_in_a_sentence_and_advice() -> None:
    """The names with advice are exactly those of the parts."""
    assert set(ADVICE) == set(ORDER)
    assert all(name and advice and not advice.endswith(".") for name, advice in ADVICE.values())


@pytest.mark.parametrize("name", ORDER)
def test_an_update_of_one_part_is_told_with_its_advice(name: PartName) -> None:
    """Whatever the part, its sentence names it and says what to do."""
    said = sentence(Attribution(MANUAL, exactly(US), (Part(name, US, ""),)))
    assert said.startswith("100 % of an update ")
    assert said.endswith(f": {ADVICE[name][1]}.")
    assert "\n" not in said
    if name not in (PartName.BACKWARD_KERNELS, PartName.FORWARD_KERNELS, PartName.KERNELS):
        assert ADVICE[name][0] in said or said.startswith("100 % of an update is work on the data")


def test_the_largest_family_is_told_before_its_largest_part() -> None:
    """The largest family of parts is named first, though a part of another family may be larger."""
    found = made(interpreter=20, dispatch=30, optimizer=20, forward_kernels=28)
    said = "70 % of an update has nothing to do with the size of the data, 30 % is dispatch: compile it, or capture it"
    assert sentence(found).startswith(said)


def test_work_on_data_says_how_often_they_could_have_been_read() -> None:
    """The sentence also says which pass over the data costs most."""
    found = made(readings=9.3, interpreter=20, reading_the_data_once=5, forward_kernels=10, backward_kernels=60)
    said = "70 % of an update is work on the data beyond reading them once, 60 % in the backward pass, as if they were read "
    assert sentence(found) == f"{said}9.30 times: {ADVICE[PartName.BACKWARD_KERNELS][1]}."


def test_without_a_floor_reading_once_is_in_the_work() -> None:
    """Without a floor, reading the data once is part of the work."""
    assert sentence(made(forward_kernels=90)).startswith("90 % of an update is work on the data: ")


def test_another_algorithm_is_not_told_to_make_more_updates_in_a_call() -> None:
    """An algorithmic arm makes all updates in one call already, so it has another sentence."""
    said = sentence(dataclasses.replace(made(call=90), algorithmic=True))
    assert said == "90 % of an update has nothing to do with the size of the data: all that is left is arithmetic."


def test_at_the_floor_nothing_is_left_but_fewer_bytes() -> None:
    """The sentence of an arm at the floor says that only fewer bytes can help."""
    said = sentence(made(reading_the_data_once=90, kernels=10))
    assert said == f"90 % of an update is reading the data once: {ADVICE[PartName.READING_ONCE][1]}."


def test_parts_that_are_too_much_are_told_as_unexplained() -> None:
    """Where the unexplained rest is larger than any family, the sentence is about it."""
    assert sentence(made(call=20)).startswith("80 % of an update is not explained: profile again")
    assert sentence(made(call=250, kernels=10)).startswith("250 % of an update has nothing")


def test_doubts_are_told() -> None:
    """There is a doubt from 10 % unexplained on, for a slow tiny pass, and from 20 % disturbance on."""
    assert list(doubts(made(call=95))) == []
    assert "20 % of the update of linear/manual cpu eager is not explained" in next(doubts(made(call=80)))
    assert "-20 % of the update" in next(doubts(made(call=120)))
    reversed_ = Attribution(MANUAL, exactly(US), (Part(PartName.CALL, US, ""),), without_data=1.9)
    assert "took 1.90 times as long with next to no data as with all" in next(doubts(reversed_))
    disturbed = Attribution(MANUAL, exactly(US), (Part(PartName.CALL, US, ""),), disturbance=0.24)
    assert "slowed linear/manual cpu eager down by 24 %" in next(doubts(disturbed))


def test_shares_name_the_largest_first() -> None:
    """Shares are listed from the largest, without those of less than one per cent."""
    found = made(interpreter=30, dispatch=0.4, launch_gaps=0)
    assert shares(made(interpreter=30, dispatch=0.4, forward_kernels=69.6)) == "forward kernels 70 %, interpreter 30 %"
    assert shares(found) == "unexplained 70 %, interpreter 30 %"


@pytest.mark.parametrize(
    ("share", "said"), [(0.484, "48 %"), (0.001, "<1 %"), (0.0, "0 %"), (-0.1, "-10 %"), (1.0, "100 %")]
)
def test_shares_are_said_in_per_cent(share: float, said: str) -> None:
    """A small share is "<1 %" and not "0 %"."""
    assert numbers.percent(share) == said


def test_durations_may_be_below_nothing() -> None:
    """A negative duration has a sign; 0 is empty."""
    assert [signed(each) for each in (3 * US, -3 * US, 0.0)] == ["3.00 µs", "-3.00 µs", ""]


def test_the_screen_shows_times_sentences_and_how_they_were_obtained() -> None:
    """The terminal shows shares on one line, or each part on a line of its own with `how`."""
    brief, whole = shown(attributed()), shown(attributed(), how=True)
    assert "linear/manual cpu eager: 200 µs an update" in brief
    assert "backward kernels 35 %" in brief
    assert "how" not in brief.split()
    assert "what the data add to operations of the backward pass" in whole
    assert "70.0 µs" in whole or "70." in whole


def test_markdown_has_a_sentence_and_a_row_an_arm() -> None:
    """The Markdown table has a column for each part that any arm has; there is no table without arms."""
    lines = markdown([attributed(), made(call=100)])
    assert lines[0].startswith("- linear/manual cpu eager: 50 % of an update")
    head = next(line for line in lines if line.startswith("| arm"))
    assert head.split(" | ")[:4] == ["| arm", "update", PartName.INTERPRETER, PartName.CALL]
    assert PartName.LAUNCH_GAPS not in head
    assert PartName.DISPATCH in head
    assert len([line for line in lines if line.startswith("| linear/")]) == 2
    assert markdown([]) == []


def test_the_document_is_strict_json_whose_parts_add_up() -> None:
    """The document is strict JSON with implementation, setting, measured time, parts and sentence."""
    found = json.loads(json.dumps(document(attributed()), allow_nan=False))
    assert found["implementation"] == "linear/manual"
    assert found["setting"]["rows"] == 100_000
    assert sum(part["seconds"] for part in found["parts"]) == pytest.approx(found["measured"])
    assert {"name", "seconds", "how"} == set(found["parts"][0])
    assert found["sentence"] == sentence(attributed())


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_names_stay_text(kind: str) -> None:
    """Hostile names reach neither terminal nor Markdown as escapes, markup or line breaks."""
    arm = replace(MANUAL, implementation=TEXTS[kind])
    found = Attribution(
        arm, exactly(US), (Part(PartName.CALL, 0.8 * US, TEXTS[kind]), Part(PartName.UNEXPLAINED, 0.2 * US, ""))
    )
    said = shown(found, how=True)
    assert all(c.isprintable() or c == "\n" for c in said)
    for line in markdown([found]):
        assert all(c.isprintable() for c in line)
        assert "<" not in line.replace("&lt;", "")


def spent(joules: float, resolution: float) -> Energy:
    """The energy of an update by a GPU's counter."""
    return Energy(device="Maker G100", joules=joules, resolution=resolution, seconds=2.0, idle_watts=70.0)


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        (spent(0.46e-3, 0.03e-3), "460 ± 30 µJ"),
        (spent(2.5, 0.125), "2.50 ± 0.12 J"),
        (spent(1e-8, 3e-8), "less than 40 nJ"),
        (spent(-1e-3, 2e-3), "less than 2 mJ"),
    ],
)
def test_energy_is_told_in_digits_that_the_counter_knows(energy: Energy, said: str) -> None:
    """Energy has the digits of its resolution; below the resolution only an upper bound is given."""
    assert joules(energy) == said


def test_energy_is_told_where_it_is_known() -> None:
    """Terminal, Markdown and document show the energy where it is known, and nothing where it is not."""
    bare = attributed()
    known = dataclasses.replace(bare, energy=spent(0.46e-3, 0.03e-3))
    for text in (shown(known), "\n".join(markdown([known]))):
        assert "460 ± 30 µJ an update above what Maker G100 draws when idle" in text
    assert (0.46e-3, 70.0) == (document(known)["energy"]["joules"], document(known)["energy"]["idle_watts"])
    assert "draws when idle" not in shown(bare) + "\n".join(markdown([bare]))
    assert document(bare)["energy"] is None
