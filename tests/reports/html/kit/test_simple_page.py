"""A plain page says what it is given, runs nothing, and asks for nothing."""

import pytest

from reports.html.kit import simple_page
from reports.text.chapters import Chapter, table
from reports.text.columns import Column
from tests.reports.parsed import Parsed, picture

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e=1+1"
COLUMNS: tuple[Column[tuple[str, float]], ...] = (
    Column("what", "what it is", lambda row, _: row[0], right=False),
    Column("how much, {unit}", "how much of it", lambda row, scale: f"{row[1] / scale:g}"),
)


def page(name: str = "bread", doubt: str = "it may be stale") -> bytes:
    """A page of one chapter, with a figure and two tables, of which one is empty."""
    rows = [(name, 2e-3)]
    tables = (table("The lot", COLUMNS, rows, 1e-3, "ms"), table("Nothing", COLUMNS, []))
    chapter = Chapter(f"All of {name}", (f"There is {name}.",), tables, (doubt,))
    return simple_page.render(f"A page of {name}", ["somewhere", name], [(chapter, [picture("a b", name)])])


def test_everything_given_is_said() -> None:
    """Title, findings, cells, doubts and the meaning of each column stand on the page; a table without rows does not."""
    found = Parsed(page())
    assert found.one("h1") == "A page of bread"
    assert [text for _, text in found.all("th")] == ["what", "how much, ms"]
    assert [text for _, text in found.all("td")] == ["bread", "2"]
    for said in ("somewhere · bread", "All of bread", "There is bread.", "it may be stale", "how much of it"):
        assert said in found.one("body")


def test_it_has_a_policy_and_no_script() -> None:
    """No script is there, and none would run; pictures are part of the file, their other formats lie beside it."""
    found = Parsed(page())
    (policy,) = [each["content"] for each, _ in found.all("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "script-src" not in policy
    assert found.all("script") == []
    (image,) = found.all("img")
    assert image[0]["src"].startswith("data:image/svg+xml;base64,")
    assert "figures/a%20b.svg" in {each["href"] for each, _ in found.all("a")}


@pytest.mark.parametrize("hostile", [HOSTILE, "</title><img src=x onerror=alert(1)>", "{{ 7 * 7 }}"])
def test_hostile_text_stays_text(hostile: str) -> None:
    """Whatever a name or a sentence holds makes no element, and steers no terminal."""
    plain, found = Parsed(page()), Parsed(page(hostile, hostile))
    assert [(tag, set(attributes)) for tag, attributes in found.elements] == [
        (tag, set(attributes)) for tag, attributes in plain.elements
    ]
    assert "\x1b" not in found.one("body")
    assert "\u202e" not in found.one("body")
    assert hostile[:8] in found.one("body")


def test_equal_chapters_give_equal_bytes() -> None:
    """Nothing of the moment is in it."""
    assert page() == page()
