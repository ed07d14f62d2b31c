"""The word on an answer, from how it compares with the truth in float32 and in float64."""

from dataclasses import dataclass

from bench.judge.draws.distribution import SEEDS
from bench.judge.draws.own_draws import OwnDraws
from bench.judge.standard.bits import ALGEBRA, NOTHING, Comparison, kind
from bench.results.record import Answer, Power, Word

SAME = 2.0  # bits lost in float32, up to which an answer is as good as the plain step's
COARSE_SCALE = 4.0  # bits of scale that a coarser arm may lose in its own precision: twice as many as in float32
COARSEST = 16.0  # bits that bfloat16 has less than float32: an arm that does not say it is coarser may lose no more
SKIPPED = (
    "its scaler left out {} of the updates that are judged, because gradients overflowed in float16: begin with a lower "
    "init_scale"
)


@dataclass(frozen=True)
class Evidence:
    """What is known about an answer.

    single      how it compares, in the dtype that is raced
    double      how the same arm compares when it is built in float64; None where that is not to be had
    no_double   why not
    own         of an arm that is coarser by intention: how it compares where rounding is what its own precision makes of it
    identical   whether every bit is the plain step's
    wide        the tensor that rounding alone moves too far to be judged; "" where there is none
    mistake     the known one of which the same comes out; "" where it is none, or was not looked for
    skipped     updates that a gradient scaler has left out
    limit       of an answer in the middle of a race: bits from which it is another one; None at the start
    """

    single: Comparison
    double: Comparison | None
    no_double: str = ""
    own: Comparison | None = None
    identical: bool = False
    wide: str = ""
    mistake: str = ""
    limit: float | None = None
    skipped: int = 0


def answered(evidence: Evidence, power: Power | None = None) -> Answer:
    """The referee's answer."""
    single, double = evidence.single, evidence.double
    word = word_of(evidence)
    tensor = max(single.worst, single.worst_scale)[1]
    if word == "different":
        deciding, limit, _ = _deciding(evidence)
        tensor = deciding.first_above(limit)
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
        reason=_reason(word, evidence, tensor),
        power=power,
    )


def answered_by_draws(
    drawn: OwnDraws, double: Comparison | None, no_double: str = "", power: Power | None = None
) -> Answer:
    """The referee's answer to an arm that draws other random numbers than the plain step.

    drawn   its gradient beside the derivative of its loss, and its distribution beside the plain step's
    double  how it compares in float64 with the plain step's draws; None where that is not to be had
    """
    tensor, reason = _fault_of_draws(drawn, double)
    left_out = []
    if double is None and no_double:
        left_out.append(f"everything in float64: {no_double}")
    if drawn.no_consistency:
        left_out.append(f"its gradient as the derivative of its loss: {drawn.no_consistency}")
    if not drawn.distribution.tests:
        left_out.append("its distribution: nothing varies with the draws by much more than rounding does")
    return Answer(
        word="different" if reason else "same in distribution",
        bits_lost_float64=_figure(double.worst) if double else None,
        scale_bits_float64=_figure(double.worst_scale) if double else None,
        tensor=tensor,
        left_out=tuple(left_out),
        reason=reason,
        power=power,
        draws="own",
        consistency_bits=round(drawn.consistency.bits, 2) if drawn.consistency else None,
        distribution_p=drawn.distribution.p,
    )


def _fault_of_draws(drawn: OwnDraws, double: Comparison | None) -> tuple[str, str]:
    """The tensor that shows what is wrong with an arm that draws for itself, and the sentence; "" and "" for nothing."""
    if double is not None and double.exceeds():
        tensor = double.first_above(ALGEBRA)
        return tensor, f"with the plain step's draws, {_size(double, tensor, 'in float64')}"
    for tensor, fault in drawn.distribution.faults.items():
        return tensor, f"{tensor}: {fault}"
    if drawn.consistency and drawn.consistency.bits > SAME:
        return "", (
            f"its gradient is not the derivative of its own loss: it is off by {drawn.consistency.error:.2g} of its size, "
            f"where differences of the plain step's loss are exact to {drawn.consistency.noise:.2g}"
        )
    for test in drawn.distribution.refused:
        return (
            test.tensors,
            f"over {len(SEEDS)} seeds {test} (p = {drawn.distribution.p:.1g} of {drawn.distribution.tests} tests)",
        )
    return "", ""


def word_of(evidence: Evidence) -> Word:
    """The word: float64 decides about the algebra, float32 about what is lost in it."""
    single, double = evidence.single, evidence.double
    if evidence.identical:
        return "identical"
    if single.faults or evidence.skipped or (double is not None and double.exceeds()):
        return "different"
    if evidence.limit is not None and (evidence.own or single).most > evidence.limit:
        return "different"
    if double is None and evidence.wide:
        return "undecidable"
    if single.most <= SAME:
        return "closer" if single.most <= 0 else "same"
    if not loses_in_float32(evidence):
        return "undecidable"
    beyond = _is_beyond_its_precision(evidence.own) if evidence.own else single.most > COARSEST
    return "different" if beyond or evidence.mistake else "coarser"


def loses_in_float32(evidence: Evidence) -> bool:
    """Whether it is right in float64 and no more than coarse in float32."""
    single, double = evidence.single, evidence.double
    right = double is not None and not double.exceeds() and not single.faults
    return right and single.most > SAME and not evidence.identical


def _is_beyond_its_precision(own: Comparison) -> bool:
    """Whether a coarser arm is farther off than its own precision explains.

    Where an operation rounds differs from one way to run a step to another, and moves single numbers by more than the few
    members of an ensemble show; a factor, which all numbers share, it hardly moves.
    """
    return own.exceeds() or own.worst_scale[0] > COARSE_SCALE


def _deciding(evidence: Evidence) -> tuple[Comparison, float, str]:
    """The comparison that shows what is different, the bits above which it does, and what it is in."""
    if evidence.double is not None and evidence.double.exceeds():
        return evidence.double, ALGEBRA, "in float64"
    if evidence.own is not None and _is_beyond_its_precision(evidence.own):
        return evidence.own, COARSE_SCALE, "in its own precision"
    return evidence.single, SAME, "in float32" + (", though it is right in float64" if evidence.double else "")


def _figure(worst: tuple[float, str]) -> float | None:
    return round(worst[0], 2) if worst[1] else None


def _reason(word: Word, evidence: Evidence, tensor: str) -> str:
    if word == "undecidable":
        if evidence.wide:
            what = f"rounding alone moves the {evidence.wide} by more than a tenth of the largest {kind(evidence.wide)}"
        else:
            bits = evidence.single.most
            what = f"it loses {bits:.1f} bits in float32, which may be its algebra or its rounding"
        return f"{what}; float64 would decide, but {evidence.no_double or 'is not to be had'}"
    if word != "different":
        return ""
    if evidence.skipped:
        return SKIPPED.format(evidence.skipped)
    deciding, _, place = _deciding(evidence)
    what = _size(deciding, tensor, place)
    mistake = evidence.mistake
    return f"it computes what the plain step does when {mistake}: {what}" if mistake else what


def _size(comparison: Comparison, tensor: str, place: str) -> str:
    """How wrong a tensor is, in words."""
    if tensor in comparison.faults:
        return f"{tensor}: {comparison.faults[tensor]}"
    bits = max(comparison.bits[tensor], comparison.scales.get(tensor, NOTHING))
    return f"{tensor} is off by {comparison.errors[tensor]:.2g} of its size, 2^{bits:.0f} times what rounding explains {place}"
