"""The page in a real browser, from a file and without a network: what a person does with it works, and the address keeps it."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reports.figures.kit.style import DARK, PAPER
from reports.html import run_page
from tests.reports.hostile import TEXTS, hostile
from tests.reports.parsed import NOWHERE, drawn
from tests.reports.records import ANALYTIC, MANUAL, MOMENTS, WRONG, arm, floored, grown, record, rounds
from tests.reports.steps import LONG, everything

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LINES = "table.arms tr[data-class]:not([hidden])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    driver = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    with driver.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with every class, a wrong arm and one that failed."""
    others = [
        *rounds(MOMENTS, 1e-8, work="algorithmic"),
        *rounds(arm("linear/numpy"), 1e-5, status="wrong", reason="off", judgement=WRONG),
        record(arm("linear/jax"), 1, None, status="unavailable", reason="needs jax: pip install jax"),
    ]
    speeds = {MANUAL: 2e-4, ANALYTIC: 1e-4, arm("linear/compiled_optimizer", mode="compile"): 9e-4}
    comparison = floored(speeds, *others)
    return written(tmp_path_factory.mktemp("page"), run_page.render(comparison, drawn(comparison), NOWHERE))


def written(folder: Path, content: bytes) -> str:
    """The address of a page in a file."""
    (folder / "index.html").write_bytes(content)
    return (folder / "index.html").as_uri()


class Visit:
    """A page that is open, and all that it asked for or complained about."""

    def __init__(self, browser: Any, address: str, size: dict[str, int], **options: Any) -> None:
        self.context = browser.new_context(viewport=size, **options)
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.seen: list[str] = []
        self.page.on("console", lambda message: self.seen.append(message.text))
        self.page.on("pageerror", lambda error: self.seen.append(str(error)))
        self.page.on("dialog", lambda dialog: self.seen.append(dialog.message))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(address)

    def _asked(self, url: str) -> None:
        if not url.startswith(("data:", "file:///")) or not url.partition("#")[0].endswith("index.html"):
            self.seen += [] if url.startswith("data:") else [url]

    def names(self) -> list[str]:
        """The implementations of the rows that are shown, from the top."""
        return [text.strip() for text in self.page.locator(f"{LINES} th").all_inner_texts()]

    def head(self, name: str) -> Any:
        """The head of a column."""
        return self.page.locator(f"table.arms thead th[data-id={name}]").first

    def open_all(self) -> None:
        """Opens every fold, and waits until the page has taken notice."""
        self.page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        folds = self.page.locator("details[id]").count()
        self.wait("(location.hash.split('open=')[1] || '').split('.').length", folds)

    def wait(self, expression: str, value: object) -> None:
        """Until it has this value; the page's own policy forbids a driver that evaluates strings in it."""
        for _ in range(200):
            if self.page.evaluate(expression) == value:
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{expression} is not {value}: {self.page.evaluate(expression)}")

    def pixel(self, what: str) -> tuple[int, ...]:
        """The colour of the upper left corner of an element, as it is on the screen."""
        with Image.open(io.BytesIO(self.page.locator(what).first.screenshot())) as image:
            return tuple(image.convert("RGB").getpixel((3, 3)))  # type: ignore[arg-type]

    def leave(self) -> None:
        """Closes it; nothing must have been asked for or complained about."""
        self.context.close()
        assert self.seen == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_opens_at_any_width_by_day_and_by_night(
    browser: Any, address: str, size: dict[str, int], scheme: str
) -> None:
    """Nothing is asked for, nothing goes wrong, nothing is wider than the window; paper and figure have one colour."""
    visit = Visit(browser, address, size, color_scheme=scheme)
    paper = tuple(bytes.fromhex((DARK[PAPER] if scheme == "dark" else PAPER).removeprefix("#")))
    assert visit.pixel("h1") == paper
    assert visit.pixel("figure img") == paper, "an SVG turns dark with its page"
    visit.open_all()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert visit.pixel("details[open] img") == paper
    visit.leave()


def test_sorting_is_by_number_inside_each_class_and_kept_in_the_address(browser: Any, address: str) -> None:
    """A click sorts each class by the numbers, a second the other way round, what has none stays last; a link repeats it."""
    visit = Visit(browser, address, WIDE)
    before = visit.names()
    visit.head("update").get_by_role("button").click()
    assert visit.names() == before, "it was sorted so already"
    visit.head("update").get_by_role("button").click()
    assert visit.head("update").get_attribute("aria-sort") == "descending"
    faithful = [name for name in before if name in ("linear/manual", "linear/analytic", "linear/nn_sgd")]
    assert [name for name in visit.names() if name in faithful] == faithful[::-1]
    assert visit.names()[0] == "linear/compiled_optimizer"
    assert visit.names()[-1] == "linear/jax"
    assert visit.page.url.endswith("#sort=-update")
    again = Visit(browser, visit.page.url, WIDE)
    assert again.names() == visit.names()
    assert again.head("update").get_attribute("aria-sort") == "descending"
    again.leave()
    visit.leave()


def test_filters_say_how_many_are_shown_and_are_kept_too(browser: Any, address: str) -> None:
    """Words and boxes leave rows out, and headings of classes that are empty; all of it comes back with the address."""
    visit = Visit(browser, address, WIDE)
    visit.page.get_by_label("Filter").fill("LINEAR eager")
    visit.page.get_by_label("floors").uncheck()
    visit.page.get_by_label("wrong").uncheck()
    assert "5 of 8 arms shown" in visit.page.locator("#shown").inner_text()
    assert visit.names() == ["linear/analytic", "linear/manual", "linear/nn_sgd", "linear/moments", "linear/jax"]
    assert visit.page.locator("tr.class:not([hidden])").count() == 3
    visit.page.reload()
    assert "5 of 8 arms shown" in visit.page.locator("#shown").inner_text()
    assert visit.page.get_by_label("Filter").input_value() == "LINEAR eager"
    assert not visit.page.get_by_label("floors").is_checked()
    visit.page.get_by_role("button", name="show all").click()
    assert "8 of 8 arms shown" in visit.page.locator("#shown").inner_text()
    visit.leave()


def test_folds_open_by_a_link_or_a_key_and_are_kept(browser: Any, address: str) -> None:
    """A name in the table opens its fold and moves the focus there; open folds come back with the address."""
    visit = Visit(browser, address, PHONE)
    visit.page.locator(f"{LINES} th a").first.click()
    visit.wait("location.hash.includes('open=')", True)
    fold = visit.page.locator("details.arm[open]")
    assert fold.count() == 1
    assert "linear/analytic" in fold.locator("summary").inner_text()
    assert fold.locator("summary").evaluate("each => each === document.activeElement")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    visit.wait("location.hash.includes('open')", False)
    assert fold.count() == 0
    visit.page.keyboard.press("Enter")
    visit.wait("location.hash.includes('open=')", True)
    visit.page.reload()
    assert visit.page.locator("details.arm[open]").count() == 1
    visit.leave()


def test_the_keyboard_is_enough(browser: Any, address: str) -> None:
    """The first stop leads to the table; from there the heads are reached and pressed."""
    visit = Visit(browser, address, WIDE)
    visit.page.keyboard.press("Tab")
    assert visit.page.locator(":focus").inner_text() == "Skip to the table of arms"
    visit.page.keyboard.press("Enter")
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        if visit.page.locator(":focus").inner_text().strip() == "whole job":
            break
    visit.page.keyboard.press("Space")
    assert visit.head("whole-job").get_attribute("aria-sort") == "ascending"
    visit.leave()


def test_without_scripts_it_is_whole(browser: Any, address: str) -> None:
    """Every row is there, sorted; no control is seen that would do nothing; folds open by themselves."""
    visit = Visit(browser, address, WIDE, java_script_enabled=False)
    assert len(visit.names()) == 8
    assert visit.names()[0] == "linear/analytic"
    assert not visit.page.get_by_label("Filter").is_visible()
    assert visit.page.locator("button:visible").count() == 0
    assert (
        visit.page.locator("table.arms thead th:visible").count() == visit.page.locator("table.arms thead th").count()
    )
    visit.page.locator("details.arm > summary").first.click()
    assert visit.page.locator("details.arm[open] img").first.is_visible()
    visit.leave()


def test_it_is_printed_on_white_without_controls(browser: Any, address: str) -> None:
    """On paper there is no night and nothing to press."""
    visit = Visit(browser, address, WIDE, color_scheme="dark")
    visit.page.emulate_media(media="print", color_scheme="light")
    assert visit.pixel("h1") == (255, 255, 255)
    assert not visit.page.get_by_label("Filter").is_visible()
    assert visit.page.locator(".files:visible").count() == 0
    assert visit.page.pdf().startswith(b"%PDF")
    visit.leave()


@pytest.mark.parametrize(
    "text", [TEXTS[name] for name in ("markup", "end of script", "quotes", "right to left", "unbroken")]
)
def test_hostile_records_do_nothing(browser: Any, text: str, tmp_path: Path) -> None:
    """Nothing of a record is run, fetched or wider than a phone."""
    comparison = hostile(text)
    visit = Visit(browser, written(tmp_path, run_page.render(comparison, [], NOWHERE)), PHONE)
    visit.open_all()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    visit.leave()


def test_a_sweep_fits_a_phone_too(browser: Any, tmp_path: Path) -> None:
    """Several races, their contents and their growth are no wider than the window; one filter serves all tables."""
    comparison = grown({"linear/nn_sgd": lambda n: 2e-5 + 1e-9 * n, "linear/c": lambda n: 4e-9 * n})
    visit = Visit(browser, written(tmp_path, run_page.render(comparison, drawn(comparison), NOWHERE)), PHONE)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    visit.page.get_by_label("Filter").fill("linear/c")
    assert visit.names() == ["linear/c"] * 4
    visit.leave()


def test_the_lines_to_paste_are_copied_by_a_button(browser: Any, tmp_path: Path) -> None:
    """One click puts the patch into the clipboard, letter by letter; also where the page is not trusted with it."""
    report = everything()
    visit = Visit(browser, written(tmp_path, run_page.render(report, drawn(report), NOWHERE)), WIDE)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.locator(".patch button").click()
    visit.wait("document.querySelector('.patch button').textContent", "Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == LONG
    visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not trusted')) }")
    button = visit.page.locator("details.arm pre.command").first.locator("xpath=../button")
    visit.page.locator("details.arm summary").first.click()
    button.click()
    visit.wait("navigator.clipboard.readText().then((text) => text.includes('--recipe whole_graph'))", value=True)
    visit.leave()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_step_fits_the_window(browser: Any, tmp_path: Path, size: dict[str, int]) -> None:
    """Long lines of a patch scroll in their box: the page is no wider than the window, and the answer comes first."""
    report = everything()
    visit = Visit(browser, written(tmp_path, run_page.render(report, drawn(report), NOWHERE)), size)
    visit.open_all()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert visit.page.locator("h1").bounding_box()["y"] < visit.page.locator(".patch pre").bounding_box()["y"] < 800
    visit.leave()
