"""What a race of a step says first: which recipe to use, whether it computes the same, and when it pays."""

import dataclasses
import re
from typing import Any

import pytest
from msgspec.structs import replace

from bench.results.record import Answer, Power, Record, Share
from reports.run.findings import Finding
from reports.run.step_findings import as_written
from tests.reports.steps import (
    CLOSER,
    COARSER,
    DIFFERENT,
    IDENTICAL,
    PATCH,
    PLAIN,
    SAME,
    UNDECIDABLE,
    UNJUDGED,
    answered,
    everything,
    of_recipe,
    recipe,
    reported,
)

NUMBER = r"[\d.]+"


def said(*recipes: list[Record]) -> tuple[Finding, ...]:
    """The findings of a race against these recipes."""
    return reported(*recipes).races[0].findings


def test_one_sentence_says_what_to_use() -> None:
    """How fast, how certain, how much the same, how much later it starts, and when that is made up for."""
    first = said(answered("whole_graph", PLAIN / 4.9, cold=11.7))[0]
    assert re.fullmatch(
        rf"whole_graph runs this step 4\.9 times as fast as you wrote it \({NUMBER} to {NUMBER}\), same to 0\.3 bits; "
        r"it starts 11\.2 s later and has caught up after 14 000 updates\.",
        first.text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{THIN SPACE}", " "),
    ), first.text
    assert (first.kind, first.statement) == ("fastest", "whole_graph runs this step 4.9 times as fast as you wrote it")


def test_what_processes_cost_each_other_is_told() -> None:
    """Of an update that several make together: the slowest one's own rows, the rest, and what an all-reduce alone takes."""
    several = [
        replace(each, shares=(Share(rows=32, seconds=4e-4), Share(rows=32, seconds=6e-4)))
        for each in answered("ddp", 2e-3)
    ]
    alone = [replace(each, work="floor") for each in answered("floor_all_reduce", 1e-4, None)]
    (told,) = [each.text for each in said(several, alone) if each.kind == "processes"]
    assert told == (
        "Of an update of ddp, 2.00 ms, the slowest process's own rows take 600 µs; what the processes cost each other takes "
        "1.40 ms, of which one all-reduce of as many numbers alone takes 100 µs."
    )


def test_a_shipped_step_is_nobodys_own() -> None:
    """A step from a folder of steps was not written by its reader."""
    own = of_recipe(everything(), "plain")
    shipped = dataclasses.replace(own, arm=replace(own.arm, workload="steps/mlp"))
    assert [as_written(own), as_written(shipped)] == ["as you wrote it", "as it is written"]


def test_a_tie_has_no_single_winner() -> None:
    """Recipes that share the first rank are named together; the simplest is the one whose start is told."""
    first = said(
        answered("whole_graph+fused", PLAIN / 4.9, CLOSER, PATCH + PATCH, cold=9.0),
        answered("whole_graph", PLAIN / 4.89, cold=8.0),
    )[0].text
    assert re.match("whole_graph(\\+fused)? and whole_graph(\\+fused)? run this step 4.9 times as fast", first)
    assert "same to 0.3 bits; they cannot be told apart; whole_graph starts 7.50 s later" in first


def test_a_tie_of_many_is_short() -> None:
    """Of more than three that cannot be told apart two are named."""
    names = [f"recipe{n}" for n in range(6)]
    first = said(*(answered(name, PLAIN / 3, IDENTICAL) for name in names))[0].text
    assert re.match(r"recipe\d, recipe\d and 4 others run this step 3\.0 times as fast", first)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (IDENTICAL, ", identical to the bit"),
        (CLOSER, ", the same, with no bits lost"),
        (replace(SAME, bits_lost=1.26), ", same to 1.3 bits"),
        (replace(SAME, scale_bits=1.7), ", same to 1.7 bits"),
    ],
    ids=["identical", "closer", "same", "by a factor"],
)
def test_the_sentence_says_how_much_the_same(answer: Answer, words: str) -> None:
    """To the bit, without a loss, or to so many bits in the worst tensor."""
    assert words in said(answered("fused", PLAIN / 2, answer))[0].text


def test_own_draws_are_told() -> None:
    """A winner that draws for itself is the same in distribution, judged with equal draws; the count of answers says so too."""
    drawn = Answer(
        word="same in distribution", draws="own", bits_lost_float64=0.2, consistency_bits=-1.0, distribution_p=0.3
    )
    first, *others = said(answered("own_draws", PLAIN / 2, drawn))
    assert ", the same in distribution (judged with equal draws, timed without)" in first.text
    told = next(finding.text for finding in others if finding.kind == "answers")
    assert told.startswith(
        "1 of 1 judged ways compute the same as the step (1 in distribution, with other random numbers)"
    )


def test_a_start_that_costs_nothing_is_not_told() -> None:
    """A recipe that starts as soon as the step itself has nothing to catch up."""
    assert "later" not in said(answered("fused", PLAIN / 2, IDENTICAL))[0].text


def test_a_start_in_company_is_about_so_long() -> None:
    """A start that was measured while others started is no more than about right."""
    first = said(answered("fused", PLAIN / 2, IDENTICAL, cold=5.5, alone=False))[0].text
    assert "it starts about 5.00 s later and has caught up after about" in first


@pytest.mark.parametrize(
    ("seconds", "answer", "words"),
    [
        (2 * PLAIN, SAME, "Nothing that was tried is faster than this step as you wrote it ("),
        (PLAIN / 2, UNJUDGED, "No other way to run this step is ranked: this step draws random numbers, which cannot"),
        (PLAIN / 2, DIFFERENT, "No other way to run this step is ranked: a factor of 5 is missing; it takes "),
        (None, None, "No other way to run this step could be timed; it takes "),
    ],
    ids=["slower", "unjudged", "different", "failed"],
)
def test_where_nothing_is_faster_it_says_so(seconds: float | None, answer: Answer | None, words: str) -> None:
    """A race without a winner says why there is none, and how long the step itself takes."""
    failed = answered("fused", None, None, status="failed", reason="broke")
    first = said(failed if seconds is None else answered("fused", seconds, answer))[0].text
    assert first.startswith(words)
    assert " per update" in first
    assert "as you wrote it" in first


def test_a_reason_that_is_not_shared_is_not_told_first() -> None:
    """Where nothing is ranked for different reasons, the reasons stand below the table."""
    mixed = said(answered("a", PLAIN / 2, UNJUDGED), answered("b", PLAIN / 2, UNDECIDABLE))[0].text
    assert mixed.startswith("No other way to run this step is ranked: no answer was judged the same; it takes ")


def test_what_is_not_certain_is_not_called_faster() -> None:
    """An arm whose rounds disagree is not known to be faster."""
    steady = answered("fused", PLAIN)
    restless = [
        replace(each, blocks=tuple(block * (0.7, 1.3, 0.8, 1.2, 0.9)[each.round - 1] for block in each.blocks))
        for each in steady
    ]
    assert said(restless)[0].text.startswith("Nothing is known to be faster than this step as you wrote it (")
    once = said(answered("fused", PLAIN / 3)[:1])[0].text
    assert once.endswith(" per update): fused came out 3.0 times as fast, and more rounds would tell.")


def test_what_is_faster_with_less_precision_is_told_apart() -> None:
    """A coarser recipe is offered in a second sentence where it beats every faithful one, and only there."""
    faithful = answered("fused", PLAIN / 2)
    quick, slow = answered("bf16", PLAIN / 3, COARSER), answered("bf16", PLAIN / 1.5, COARSER)
    (second,) = [each.text for each in said(faithful, quick) if each.kind == "coarser"]
    assert second.startswith("Faster still if you accept 12 lost bits: bf16, 3.0 times as fast as you wrote it (")
    assert [] == [each for each in said(faithful, slow) if each.kind == "coarser"]
    assert said(quick)[1].text.startswith("Faster if you accept 12 lost bits: bf16, 3.0 times")
    assert said(quick)[0].text.startswith("Nothing that was tried is faster")


def test_a_wrong_answer_names_the_tensor_and_the_size() -> None:
    """However fast it is, it is told as wrong, with the tensor, the bits and the referee's reason."""
    found = said(answered("compile_step", PLAIN / 9, DIFFERENT), answered("fused", PLAIN / 2, IDENTICAL))
    assert found[0].statement.startswith("fused runs this step")
    assert found[1] == Finding(
        "wrong answers",
        "WRONG ANSWER of compile_step: change of 0.weight is off by 21.4 bits (50.1 in float64), a factor of 5 is "
        "missing; it is not ranked",
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            {"whose": "compiler", "stage": "inductor of torch 2.13.0: a pass", "script": "scripts/a/one.py"},
            "and wrong when it is compiled: a fault of the compiler (inductor of torch 2.13.0: a pass); scripts/a/one.py shows",
        ),
        (
            {"whose": "rewrite", "module": "output of 1 (BatchNorm2d)", "undiagnosed": "no time"},
            "something else, first in the output of 1 (BatchNorm2d); no script shows that: no time.",
        ),
        ({"whose": "capture"}, "the graph that is captured of them is wrong: a fault of the capture."),
        ({"undiagnosed": "it draws"}, "one: whose fault it is was not found out: it draws."),
    ],
    ids=["compiler", "rewrite", "capture", "not found out"],
)
def test_whose_fault_a_wrong_answer_is_stands_below_it(found: dict[str, Any], words: str) -> None:
    """A sentence of its own says whose fault it is, where it begins, and which script shows it, or why nobody knows."""
    assert words in said(answered("one", PLAIN, replace(DIFFERENT, **found)))[2].text


def test_answers_are_counted_by_the_referees_words() -> None:
    """How many compute the same, what of the others, and how small a mistake would have been seen."""
    (found,) = [each.text for each in everything().races[0].findings if each.kind == "answers"]
    assert found == (
        "6 of 10 judged ways compute the same as the step (1 to the bit), 1 with coarser rounding, 1 cannot be decided, "
        "1 cannot be judged yet, 1 WRONG; an error of 0.003 % in a gradient would be noticed."
    )
    assert "No answer was judged." in [each.text for each in said(answered("fused", PLAIN, None))]
    exact = [each.text for each in said(answered("fused", PLAIN, replace(SAME, power=Power(gradient=3e-14))))]
    assert any("; an error of 0.0001 % in a gradient would be noticed." in text for text in exact)
    assert "1 of 1 judged ways compute the same as the step but for rounding." in [
        each.text for each in said(answered("fused", PLAIN, replace(SAME, power=None)))
    ]


def test_audits_and_skipped_updates_are_told() -> None:
    """After how many updates the least audited way was judged last; which way left updates out."""
    early, late = replace(SAME, audits=(0, 40, 900)), replace(COARSER, audits=(0, 1000), skipped=3)
    texts = [each.text for each in said(answered("fused", PLAIN, early), answered("fp16", PLAIN, late))]
    assert any("each was judged again in the race, the last time after 900 updates or more" in text for text in texts)
    rounds = 3 * len(answered("fp16", PLAIN, late))
    assert any(
        text.startswith(f"fp16 left out {rounds} updates or more, because gradients overflowed") for text in texts
    )


def test_recipes_on_two_devices_are_told_apart() -> None:
    """Where recipes run on several devices sentences name the device, too."""
    gpu = [replace(each, arm=recipe("fused", device="cuda")) for each in answered("fused", PLAIN / 3)]
    assert said(gpu)[0].text.startswith("fused cuda runs this step 3.0 times as fast")


def test_undecidable_answers_win_nothing() -> None:
    """A recipe whose answer cannot be decided is not the fastest, whatever its time."""
    found = said(answered("wild", PLAIN / 9, UNDECIDABLE), answered("fused", PLAIN / 2, IDENTICAL))
    assert found[0].statement.startswith("fused runs")


def test_an_update_that_grows_slower_with_age_is_told() -> None:
    """Its laps become longer within every round; the reader is told what to look for."""
    aging = [
        replace(record, blocks=tuple(block * (1 + 0.1 * lap) for lap, block in enumerate(record.blocks)))
        for record in answered("fused", PLAIN)
    ]
    codes = [caveat.code for caveat in reported(aging).races[0].warnings]
    assert "slower_with_age" in codes
    assert "slower_with_age" not in [caveat.code for caveat in reported(answered("fused", PLAIN)).races[0].warnings]
