"""The page: whole without a script, safe whatever a record says, the same bytes each time."""

import base64
import hashlib
import re
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.results.store import Store
from reports.figures import ladder
from reports.figures.kit import style
from reports.figures.kit.colours import Palette
from reports.html import run_page
from reports.run.columns import columns_of
from reports.run.report import report_of
from tests.conftest import ROOT
from tests.reports.parsed import NOWHERE, Parsed, drawn, picture, shown
from tests.reports.records import (
    ANALYTIC,
    ENVIRONMENT,
    MANUAL,
    MOMENTS,
    WRONG,
    arm,
    compared,
    floored,
    grown,
    plan,
    race,
    record,
    rounds,
)
from tests.reports.steps import LONG, SAME, UNJUDGED, answered, everything, reported

SOURCE = '''"""Says what it does, & how."""

class Planted:
    """And says <more>."""

    def advance(self, updates):
        return "</code><script>"  # a comment
'''


def test_equal_runs_give_equal_bytes() -> None:
    """Rendering twice gives the same bytes."""
    comparison = compared({MANUAL: 2e-4})
    pages = {run_page.render(comparison, [picture("ladder")], NOWHERE) for _ in range(2)}
    assert len(pages) == 1


def test_only_our_own_style_and_script_may_run() -> None:
    """The policy names nothing but the hashes of the one style and the one script; there are no others, and no handlers."""
    found = shown(compared({MANUAL: 2e-4}))
    ((policy, _),) = found.all("meta", **{"http-equiv": "Content-Security-Policy"})
    raw = {
        tag: text for (tag, _), text in zip(found.elements, found.contents, strict=True) if tag in ("style", "script")
    }
    hashes = {tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in raw.items()}
    assert policy["content"] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes['style']}'; "
        f"script-src 'sha256-{hashes['script']}'; base-uri 'none'; form-action 'none'"
    )
    assert [len(found.all("style")), len(found.all("script"))] == [1, 1]


def test_ten_seconds_are_enough() -> None:
    """The finding is the heading; the answers and the machine have banners, with sign and word; the ladder is there."""
    found = shown(floored({MANUAL: 2e-4}))
    assert re.fullmatch(
        r"Fastest: linear/manual cpu eager, \d+ µs an update, [\d.]+ times as fast as linear/nn_sgd cpu eager "
        r"\(95 % interval [\d.]+ to [\d.]+\)\.",
        found.one("h1"),
    )
    banners = [text for attributes, text in found.all("section", class_="banner")]
    assert banners[0].startswith("✓ All answers agree")
    assert banners[1].startswith("✓ The machine was steady")
    first, *_ = found.all("img")
    assert "A bar for each way of writing the loop" in first[0]["alt"]
    svg = base64.b64decode(first[0]["src"].removeprefix("data:image/svg+xml;base64,"))
    assert b"</svg>" in svg
    links = [attributes["href"] for attributes, _ in found.all("a") if attributes["href"].startswith("figures/")]
    assert links == [f"figures/ladder.{kind}" for kind in ("svg", "csv")]


def test_the_table_has_every_column_and_every_arm() -> None:
    """Heads say what they mean; numbers carry what they are sorted by; failed arms keep their rows, with the reason."""
    failed = record(arm("linear/jax"), 1, None, status="unavailable", reason="needs jax: pip install jax")
    comparison = floored({MANUAL: 2e-4, ANALYTIC: 1e-4}, *rounds(MOMENTS, 1e-8, work="algorithmic"), failed)
    found = shown(comparison)
    rows = comparison.races[0].rows
    heads = [attributes for attributes, _ in found.all("th", scope="col") if "data-id" in attributes]
    assert [head["title"] for head in heads] == [column.meaning for column in columns_of(rows)]
    assert [head["data-id"] for head in heads][:4] == ["rank", "implementation", "setting", "update"]
    lines = [(attributes, text) for attributes, text in found.all("tr") if "data-class" in attributes]
    assert [
        text.split()[:2][-1] if row.rank else text.split()[0] for row, (_, text) in zip(rows, lines, strict=True)
    ] == [row.arm.implementation for row in rows]
    assert "unavailable needs jax: pip install jax" in lines[-1][1]
    keys = [
        float(attributes["data-key"]) for attributes, _ in found.all("td", class_="right") if "data-key" in attributes
    ]
    assert {row.seconds.value for row in rows if row.seconds} <= set(keys)
    groups = [text.partition(":")[0] for _, text in found.all("th", scope="rowgroup")]
    assert groups == ["faithful", "algorithmic", "floors", "not ranked"]
    assert {f"spare-{column.dispensable}" for column in columns_of(rows) if column.dispensable} == {
        word for head in heads for word in head["class"].split() if word.startswith("spare-")
    }


def test_without_a_script_there_are_no_controls() -> None:
    """Filter and boxes are hidden until the script shows them; no head has a button that would do nothing."""
    found = shown(compared({MANUAL: 2e-4}))
    ((form, _),) = found.all("form")
    assert "hidden" in form
    assert [] == [text for attributes, text in found.all("button") if attributes.get("id") != "all"]


def test_an_arm_has_a_fold_with_all_that_is_known(tmp_path: Path) -> None:
    """What it does in its own words, its source, its blocks, its start, its answers, its surroundings, how to repeat it."""
    (tmp_path / "sources" / "linear").mkdir(parents=True)
    (tmp_path / "sources" / "linear" / "manual.txt").write_text(SOURCE)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / f"{MANUAL.slug}.gif").write_bytes(b"GIF89a")
    plain_run = compared({MANUAL: 2e-4, arm(mode="compile"): 1e-4})
    records = [replace(each, variables={"OMP_NUM_THREADS": "1"}) for each in plain_run.records]
    found = shown(report_of(plain_run.plan, ENVIRONMENT, records), tmp_path)
    mine = next(text for _, text in found.all("details", class_="arm") if "linear/manual cpu eager" in text)
    for said in (
        "Says what it does, & how. And says <more>.",
        "60 blocks in 5 rounds",
        "import 1.00 s",
        "updates a block 40",
        "peak resident 300 MiB",
        "job 5 × 10 000 0.123457 2.0e-06 1.0e-04 2.0 %",
        "OMP_NUM_THREADS=1",
        "python -m bench run --implementation linear/manual --device cpu --mode eager",
        "What it drew while it trained.",
    ):
        assert said in mine
    assert SOURCE.split() == next(text for _, text in found.all("code") if "Planted" in text).split()
    assert sum("class Planted" in text for _, text in found.all("pre")) == 1, "arms of one file share its source"
    targets = {attributes["href"][1:] for attributes, _ in found.all("a") if attributes["href"].startswith("#")}
    assert targets <= {attributes["id"] for _, attributes in found.elements if "id" in attributes}


def test_one_drawing_is_carried(tmp_path: Path) -> None:
    """Of several arms that drew, the page carries the picture of one, and tells where the others are."""
    (tmp_path / "pictures").mkdir()
    for one in (MANUAL, ANALYTIC):
        (tmp_path / "pictures" / f"{one.slug}.gif").write_bytes(b"GIF89a")
    found = shown(compared({MANUAL: 2e-4, ANALYTIC: 1e-4}), tmp_path)
    assert len([text for attributes, text in found.all("img") if attributes["src"].startswith("data:image/gif")]) == 1
    assert f"in the folder of the run: pictures/{MANUAL.slug}.gif" in found.text


def test_no_file_outside_of_the_run_is_read(tmp_path: Path) -> None:
    """A name that leads out of the folder of sources has no source."""
    (tmp_path / "secret.py").write_text("secret = 1")
    (tmp_path / "run" / "sources").mkdir(parents=True)
    found = shown(compared({arm("../../secret"): 1e-4, arm(str(tmp_path / "secret")): 2e-4}), tmp_path / "run")
    assert "secret = 1" not in found.text


def test_pictures_of_any_kind_are_shown_in_their_order() -> None:
    """The ladder comes before the table, all others after it as they are given, each with its words and its files."""
    comparison = compared({MANUAL: 2e-4})
    ladder_of_race = replace_fields(picture("ladder"), race=comparison.plan.races[0])
    given = [ladder_of_race, picture("payoff"), picture("blocks", "Raw <blocks>")]
    html = run_page.render(comparison, given, NOWHERE)
    places = [
        html.index(text)
        for text in (b"figures/ladder.svg", b'class="arms"', b"figures/payoff.svg", b"figures/blocks.csv")
    ]
    assert places == sorted(places)
    found = Parsed(html)
    assert "Raw <blocks>" in [text for _, text in found.all("span", class_="unseen")]
    assert found.all("img", width="96", height="48")


def test_several_races_have_contents_and_a_section_each() -> None:
    """Each race has its heading, its own ladder and its table; the contents lead there; the headline counts who won."""
    batches = [arm("linear/nn_sgd", "reference"), arm("linear/nn_sgd", "reference", batch=256)]
    races = [race(arm(batch=one.setting.batch), reference=one, twin=None) for one in batches]
    records = [r for each in races for one in each.arms for r in rounds(one, 4e-4 if one.role == "reference" else 2e-4)]
    comparison = report_of(plan(*races), ENVIRONMENT, records)
    found = Parsed(run_page.render(comparison, drawn(comparison), NOWHERE))
    assert found.one("h1") == "Fastest: linear/manual cpu eager in 2 of 2 races."
    assert [attributes["href"] for attributes, _ in found.all("a") if attributes["href"].startswith("#race")] == [
        "#race-1",
        "#race-2",
    ]
    assert len(found.all("table", class_="arms")) == 2
    assert len(found.all("details", class_="arm")) == 4


def test_pictures_of_one_race_of_several_lie_in_its_fold() -> None:
    """What is drawn of one race stands with it, folded but for its ladder; what is drawn of all comes before the races."""
    races = [race(reference=arm("linear/nn_sgd", "reference", batch=batch), twin=None) for batch in ("full", 256)]
    records = [each for one in races for each in rounds(one.reference, 4e-4)]
    kinds = ("ladder", "blocks", "path")
    of_races = [replace_fields(picture(kind), race=one, name=f"{kind}-{one.slug}") for kind in kinds for one in races]
    html = run_page.render(
        report_of(plan(*races), ENVIRONMENT, records), [picture("descent"), *of_races], NOWHERE
    ).decode()
    assert html.index("figures/descent.svg") < html.index('id="race-1"')
    section = html.partition('id="race-2"')[2].partition("</section>")[0]
    shown_there = re.findall(r"figures/([\w-]+)\.svg", section)
    assert shown_there == [f"{kind}-{races[1].slug}" for kind in kinds]
    ((attributes, said),) = Parsed(html.encode()).all("details", id="pictures-2")
    assert "2 more pictures of this race" in said
    assert "open" not in attributes


def test_a_sweep_shows_its_growth_first() -> None:
    """Where one arm overtakes another is the headline; its figure and its table come before those of the races."""
    speeds: dict[str, Any] = {"linear/nn_sgd": lambda n: 2e-5 + 1e-9 * n, "linear/c": lambda n: 1e-7 + 4e-9 * n}
    comparison = grown(speeds)
    html = run_page.render(comparison, drawn(comparison), NOWHERE)
    found = Parsed(html)
    assert found.one("h1").startswith("linear/c cpu eager becomes slower than linear/nn_sgd cpu eager at ")
    assert html.index(b"figures/growth.svg") < html.index(b"figures/ladder")
    assert "fixed each row" in found.text


def test_a_wrong_answer_is_loud() -> None:
    """The banner names the wrong arm, and its row and its fold say what was wrong."""
    wrong = rounds(arm("linear/numpy"), 1e-5, status="wrong", reason=str(WRONG.fault), judgement=WRONG)
    found = shown(compared({MANUAL: 2e-4}, *wrong))
    assert found.all("section", class_="bad")[0][1] == ("✗ WRONG ANSWERS linear/numpy cpu eager; they are not ranked.")
    assert found.text.count(str(WRONG.fault)) > 2


def test_the_pages_dark_is_the_figures_dark() -> None:
    """Paper and ink of the page are those of the pictures, by day and by night, so that a picture has no visible edge."""
    light, dark = (ROOT / "reports" / "html" / "templates" / "page.css").read_text(encoding="utf-8").split("@media", 1)
    for name, colour in (("paper", style.PAPER), ("ink", style.INK), ("faint", style.FAINT)):
        assert f"--{name}: {style.DARK[colour]}" in dark
        assert name == "faint" or f"--{name}: {colour}" in light


def test_a_page_of_many_arms_is_small_enough_to_send() -> None:
    """55 arms of 40 rounds make less than 3 MB."""
    small = compared({arm(f"linear/arm{n}"): 1e-5 * n for n in range(1, 54)})
    records = [replace(each, round=n) for each in small.records if each.round == 1 for n in range(1, 41)]
    comparison = report_of(small.plan, ENVIRONMENT, records)
    html = run_page.render(comparison, [ladder.draw(comparison.races[0], Palette({}))], NOWHERE)
    assert len(html) < 3_000_000


def test_ten_seconds_are_enough_for_a_step() -> None:
    """What to use, the lines to paste, whether it computes the same: above the table, without a word of exact workloads."""
    found = shown(everything())
    assert found.one("h1").startswith(
        "whole_graph and whole_graph+channels_last run this step 4.9 times as fast as you wrote"
    )
    lines = found.contents[
        next(n for n, (tag, a) in enumerate(found.elements) if a.get("aria-label") == "The lines to paste")
    ]
    assert lines == LONG
    banners = [text for attributes, text in found.all("section", class_="banner")]
    assert banners[0].startswith(
        "✗ WRONG ANSWERS compile_step: change of 0.weight is off by 21.4 bits (50.1 in float64)"
    )
    assert [] == [words for words in ("oracle", "whole job", "final loss", "impls/") if words in found.text]
    assert "way of running the step" in found.all("img")[0][0]["alt"]


def test_a_step_without_a_wrong_answer_is_proved() -> None:
    """The banner says so; with answers that could not be judged it says that."""
    good, doubtful = (shown(reported(answered("fused", 5e-4, answer))) for answer in (SAME, UNJUDGED))
    assert good.all("section", class_="good")[0][1].startswith(
        "✓ Proved to compute the same 1 of 1 judged ways compute the same as the step but for rounding; an error of 0.003 %"
    )
    assert doubtful.all("section", class_="careful")[0][1].startswith("! Some answers could not be judged")


def test_a_recipe_has_a_fold_with_its_lines_and_its_answer(tmp_path: Path) -> None:
    """What the referee found and what it stands for; below the table is what does not apply, and the step as raced."""
    Store(tmp_path).write_step(everything().races[0].race, SOURCE.encode())
    found = shown(everything(), tmp_path)
    assert found.all("details", id="step-race-1")[0][1].startswith("my_step.py the step as it was raced, 7 lines")
    assert SOURCE.split() == next(text for _, text in found.all("code") if "Planted" in text).split()
    mine = next(text for attributes, text in found.all("details", class_="arm") if text.startswith("✗ compile_step"))
    for said in (
        "optimizer_before_fused",
        "answer different",
        "worst tensor change of 0.weight",
        "bits lost in float64 50.1",
    ):
        assert said in mine
    (remarks,) = found.all("div", class_="remarks")
    assert "Does not apply here cuda_graph, tf32, capturable: needs a GPU, and there is none." in remarks[1]
    classes = [attributes["data-class"] for attributes, _ in found.all("tr") if "data-class" in attributes]
    assert list(dict.fromkeys(classes)) == ["faithful", "coarser", "unranked"]
    targets = {attributes["href"][1:] for attributes, _ in found.all("a") if attributes["href"].startswith("#")}
    assert targets <= {attributes["id"] for _, attributes in found.elements if "id" in attributes}
