"""What a report tells of a race of a step besides: the patch, what does not apply, what was compiled."""

from bench.results.record import Compiler
from reports.run.step_summary import Remarks, StepSummary
from tests.reports.records import MANUAL, compared
from tests.reports.steps import EXAMINED, IDENTICAL, LONG, PATCH, PLAIN, SAME, answered, everything, reported

BROKEN = (
    "compile_forward: 3 graphs, 2 reasons to break: print is called; a list grows; "
    "compiled again 2 times while it was timed, which is in its time"
)


def summary(*recipes: object, **chosen: object) -> StepSummary:
    """The summary of a race against these recipes."""
    step = reported(*recipes, **chosen).races[0].step  # type: ignore[arg-type]
    assert step
    return step


def lines(step: StepSummary, heading: str) -> tuple[str, ...]:
    """The remarks under a heading; none where it is not there."""
    return next((each.lines for each in step.remarks if each.heading == heading), ())


def test_an_exact_workload_has_none() -> None:
    """There is no step to tell of."""
    assert compared({MANUAL: 2e-4}).races[0].step is None


def test_the_patch_is_that_of_the_fastest() -> None:
    """Of recipes that cannot be told apart it is the shortest; where nothing is faster there is none."""
    tied = summary(answered("a+b", PLAIN / 4, SAME, LONG), answered("a", PLAIN / 3.99, SAME, PATCH))
    assert tied.patch
    assert (tied.patch.recipe, tied.patch.text) == ("a", PATCH)
    assert tied.patch.title == "For a, put these lines at the end of my_step.py:"
    assert summary(answered("a", PLAIN * 2)).patch is None
    assert summary(answered("way_flat", PLAIN / 2, IDENTICAL, "")).patch is None


def test_what_does_not_apply_is_grouped_by_its_reason() -> None:
    """Rewrites that examining refused and arms that cannot run here are one list; what applies is not in it."""
    unsupported = answered("capturable", None, None, status="unsupported", reason="needs a GPU, and there is none")
    assert lines(summary(answered("fused", PLAIN / 2), unsupported), "Does not apply here") == (
        "cuda_graph, tf32, capturable: needs a GPU, and there is none",
        "channels_last: the model has no convolution",
    )
    assert lines(summary(unsupported, examined=None), "Does not apply here") == (
        "capturable: needs a GPU, and there is none",
    )


def test_what_cannot_run_here_has_no_row_in_the_tables() -> None:
    """It is in the list instead; the rows of all arms are still there for programs."""
    (result,) = everything().races
    assert "capturable" not in {row.arm.implementation for row in result.listed}
    assert {row.arm.implementation for row in result.rows} - {row.arm.implementation for row in result.listed} == {
        "capturable"
    }


def test_what_the_step_is_like_comes_with_advice() -> None:
    """Each finding of examining is a sentence and what to do."""
    step = summary(answered("fused", PLAIN / 2))
    assert step.summary == EXAMINED.summary
    assert lines(step, "What this step is like") == ("2 parameters are one tensor: Nothing is to be done",)


def test_graphs_are_told_with_their_breaks() -> None:
    """Recipes that were compiled alike share a line; breaks have their reasons; what compiled nothing is not listed."""
    found = lines(everything().races[0].step or summary(), "What was compiled")
    assert found == (
        "whole_graph, whole_graph+channels_last, bf16+whole_graph: 1 graph",
        BROKEN,
    )
    assert lines(summary(answered("fused", PLAIN, compiler=Compiler())), "What was compiled") == ()


def test_tensors_that_were_not_compared_are_named_once() -> None:
    """However many recipes leave them out."""
    assert lines(everything().races[0].step or summary(), "Not compared") == (
        "gradient of 1.bias: its true value is rounding alone",
    )


def test_a_heading_without_remarks_is_not_there() -> None:
    """A step that was not examined and compiled nothing has no remarks."""
    step = summary(answered("fused", PLAIN, IDENTICAL), examined=None)
    assert step == StepSummary("", None, ())
    assert all(isinstance(each, Remarks) and each.lines for each in summary(answered("fused", PLAIN)).remarks)
