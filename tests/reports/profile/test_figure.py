"""The figure of where updates go: shares that add up, text that fits, and colours that no implementation has."""

import io

import pytest
from matplotlib import rcParams
from matplotlib.colors import to_rgb
from msgspec.structs import replace
from PIL import Image

from reports.figures.kit import style
from reports.profile.attribution import ORDER, Attribution
from reports.profile.figure import COLOURS, draw
from reports.profile.parts import Part, PartName
from tests.reports.figure_contents import numbers_of, words_of
from tests.reports.hostile import TEXTS
from tests.reports.profiles import US, attributed, exactly
from tests.reports.records import ANALYTIC, MANUAL, arm

ABOUT = "linear/line, 100 000 x 1 float32"


def of(call: float, kernels: float, measured: float = 100.0, of: str = "linear/c") -> Attribution:
    """An arm with a call, kernels and an unexplained rest, in µs."""
    parts = [Part(PartName.CALL, call * US, "made up"), Part(PartName.KERNELS, kernels * US, "made up")]
    rest = Part(PartName.UNEXPLAINED, (measured - call - kernels) * US, "the rest")
    return Attribution(arm(of), exactly(measured * US), (*parts, rest))


def test_the_same_attributions_give_the_same_bytes() -> None:
    """Drawing twice gives the same bytes, and changes no setting of matplotlib."""
    before = dict(rcParams)
    assert draw([attributed()], ABOUT).files == draw([attributed()], ABOUT).files
    assert before == dict(rcParams)


def test_the_numbers_are_the_parts() -> None:
    """The CSV has a row for each part with seconds, share and how; the shares of an arm add up to 1."""
    numbers = numbers_of(draw([attributed(), of(30, 60)], ABOUT))
    assert list(numbers.columns) == ["implementation", "setting", "part", "seconds", "share", "how"]
    sums = numbers.groupby("implementation")["share"].sum()
    assert sums.to_dict() == pytest.approx({"linear/manual": 1.0, "linear/c": 1.0})
    assert set(numbers["setting"]) == {"cpu eager"}


def test_the_words_name_arms_totals_and_parts() -> None:
    """Parts that are wide enough show their share; all are named in the key."""
    said = words_of(draw([attributed(), of(30, 60)], ABOUT))
    for expected in ("linear/manual cpu eager", "200 µs", "100 µs", "call 30 %", "kernels 60 %", "10 %", ABOUT):
        assert expected in said
    for part in ("interpreter, call", "dispatch", "backward kernels", "unexplained"):
        assert part in said


def test_parts_that_no_arm_has_are_not_in_the_key() -> None:
    """Parts that no arm has are not in the key; "unexplained" is not where nothing is unexplained."""
    said = words_of(draw([of(30, 70)], ABOUT))
    assert "unexplained" not in said
    assert "interpreter" not in said


def test_who_cannot_see_it_reads_the_sentences() -> None:
    """The text says what the bars are, and gives the sentences of the first arms."""
    assert "linear/c cpu eager: 70 % of an update is work on the data" in draw([of(30, 70)], ABOUT).text


def test_parts_that_are_more_than_the_whole_are_told() -> None:
    """A note explains bars that reach beyond 100 %; without such bars there is no note."""
    assert "reaches beyond the mark at 100 %" in words_of(draw([of(60, 70)], ABOUT))
    assert "reaches beyond" not in words_of(draw([of(30, 60)], ABOUT))


def test_a_bar_far_too_long_does_not_squeeze_the_others() -> None:
    """A bar of 400 % is cut, and its length is written beside it."""
    said = words_of(draw([of(30, 370), of(30, 70, of="linear/numpy")], ABOUT))
    assert "400 %" in said
    assert "call 30 %" in said


@pytest.mark.parametrize("count", [0, 1, 55])
def test_any_number_of_arms_can_be_drawn(count: int) -> None:
    """No arm, one arm, or 55 arms can be drawn, as an image that is not blank."""
    many = [of(30, 60 + number % 9, of=f"linear/arm_{number}") for number in range(count)]
    figure = draw(many, ABOUT)
    with Image.open(io.BytesIO(figure.in_formats(["png"]).files["png"])) as image:
        assert image.width == 1210
        assert image.convert("L").getextrema() != (255, 255)
    assert ("No arm of this race has a profile" in words_of(figure)) == (count == 0)


@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_names_stay_text(kind: str) -> None:
    """A name of any characters and any length gives a well-formed SVG without markup."""
    found = Attribution(
        replace(MANUAL, implementation=TEXTS[kind]), exactly(US), (Part(PartName.CALL, US, TEXTS[kind]),)
    )
    figure = draw([found], TEXTS[kind])
    assert b"<script" not in figure.files["svg"]
    assert b"\x1b" not in figure.files["svg"]
    assert all(c.isprintable() for c in figure.text)


def test_every_part_has_a_colour_of_its_own_family() -> None:
    """No part has a colour near an implementation's, or one that is swapped in dark mode."""
    assert set(COLOURS) == set(ORDER)
    others = [style.REFERENCE, *style.COLOURS, style.MUTED]
    for name, colour in COLOURS.items():
        if name == PartName.UNEXPLAINED:
            continue
        assert colour not in style.DARK
        apart = min(sum((a - b) ** 2 for a, b in zip(to_rgb(colour), to_rgb(other), strict=True)) for other in others)
        assert apart > 0.01, name


def test_parts_read_by_day_and_by_night() -> None:
    """Each part stands out from the white and from the dark page, and its text from the part."""

    def light(colour: str) -> float:
        red, green, blue = ((c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in to_rgb(colour))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one: str, other: str) -> float:
        dark, bright = sorted((light(one), light(other)))
        return (bright + 0.05) / (dark + 0.05)

    from reports.profile.figure import DEEP, LIGHT

    for name, colour in COLOURS.items():
        if name != PartName.UNEXPLAINED:
            assert contrast(colour, style.PAPER) > 1.6, name
            assert contrast(colour, style.DARK[style.PAPER]) > 2.2, name
            assert max(contrast(colour, LIGHT), contrast(colour, DEEP)) > 4.0, name


def test_arms_stand_in_the_order_they_are_given() -> None:
    """Arms are drawn in the order in which they are given."""
    numbers = numbers_of(draw([of(1, 2, of="linear/b"), of(1, 2, of="linear/a")], ABOUT))
    assert list(dict.fromkeys(numbers["implementation"])) == ["linear/b", "linear/a"]
    assert ANALYTIC.implementation not in set(numbers["implementation"])
