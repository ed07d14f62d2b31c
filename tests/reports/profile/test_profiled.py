"""What profiling recorded is shown in every report: page, Markdown, JSON, figure."""

import json
from pathlib import Path

from msgspec.structs import replace

from bench.results.store import Store
from reports import write
from reports.profile import profiled
from reports.run.report import read
from tests.reports.parsed import Parsed
from tests.reports.profiles import MACHINE, profile
from tests.reports.records import ENVIRONMENT, MANUAL, REFERENCE, floored

FOUND = {
    "counters": {"operations": 12.0, "graph_breaks": 1.0},
    "breaks": ("a call of print",),
    "reasons": {"py-spy": "it is not allowed to look"},
    "artifacts": {"trace.json.gz": "a few updates as a trace"},
    "peak_resident_bytes": 300 * 2**20,
}


def kept(path: Path) -> Store:
    """A run of which the reference and one arm were profiled, with its reports."""
    run = Store(path)
    report = floored({MANUAL: 2e-4})
    race = report.plan.races[0]
    run.write_plan(report.plan, ENVIRONMENT)
    for number in range(1, 6):
        run.write_round(race, number, [each for each in report.records if each.round == number])
    run.write_profile(race, profile(REFERENCE))
    run.write_profile(race, replace(profile(MANUAL), **FOUND))
    write.write(read(run), run, run)
    return run


def test_every_report_says_where_the_time_goes(tmp_path: Path) -> None:
    """The summary has sentences, the document parts, the page a figure and the details of each arm."""
    run = kept(tmp_path)
    assert "Where an update's time goes:" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    (race,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["races"]
    assert {each["implementation"] for each in race["attributions"]} == {"linear/manual", "linear/nn_sgd"}
    assert (run.path / "figures" / "attribution.svg").stat().st_size > 1000
    page = Parsed((tmp_path / "index.html").read_bytes())
    (fold,) = [text for found, text in page.all("details", class_="arm") if "linear/manual" in text.split("Race it")[0]]
    for said in ("interpreter", "operations 12", "The compiler broke its graph: a call of print.", "py-spy: it is not"):
        assert said in fold
    links = {found["href"] for found, _ in page.all("a")}
    assert any(link.startswith("profiles/") and link.endswith("trace.json.gz") for link in links)


def test_a_run_without_profiles_says_nothing_of_them(tmp_path: Path) -> None:
    """A run without profiles has no heading for them, and null in the document."""
    comparison = floored({MANUAL: 2e-4})
    write.write(comparison, Store(tmp_path), Store(tmp_path))
    assert "Where" not in (tmp_path / "summary.md").read_text(encoding="utf-8")
    (race,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["races"]
    assert race["attributions"] is None


def test_a_torn_profile_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A profile that cannot be read is left out with a complaint; all other profiles are read."""
    run = kept(tmp_path)
    victim = next(tmp_path.rglob("profile.json"))
    victim.write_bytes(victim.read_bytes()[:100])
    report = read(run)
    (result,) = report.races
    assert result.profiled
    assert len(result.profiled.profiles) == 1
    assert [f"{victim} is cut short" in each for each in report.complaints] == [True]
    run.write_machine(result.race, MACHINE)
    (run.profiled(result.race) / "machine.json").write_text("{")
    report = read(run)
    assert report.races[0].profiled
    assert len(report.races[0].profiled.attributions) == 1
    assert len(report.complaints) == 2


def test_an_arm_that_could_not_be_profiled_says_why() -> None:
    """The remarks on an arm that could not be profiled begin with status and reason."""
    died = replace(profile(MANUAL), status="crashed", reason="killed by SIGSEGV during the profiler")
    assert (
        next(iter(profiled.remarks(died)))
        == "It could not be profiled, crashed: killed by SIGSEGV during the profiler."
    )


def test_the_slowest_operations_are_told_first() -> None:
    """Operations are listed by their own time at full size, the longest first."""
    names = [name for name, _, _ in profiled.operations(profile(MANUAL))]
    assert names[:2] == ["aten::mm", "aten::addmm"]


def test_the_document_is_json(tmp_path: Path) -> None:
    """The document holds profiles, attributions and differentials as plain values."""
    (result,) = read(kept(tmp_path)).races
    assert result.profiled
    document = json.loads(json.dumps(profiled.document("here", [result.profiled], []), allow_nan=False))
    assert len(document["profiles"]) == len(document["attributions"]) == 2
