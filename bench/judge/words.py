"""The word on an answer, from how it compares with the truth in float32 and in float64."""

from dataclasses import dataclass

from bench.judge.bits import ALGEBRA, NOTHING, Comparison, kind
from bench.results.record import Answer, Word

SAME = 2.0  # bits lost in float32, up to which an answer is as good as the plain step's


@dataclass(frozen=True)
class Evidence:
    """What is known about an answer.

    single      how it compares, in the dtype that is raced
    double      how the same arm compares when it is built in float64; None where that is not to be had
    no_double   why not
    identical   whether every bit is the plain step's
    wide        the tensor that rounding alone moves too far to be judged; "" where there is none
    """

    single: Comparison
    double: Comparison | None
    no_double: str = ""
    identical: bool = False
    wide: str = ""


def answered(evidence: Evidence, mistake: str = "", smallest_factor: float | None = None) -> Answer:
    """The referee's answer.

    mistake  the known one that explains a different answer
    """
    single, double = evidence.single, evidence.double
    word = _word(evidence)
    deciding = _deciding(evidence)
    tensor = max(single.worst, single.worst_scale)[1]
    if word == "different":
        tensor = deciding.first_above(ALGEBRA)
    left_out = [f"{name}: {reason}" for name, reason in single.left_out.items()]
    if double is None and evidence.no_double and not evidence.identical:
        left_out.append(f"everything in float64: {evidence.no_double}")
    return Answer(
        word=word,
        bits_lost=_figure(single.worst),
        scale_bits=_figure(single.worst_scale),
        bits_lost_float64=_figure(double.worst) if double else None,
        scale_bits_float64=_figure(double.worst_scale) if double else None,
        tensor=tensor,
        left_out=tuple(left_out),
        reason=_reason(word, evidence, tensor, mistake),
        smallest_factor=smallest_factor,
    )


def _word(evidence: Evidence) -> Word:
    single, double = evidence.single, evidence.double
    if evidence.identical:
        return "identical"
    if single.faults or (double is not None and (double.faults or double.most > ALGEBRA)):
        return "different"
    if double is None and evidence.wide:
        return "undecidable"
    if single.most <= SAME:
        return "closer" if single.most <= 0 else "same"
    return "coarser" if double is not None else "undecidable"


def _deciding(evidence: Evidence) -> Comparison:
    """The comparison that shows what is different."""
    double = evidence.double
    return double if double is not None and (double.faults or double.most > ALGEBRA) else evidence.single


def _figure(worst: tuple[float, str]) -> float | None:
    return round(worst[0], 2) if worst[1] else None


def _reason(word: Word, evidence: Evidence, tensor: str, mistake: str) -> str:
    if word == "undecidable":
        if evidence.wide:
            what = f"rounding alone moves the {evidence.wide} by more than a tenth of the largest {kind(evidence.wide)}"
        else:
            bits = evidence.single.most
            what = f"it loses {bits:.1f} bits in float32, which may be its algebra or its rounding"
        return f"{what}; float64 would decide, but {evidence.no_double or 'is not to be had'}"
    if word != "different":
        return ""
    deciding = _deciding(evidence)
    if tensor in deciding.faults:
        what = f"{tensor}: {deciding.faults[tensor]}"
    else:
        dtype = "float64" if deciding is evidence.double else "float32"
        bits = max(deciding.bits[tensor], deciding.scales.get(tensor, NOTHING))
        what = (
            f"{tensor} is off by {deciding.errors[tensor]:.2g} of its size, "
            f"2^{bits:.0f} times what rounding explains in {dtype}"
        )
    return f"it computes what the plain step does when {mistake}: {what}" if mistake else what
