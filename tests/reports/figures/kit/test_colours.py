"""Colours belong to implementations: the same in every figure of a run, the reference's always the same."""

from reports.figures.kit.colours import Palette
from reports.figures.kit.style import COLOURS, MUTED, REFERENCE
from tests.reports.records import ANALYTIC, MANUAL, MOMENTS, arm, compared, grown, rounds

SPEEDS = {arm(f"linear/way_{number:02d}"): 4e-4 * 0.7**number for number in range(12)}


def twelve() -> Palette:
    """The palette of a race of twelve ways, one of them in two modes."""
    return compared({**SPEEDS, arm("linear/way_03", mode="compile"): 3e-4}).palette


def test_the_reference_has_its_own_colour() -> None:
    """The reference's colour is its own; all modes of one implementation share a colour."""
    palette = twelve()
    assert palette.colours["linear/nn_sgd"] == REFERENCE
    assert list(palette.colours.values()).count(REFERENCE) == 1
    assert len(palette.colours) == 1 + len(COLOURS)


def test_the_ends_of_the_ladder_have_colours() -> None:
    """The fastest implementation always has a colour, and so has the one furthest from it."""
    palette = twelve()
    assert palette.has_colour(arm("linear/way_11"))
    assert palette.colour(arm("linear/way_11")) == COLOURS[0]


def test_who_is_not_of_the_cast_is_muted() -> None:
    """Only as many implementations as there are colours have one; all others are grey."""
    palette = twelve()
    grey = [one for one in SPEEDS if palette.colour(one) == MUTED]
    assert len(grey) == len(SPEEDS) - len(COLOURS)
    assert not any(palette.has_colour(one) for one in grey)


def test_no_colour_is_spent_on_another_class() -> None:
    """An algorithmic arm gets no colour."""
    comparison = compared({MANUAL: 3e-4, ANALYTIC: 1e-4})
    algorithmic = compared({MANUAL: 3e-4, ANALYTIC: 1e-4}, *rounds(MOMENTS, 1e-9, work="algorithmic"))
    assert algorithmic.palette == comparison.palette


def test_a_sweep_has_one_cast() -> None:
    """All races of a run share their colours."""
    comparison = grown({"linear/nn_sgd": lambda _: 4e-4, "linear/c": lambda rows: 1e-9 * rows})
    assert set(comparison.palette.colours) == {"linear/nn_sgd", "linear/c"}


def test_dashes_say_the_mode() -> None:
    """Eager lines are solid; every compiled mode has dashes of its own."""
    modes = ("compile", "cpp-wrapper", "reduce-overhead", "max-autotune", "aot")
    dashes = [Palette({}).dashes(arm(mode=mode)) for mode in modes]
    assert Palette({}).dashes(MANUAL) == ()
    assert len(set(dashes)) == len(modes)
