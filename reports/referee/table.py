"""The score of the referee of steps beside other rules, as Markdown and as rows for CSV."""

from collections.abc import Sequence

from bench.results.scores.referee import Kind, Mark, Score, worst
from reports.text.sanitize import escape_markdown

COLUMNS = ("step", "seed", "variation", "kind", "change", "bits_lost_float64", "wrong")


def render(score: Score) -> str:
    """The table of the rules, that of the mutants, and how each rule decides."""
    packages = ", ".join(f"{name} {version}" for name, version in score.versions.items())
    asked, found, legal, ranked = score.coarser
    random, told, drawing, refused = score.random
    lines = [
        "# The referee of steps beside other rules",
        "",
        escape_markdown(f"{score.machine}; {packages}; {about(score)}"),
        "",
        "| rule | mutants called equal | legal variations refused | seconds an answer |",
        "|---|---:|---:|---:|",
        *(
            f"| {escape_markdown(one.name)} | {one.missed} of {one.mutants} | {one.refused} of {one.legal} "
            f"| {one.seconds:.3f} |"
            for one in score.methods
        ),
        "",
        *(f"- {escape_markdown(sentence)}" for sentence in sentences(score)),
        (
            f"- In bfloat16, {found} of {asked} mutants were told as different, and {ranked} of {legal} arms without one were "
            "ranked."
        ),
        (
            f"- Of variations that draw other random numbers than the step, {told} of {random} mutants were told as "
            f"different, and {refused} of {drawing} legal ones were refused. The other rules cannot be asked about these."
        ),
        "",
        "How each rule decides:",
        "",
        *(f"- **{escape_markdown(one.name)}**: {escape_markdown(one.text)}." for one in score.methods),
        "",
        "Each mutant, the steps that it was asked of, and which rules called it equal how often:",
        "",
        *_of_variations(score, "mutant", "called equal by"),
        "",
        "Each legal variation, and which rules refused it how often:",
        "",
        *_of_variations(score, "legal", "refused by"),
        "",
        (
            "The smallest relative errors that the referee noticed when they were planted: in float64, which decides about the "
            "algebra, and in float32, which is timed; of all gradients, of the learning rate, and of one number of a gradient:"
        ),
        "",
        *_of_power(score),
        "",
    ]
    return "\n".join(lines)


def about(score: Score) -> str:
    """What was asked, in a few words."""
    steps = {mark.step for mark in score.marks}
    mutants = {mark.variation for mark in score.marks if mark.kind == "mutant"}
    legal = {mark.variation for mark in score.marks if mark.kind == "legal"}
    return (
        f"{len(mutants)} mutants and {len(legal)} legal variations on {len(steps)} steps, "
        f"an ensemble of {score.members} members"
    )


def sentences(score: Score) -> list[str]:
    """What is to be known beside the counts."""
    small, found = score.small
    told = [
        f"Truth and ensembles of a step took {score.prepared:.1f} s (median), once for all of its arms.",
        (
            f"{small} more mutants change an update by less than a millionth; the referee found {found} of them. "
            "They are not counted."
        ),
        f"Worst legal variation: {_worst(score, 'legal')}; weakest mutant: {_worst(score, 'mutant')}, in float64.",
    ]
    legal = score.methods[0].legal
    told.append(f"{score.identical} of the {legal} answers of legal variations equal the plain step's to the bit.")
    if score.unjudged:
        told.append(f"Of {score.unjudged} the referee could say nothing.")
    return told


def _worst(score: Score, kind: Kind) -> str:
    bits, name = worst(score, kind)
    return f"{name}, {bits:.1f} bits"


def _of_variations(score: Score, kind: Kind, head: str) -> list[str]:
    names = dict.fromkeys(mark.variation for mark in score.marks if mark.kind == kind)
    return [
        f"| {kind} variation | asked | bits lost in float64 | {head} |"
        if kind == "legal"
        else f"| mutant | asked | bits lost in float64 | {head} |",
        "|---|---:|---:|---|",
        *(_row(name, [mark for mark in score.marks if mark.variation == name], score) for name in names),
    ]


def _row(name: str, marks: Sequence[Mark], score: Score) -> str:
    bits = [mark.bits for mark in marks if mark.bits is not None]
    span = (
        "-" if not bits else f"{min(bits):.1f} to {max(bits):.1f}" if max(bits) - min(bits) > 0.05 else f"{bits[0]:.1f}"
    )
    wrong = [
        f"{one.name} {count}" for one in score.methods if (count := sum(one.name in mark.missed for mark in marks))
    ]
    return f"| {escape_markdown(name)} | {len(marks)} | {span} | {escape_markdown(', '.join(wrong) or 'none')} |"


def _of_power(score: Score) -> list[str]:
    dtypes = ("float64", "float32")
    kinds = ("gradient", "rate", "number")
    heads = [f"{kind}, {dtype}" for dtype in dtypes for kind in kinds]
    lines = ["| step | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for step, power in score.power.items():
        errors = [getattr(power[dtype], kind) if dtype in power else None for dtype in dtypes for kind in kinds]
        cells = [f"{error:.0e}" if error else "-" for error in errors]
        lines.append(f"| {escape_markdown(step)} | " + " | ".join(cells) + " |")
    return lines


def rows(score: Score) -> list[tuple[object, ...]]:
    """A row for each variation of a step, in the order of COLUMNS; `wrong` names the rules that were wrong about it."""
    return [
        (mark.step, mark.seed, mark.variation, mark.kind, mark.change, mark.bits, "; ".join(mark.missed))
        for mark in score.marks
    ]
