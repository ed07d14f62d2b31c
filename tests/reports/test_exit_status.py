"""The exit status of a run."""

from reports.exit_status import Exit, status_of
from reports.run.report import report_of
from tests.reports.records import FLOOR, MANUAL, REFERENCE, TWIN, WRONG, compared, plan, race, record, rounds


def test_a_race_that_was_measured_is_done() -> None:
    """A time for an arm that trains is enough, whatever is not supported here."""
    absent = record(MANUAL, 1, None, status="unsupported", reason="no CUDA")
    assert status_of(compared({}, absent)) == Exit.DONE


def test_floors_alone_are_no_race() -> None:
    """A race in which nothing but floors have a time could not be measured."""
    failed = [record(one, 1, None, status="unavailable", reason="no torch") for one in (REFERENCE, TWIN)]
    floor = rounds(FLOOR, 1e-5, work="floor", judgement=None)
    assert status_of(report_of(plan(race(FLOOR)), {}, [*failed, *floor])) == Exit.UNMEASURED


def test_wrong_answers_are_the_gravest() -> None:
    """A wrong answer counts more than an arm that failed, and a failure more than nothing."""
    wrong = record(MANUAL, 1, 4e-4, status="wrong", reason="off", judgement=WRONG)
    failed = record(FLOOR, 1, None, status="crashed", reason="fell", work="floor")
    assert status_of(compared({}, wrong, failed)) == Exit.WRONG
    assert status_of(compared({}, failed)) == Exit.FAILED
