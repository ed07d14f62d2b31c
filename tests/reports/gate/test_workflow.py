"""The workflow that runs the gate and the page that explains it, checked as text."""

import re
import shlex
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import get_args

import pytest
import typer

from bench.cli.app import app
from bench.gate.rule.margins import read
from bench.results.gate import Word
from reports.exit_status import Exit
from tests.reports.records import arm

ROOT = Path(__file__).parents[3]
WORKFLOW = (ROOT / ".github" / "workflows" / "gate.yml").read_text("utf-8")
PAGE = (ROOT / "GATE.md").read_text("utf-8")
OF_STEP = PAGE.partition("```yaml\n")[2].partition("```")[0]
THEIRS = dedent(PAGE.rpartition("```yaml\n")[2].partition("   ```")[0])


def without_comments(text: str) -> str:
    """The lines of a workflow, without what is only for people."""
    return "\n".join(re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines())


def typed(command: str) -> None:
    """Raises where the command line does not accept this command."""
    words = shlex.split(command, comments=True)
    words = words[words.index("--" if words[0] == "nox" else "gate") + 1 :]
    typer.main.get_command(app).commands["gate"].make_context("gate", words)  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", [WORKFLOW, THEIRS, OF_STEP], ids=["ours", "theirs", "of_step"])
def test_a_pull_request_gets_no_secrets(text: str) -> None:
    """Its code runs with a token that can only read, and that is not left in the checkout."""
    text = without_comments(text)
    assert re.search(r"^ *pull_request:$", text, re.MULTILINE)
    assert "pull_request_target" not in text
    assert "secrets." not in text
    assert re.search(r"^( *)permissions:\n\1  contents: read\n(?!\1  )", text, re.MULTILINE)
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


@pytest.mark.parametrize("text", [WORKFLOW, THEIRS, OF_STEP], ids=["ours", "theirs", "of_step"])
def test_no_text_of_a_stranger_is_part_of_a_shell_line(text: str) -> None:
    """Expressions stand in environment variables and in names of groups, never in a command."""
    for line in without_comments(text).splitlines():
        if "${{" in line:
            assert re.fullmatch(r" *(BASE_REF|group): .*", line), line
    assert '--base "origin/$BASE_REF"' in text


@pytest.mark.parametrize("text", [WORKFLOW, THEIRS, OF_STEP], ids=["ours", "theirs", "of_step"])
def test_the_base_is_there(text: str) -> None:
    """The whole history of what is raced is fetched, the job ends, its results are kept, actions have a major version."""
    text = without_comments(text)
    assert "fetch-depth: 0" in text
    assert re.search(r"timeout-minutes: \d+", text)
    assert "if: always()" in text
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", used) for used in re.findall(r"uses: (.*)", text))


def test_a_newer_push_ends_the_older_gate() -> None:
    """Of one pull request, one gate runs."""
    assert "group: gate-${{ github.event.pull_request.number }}" in WORKFLOW
    assert "cancel-in-progress: true" in WORKFLOW


def test_there_are_no_tabs_and_the_indents_are_even() -> None:
    """What YAML refuses, or reads as something else."""
    for line in [*WORKFLOW.splitlines(), *THEIRS.splitlines(), *OF_STEP.splitlines()]:
        assert "\t" not in line
        assert (len(line) - len(line.lstrip())) % 2 == 0, line


@pytest.mark.parametrize(
    "command",
    [
        *re.findall(r"run: (nox -s gate .*)", WORKFLOW),
        *re.findall(
            r"^ *(python -m bench gate .*)$", re.sub(r"```yaml.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE
        ),
        *(" ".join(text.partition("run: >-")[2].partition("- uses")[0].split()) for text in (THEIRS, OF_STEP)),
    ],
)
def test_every_command_is_one_that_the_door_takes(command: str) -> None:
    """Options that were renamed would otherwise live on in the workflow and on the page."""
    typed(command)


def test_the_workflow_of_a_step_is_short() -> None:
    """Thirty lines at most, and nothing is copied."""
    assert len(OF_STEP.splitlines()) <= 30
    assert "path: looprace" not in OF_STEP


def test_the_page_explains_every_verdict_and_every_status() -> None:
    """Each word that an arm can get, and each exit status, has its row."""
    first = set(re.findall(r"^\| ([^|]+?) \|", PAGE, re.MULTILINE))
    assert set(get_args(Word)) <= first
    assert {str(int(status)) for status in Exit} <= first


def test_the_margins_on_the_page_are_read_as_it_says(tmp_path: Path) -> None:
    """The example of pyproject.toml gives these arms these margins."""
    example = PAGE.partition("```toml")[2].partition("```")[0]
    tomllib.loads(example)
    (tmp_path / "pyproject.toml").write_text(example, "utf-8")
    rules = read(tmp_path / "pyproject.toml")
    ours, wide = rules.of(arm("linear/manual")), rules.of(arm("linear/compiled_forward", mode="compile"))
    assert [ours.gate, ours.floor, wide.gate, wide.floor] == pytest.approx([0.03, 0.01, 0.06, 0.02])


def test_every_link_of_the_page_leads_somewhere() -> None:
    """Files that it points at exist."""
    assert [] == [path for path in re.findall(r"\]\(([^)#:]+)\)", PAGE) if not (ROOT / path).exists()]
