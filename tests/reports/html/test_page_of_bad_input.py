"""The page of records that are hostile, broken, old or not there: correct, with a note that names what is wrong."""

import re
from collections.abc import Callable
from dataclasses import replace as replace_fields
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.results import archive
from bench.results.store import Store
from reports.html import run_page
from reports.run.report import RunReport, report_of
from reports.text.sanitize import plain
from tests.conftest import ROOT
from tests.reports.hostile import TEXTS, hostile, hostile_step
from tests.reports.parsed import Parsed, picture, shown
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    MANUAL,
    REFERENCE,
    TWIN,
    compared,
    plan,
    race,
    record,
)

ELEMENTS = (
    "html head meta link title style body a header main section div nav h1 h2 h3 h4 p span b ul ol li dl dt dd figure "
    "figcaption img form label input fieldset legend button table caption thead tbody tr th td details summary pre code "
    "script"
)
ATTRIBUTES = (
    "charset http-equiv content name rel href id class aria-label aria-hidden aria-live role tabindex alt src width "
    "height loading title scope colspan hidden type autocomplete spellcheck value checked lang "
    "data-id data-numeric data-key data-class data-verdict"
)


@pytest.mark.parametrize("made", [hostile, hostile_step])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hostile_record_is_only_text(text: str, made: Callable[[str], RunReport], tmp_path: Path) -> None:
    """Whatever the strings of a run hold, the page has no element, attribute or address but its own; and says the text."""
    comparison = made(text)
    pictures = [picture("ladder", text), picture(f"{text}/other", text)]
    found = Parsed(run_page.render(comparison, pictures, Store(tmp_path)))
    assert {tag for tag, _ in found.elements} <= set(ELEMENTS.split())
    assert {name for _, attributes in found.elements for name in attributes} <= set(ATTRIBUTES.split())
    assert found.strays == []
    for _, attributes in found.elements:
        address = attributes.get("href", "#") or "#"
        assert re.fullmatch(r"#[\w-]*|data:,|figures/[\w.%~-]+", address), address
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert re.fullmatch(r"[a-z][a-z0-9-]*", attributes.get("id", "x"))
        assert all(value.replace("\n", "").replace("\t", "").isprintable() for value in attributes.values())
    assert found.text.isprintable()
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    said = " ".join(plain(text).split())
    assert found.text.count(said) > 10
    assert said in found.one("h1")


OLD = ROOT / "reports" / "published" / "cpu-2-cores" / "run.tar.gz"


def test_a_run_of_an_older_format_says_what_is_missing(tmp_path: Path) -> None:
    """Records of before sources were kept make a page, and a note."""
    with archive.opened(str(OLD), tmp_path) as run:
        records, _ = run.records()
        older = [replace(each, format=2) for each in records]
        comparison = report_of(run.plan(), run.environment(), older)
    found = shown(comparison)
    assert "Its records are of format 2; today's is" in found.text
    assert "It kept no sources" in found.text
    assert len(found.all("tr", class_="reference")) == 1


def broken(*, reason: str = "it broke") -> RunReport:
    """A race in which all failed."""
    records = [record(one, 1, None, status="failed", reason=reason) for one in (REFERENCE, TWIN, MANUAL)]
    return report_of(plan(race(MANUAL)), ENVIRONMENT, records)


def lonely() -> RunReport:
    """A race of one arm, seen once."""
    records = [record(REFERENCE, 1, 4e-4)]
    return report_of(plan(race(twin=None)), {}, records)


def strange() -> RunReport:
    """A race with records that do not belong to it."""
    report = compared({MANUAL: 2e-4})
    stranger = replace(record(ANALYTIC, 1, 1e-4), run="of another machine")
    return report_of(report.plan, ENVIRONMENT, [*report.records, stranger])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            report_of(plan(race(MANUAL)), {}, []),
            ["Nothing was measured.", "There is no record", "no environment.json"],
        ),
        (report_of(plan(), {}, []), ["Nothing was measured."]),
        (broken(), ["Nothing could be measured: 2 of 2 arms failed.", "No answers", "Stability unknown", "it broke"]),
        (broken(reason="broken " * 140), ["broken " * 139]),
        (lonely(), ["No arm was faster than linear/nn_sgd cpu eager", "Stability unknown"]),
        (strange(), ["1 of the records are of arms that are not in the plan", "Some records are of another run"]),
    ],
    ids=["empty", "no races", "all failed", "long reason", "one record", "strangers"],
)
def test_bad_input_makes_a_page_with_a_note(found: RunReport, said: list[str]) -> None:
    """A run of which little or nothing is there is shown as far as it goes, and named for what it is."""
    parsed = shown(found)
    assert [] == [each for each in said if each not in parsed.text]


def test_what_could_not_be_read_is_said() -> None:
    """Complaints of the store stand on the first screen, and all of them below."""
    complaints = [f"records/{number}.json is cut short." for number in range(4)]
    found = shown(replace_fields(compared({MANUAL: 2e-4}), complaints=tuple(complaints)))
    assert [found.text.count(each) for each in complaints] == [2, 2, 1, 1]
    assert "2 more about these records" in found.text
