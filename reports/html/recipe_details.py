"""What the page tells of one recipe of a step besides its times: the referee's figures, and its patch."""

from collections.abc import Iterator

from bench.results.record import Answer
from impls.contract.words import grouped
from reports.html import source
from reports.html.source import Source
from reports.run.rows import Row, spoken_verdict
from reports.run.step_findings import draws_of, whose_fault
from reports.run.step_summary import graphs

DRAWS = {"equal": "the plain step's", "own": "its own"}
CONSISTENT = "log2 of its distance from the derivative of the loss, over what differences of the plain step's loss have"
NEEDED = "what decides: another algebra shows here with more than 8 bits, another rounding with less than 4"


def patch_of(row: Row) -> Source | None:
    """The lines that make the step this recipe, in colours; None where it has none."""
    return source.read(row.patch.strip("\n")) if row.patch else None


def answer_facts(row: Row) -> Iterator[tuple[str, str, str]]:
    """Name, value and meaning of what the referee found in the arm's answer, and of what was compiled for it."""
    if row.answer:
        yield from _answer(row.answer)
    if row.compiled and (text := graphs(row.compiled)):
        yield "compiled", text, "graphs, and why there is more than one"


def _answer(answer: Answer) -> Iterator[tuple[str, str, str]]:
    yield "answer", spoken_verdict(answer.word), "the referee's word on two updates"
    if answer.tensor:
        yield "worst tensor", answer.tensor, ""
    if answer.reason:
        yield "because", answer.reason, ""
    if fault := whose_fault(answer):
        yield "whose fault", fault, "found out after the race, in a process of its own"
    if answer.draws:
        yield "random numbers", DRAWS[answer.draws], draws_of(answer)
    for name, bits, meaning in (
        ("bits lost", answer.bits_lost, "log2 of its distance to the exact update, over what rounding explains"),
        ("of scale", answer.scale_bits, "the same along the update's own direction, which shows a factor"),
        ("bits lost in float64", answer.bits_lost_float64, NEEDED),
        ("of scale in float64", answer.scale_bits_float64, NEEDED),
        ("bits lost by the gradient", answer.consistency_bits, CONSISTENT),
    ):
        if bits is not None:
            yield name, f"{bits:.1f}", meaning
    if answer.distribution_p is not None:
        yield (
            "drawn alike",
            f"p = {answer.distribution_p:.1g}",
            "the least probability of all tests, corrected for their number",
        )
    if answer.power and answer.power.gradient:
        power = answer.power
        planted = [
            f"{error:.1e} of {what}"
            for what, error in (
                ("the gradient", power.gradient),
                ("the learning rate", power.rate),
                ("one number of it", power.number),
            )
            if error
        ]
        yield "would be noticed", ", ".join(planted), "the smallest relative errors that the referee found when planted"
    if answer.skipped:
        yield (
            "left out",
            f"{grouped(answer.skipped)} updates or more",
            "gradients overflowed, and the scaler made no step",
        )
    if answer.audits:
        yield "judged after", f"{', '.join(map(grouped, answer.audits))} updates", "of the very object that is timed"
    if answer.left_out:
        yield "not compared", "; ".join(answer.left_out), ""
