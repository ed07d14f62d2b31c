"""The report of a gate as a whole: headline, notes, what was compared, and the order and names of its arms."""

import pytest
from msgspec.structs import replace

from bench.results.gate import Controls, GateVerdict, Margins
from reports.gate.summary import report_of
from tests.reports.gate import verdicts
from tests.reports.gate.verdicts import BASE, HEAD, clocked, found, of, report
from tests.reports.records import arm

HEADLINES = {
    "regressed": "Regressed: 1 of 2 arms is worse on the head: linear/manual cpu eager (+7.3 %).",
    "by a counter": "Regressed: 1 of 2 arms is worse on the head: linear/compiled_forward cpu compile (graph breaks 0 -> 1).",
    "ok": "Ok: 3 arms raced, a slowdown of 3 % or more is excluded for each; faster: linear/analytic cpu eager (-12.3 %).",
    "unresolved": "Unresolved: 1 of 2 arms is not decided: linear/autograd_grad cpu eager (+2.6 %); no regression was found.",
    "nothing decided": "Unmeasured: none of the raced arms could be decided: linear/autograd_grad cpu eager (+2.6 %).",
    "veto": "Unmeasured: the controls, identical on both sides, differ by 2.34 %: no measured time is believed; "
    "run the gate again on a quieter machine.",
    "missing": "Unmeasured: the head lacks what the base has: linear/sgd_fused cpu eager.",
    "wrong": "Wrong: 1 of 2 arms has a wrong answer: linear/jax cpu eager (wrong on the head: off; wrong on the base: off).",
    "failed": "Failed: 1 of 2 arms fails: linear/c cpu eager (crashed on the head: no compiler; crashed on the base: no c…).",
    "nothing to race": "Nothing to race: no arm's code differs between base and head; "
    "the controls, identical on both sides, differ by +0.10 % (-0.30 to +0.50), which chance explains.",
    "empty": "Unmeasured: no arm exists on both sides and can run here.",
}


@pytest.mark.parametrize("kind", HEADLINES)
def test_each_outcome_has_its_headline(kind: str) -> None:
    """One sentence says the outcome, how many arms it is about, and which."""
    assert report(kind).headline == HEADLINES[kind]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (of("unmeasured", verdicts.NEW, named=True), "the base does not have what was asked for: linear/sklearn cpu eager"),
        (of("unmeasured", verdicts.UNAVAILABLE), "no arm exists on both sides and can run here: linear/triton_update"),
        (of("unmeasured", verdicts.OK, verdicts.TIMELESS), "1 of 2 arms left no times that can be compared"),
        (of("unmeasured", verdicts.OK, controls=Controls(names=("a",))), "no controls were measured"),
    ],
)  # fmt: skip
def test_each_reason_why_nothing_was_measured_is_told(verdict: GateVerdict, said: str) -> None:
    """A reader of the headline knows what to do about a gate that could not measure."""
    assert said in report_of(verdict).headline


def test_new_arms_are_no_trouble_where_nobody_named_them() -> None:
    """A gate that is unmeasured for its controls does not blame an arm that is merely new."""
    assert (
        "linear/sklearn" not in report_of(of("unmeasured", verdicts.OK, verdicts.NEW, controls=verdicts.LOUD)).headline
    )


def test_a_headline_names_a_few() -> None:
    """Three arms, and how many more."""
    many = [found("regressed", f"linear/a{number}", clocked(0.05), stops=True) for number in range(9)]
    assert report_of(of("regressed", *many)).headline.endswith("linear/a2 cpu eager (+5.0 %) and 6 more.")


@pytest.mark.parametrize("text", verdicts.HOSTILE.values(), ids=verdicts.HOSTILE)
def test_a_headline_stays_short_and_tame(text: str) -> None:
    """The headline is short and printable, whatever arms, reasons and counters are called."""
    said = verdicts.hostile(text).headline
    assert said.isprintable()
    assert len(said) < 800


def test_mended_arms_are_no_faster_ones() -> None:
    """An arm that failed on the base has no time to compare, so it is not called faster."""
    said = report_of(of("ok", verdicts.OK, verdicts.MENDED)).headline
    assert "faster" not in said
    assert "mended: linear/numba cpu eager" in said


def test_gates_that_differ_are_said_as_a_range() -> None:
    """Where arms have margins of their own, no single number is promised."""
    own = replace(verdicts.OK, cell=verdicts.cell(margins=Margins(gate=0.1, floor=0.02)))
    assert "3 % to 10 % (each arm has its own) or more" in report_of(of("ok", verdicts.PASSED, own)).headline


def test_what_is_not_complete_says_so() -> None:
    """An interrupted gate does not look like a finished one."""
    assert report_of(of("ok", verdicts.OK, complete=False)).headline.endswith(
        " It is not complete: rounds are missing."
    )


def test_what_was_compared_is_told() -> None:
    """Names, short commits, the notes of the plan, and every version that is not the same."""
    old = replace(BASE, versions=BASE.versions | {"torch": "2.11.0", "old": "1"})
    notes = ("the base is where the head left origin/main",)
    assert report("ok", base=old, head=HEAD, notes=notes).compared == (
        "Base: origin/main (01234567)",
        "Head: the working tree (89abcdef, with changes that no commit has)",
        "Note: the base is where the head left origin/main",
        "Note: torch is 2.11.0 on the base, 2.13.0 on the head",
        "Note: old is 1 on the base, not installed on the head",
    )


def test_how_often_it_errs_is_told_in_words() -> None:
    """The error rate and the power stand with the controls, and not where no measured time is believed."""
    said = " ".join(report("ok").notes)
    assert "Where nothing has changed, at most 0.5 % of such gates call anything a regression" in said
    assert "catches a slowdown of 2.4 % in 80 of 100 cases" in said
    assert "Not raced, because their code is the same on both sides: linear/moments cpu eager" in said
    assert "at most" not in " ".join(report("veto").notes)


def test_counters_that_do_not_repeat_are_named() -> None:
    """A note names the counters that two countings of the base gave differently."""
    seen = replace(verdicts.OK, counts=replace(verdicts.counts(), unsteady=("python_calls",)))
    assert (
        "Counters not compared, because two countings of the base differed: python calls"
        in report_of(of("ok", seen)).notes
    )


def test_arms_that_cannot_run_here_are_named_together() -> None:
    """One note for a reason, however many arms have it, and nothing else is said of them."""
    other = found("unavailable", "linear/cuda_graph", reasons=verdicts.UNAVAILABLE.reasons)
    made = report_of(of("ok", verdicts.OK, verdicts.UNAVAILABLE, other))
    notes = [note for note in made.notes if "Neither side" in note]
    assert len(notes) == 1
    assert {"linear/triton_update", "linear/cuda_graph"} <= set(notes[0].replace(":", "").split())
    assert notes[0].endswith("(unsupported: no CUDA device)")
    assert not any(row.needs_sentence for row in made.rows if row.word == "unavailable")


def test_what_stops_the_merge_comes_first() -> None:
    """What stops the merge comes first, then the gravest verdict, and of one verdict the slowest arm."""
    slow, slower = found("ok", "linear/a", clocked(0.001)), found("ok", "linear/b", clocked(0.02))
    order = [row.verdict for row in report_of(of("regressed", slow, verdicts.OPEN, slower, verdicts.FAILED)).rows]
    assert order == [verdicts.FAILED, verdicts.OPEN, slower, slow]
    both = of("regressed", verdicts.WRONG_ON_BOTH, verdicts.FAILED)
    assert [row.verdict for row in report_of(both).rows] == [verdicts.FAILED, verdicts.WRONG_ON_BOTH]
    words = [row.word for row in report().rows]
    assert words[:4] == ["regressed", "regressed", "wrong", "failed"]
    assert words[-1] == "identical"


def test_arms_of_one_name_are_told_apart() -> None:
    """Arms with the same name get their workload and coordinates; a unique name stays short."""
    twice = (found("ok", arm("linear/c")), found("ok", arm("linear/c", threads=2)), found("ok", "linear/jax"))
    assert {row.name for row in report_of(of("ok", *twice)).rows} == {
        "linear/line linear/c cpu eager",
        "linear/line linear/c cpu eager threads 2",
        "linear/jax cpu eager",
    }
