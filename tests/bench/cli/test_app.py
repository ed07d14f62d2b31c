"""The command line as a person uses it: output and exit status of real processes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from tests.conftest import Checkout

Make = Callable[[Mapping[str, str]], Checkout]
COMMANDS = ("list", "init", "run", "profile", "report", "doctor", "check", "selfbench")
FIVE = (
    "--workload=linear/five",
    "--effort=quick",
    "--updates=20",
    "--rounds=2",
    "--implementation=linear/n[no]*",
    "--implementation=linear/numpy",
)


@pytest.fixture(scope="module")
def plain(checkout: Make) -> Checkout:
    """A checkout with nothing planted."""
    return checkout({}).with_short_laps()


@pytest.fixture(scope="module")
def finished(plain: Checkout) -> Checkout:
    """The same, after one small run whose standard output is kept in out.txt."""
    done = plain.bench("run", *FIVE)
    assert done.returncode == 0, done.stderr
    (plain.path / "out.txt").write_text(done.stdout, encoding="utf-8")
    return plain


def test_every_command_explains_itself(plain: Checkout) -> None:
    """The help of each command has an example and offers --json."""
    for command in COMMANDS:
        done = plain.bench(command, "--help")
        assert done.returncode == 0
        assert f"Example: python -m bench {command}" in " ".join(done.stdout.split())
        assert "--json" in done.stdout


def test_help_loads_nothing_heavy(plain: Checkout) -> None:
    """`--help`, of all commands or of one, answers without torch, numpy, scipy, pandas, matplotlib or rich."""
    code = """
import sys
from bench.cli.app import app
for arguments in (["--help"], ["run", "--help"], ["gate", "--help"]):
    app(arguments, standalone_mode=False)
heavy = ("torch", "numpy", "scipy", "pandas", "matplotlib", "rich")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=plain.path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_list_names_everything(plain: Checkout) -> None:
    """`list --json` holds every step, rewrite, workload and implementation, with what each takes or needs."""
    document = json.loads(plain.bench("list", "--json").stdout)
    steps = {step["name"]: step["parameters"] for step in document["steps"]}
    assert steps["steps/digits_mlp"] == {"hidden": 128, "lr": 0.001, "batch": 64}
    groups = {rewrite["name"]: rewrite["group"] for rewrite in document["rewrites"]}
    assert groups["fused"] == "optimizer"
    assert groups["bf16_autocast"] == "precision"
    assert ["gradient/norm", "linear/five", "linear/line"] == [workload["name"] for workload in document["workloads"]]
    needs = {entry["name"]: entry["needs"] for entry in document["implementations"]}
    assert needs["linear/numpy"] == ["numpy", "torch"]
    assert needs["linear/manual"] == ["torch"]


def test_a_run_leaves_its_reports_and_says_where(finished: Checkout) -> None:
    """Table, findings and legend are shown; summary, CSV, JSON and figures are in the run's folder, which is named."""
    text = (finished.path / "out.txt").read_text(encoding="utf-8")
    (folder,) = (finished.path / "results").iterdir()
    for words in ("Fastest: linear/numpy", "All 3 answers agree", "raced against itself", "verdict", folder.name):
        assert words in text
    exports = ("exports/pytest-benchmark.json", "exports/records.csv")
    for name in ("plan.json", "environment.json", "report.json", "summary.md", *exports):
        assert (folder / name).stat().st_size > 100
    assert (folder / "figures" / "ladder.svg").read_bytes().startswith(b"<?xml")
    assert "<svg" in (folder / "figures" / "ladder.svg").read_text(encoding="utf-8")
    assert not (folder / "cache").exists()


def test_json_is_the_only_thing_on_standard_output(finished: Checkout) -> None:
    """`report --json` prints one document, with the fields that are promised."""
    done = finished.bench("report", "latest", "--json")
    document = json.loads(done.stdout)
    assert {"format", "run", "environment", "warnings", "races"} <= set(document)
    (race,) = document["races"]
    assert {"workload", "reference", "twin", "arms"} <= set(race)
    assert {"ratio", "low", "high"} <= set(race["twin"])
    promised = {
        "implementation", "setting", "class", "status", "reason", "seconds_per_update", "low", "high", "ratio",
        "ratio_low", "ratio_high", "job_seconds", "cold_seconds", "loss", "weights", "distance", "tolerance", "rounds",
    }  # fmt: skip
    for arm in race["arms"]:
        assert promised <= set(arm)
        assert (arm["status"], arm["rounds"]) == ("ok", 2)
        assert arm["distance"] <= arm["tolerance"]


def test_a_run_and_its_archive_give_the_same_report(finished: Checkout, tmp_path: Path) -> None:
    """A report in another folder and one of the run's archive are equal byte for byte."""
    archive = str(tmp_path / "run.tar.gz")
    assert finished.bench("report", "latest", "--out", str(tmp_path / "one"), "--archive", archive).returncode == 0
    assert finished.bench("report", archive, "--out", str(tmp_path / "two")).returncode == 0
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) > 10
    for file in files:
        if file.name != "report.json":
            assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_a_broken_record_is_named_and_the_report_goes_on(finished: Checkout, tmp_path: Path) -> None:
    """A record that was cut short costs a warning, not the report."""
    (folder,) = (finished.path / "results").iterdir()
    shutil.copytree(folder, tmp_path / folder.name)
    victim = next((tmp_path / folder.name / "records").glob("*/round-001/linear-numpy*.json"))
    victim.write_bytes(victim.read_bytes()[:200])
    done = finished.bench("report", folder.name, "--results", str(tmp_path))
    assert done.returncode == 0
    assert f"{victim} is cut short" in done.stderr
    assert "linear/numpy" in done.stdout


def test_a_run_is_compared_with_an_earlier_one(finished: Checkout, tmp_path: Path) -> None:
    """Every arm of two runs has a change in table, files and document; a run is not compared with itself."""
    (folder,) = (finished.path / "results").iterdir()
    earlier = tmp_path / "earlier"
    shutil.copytree(folder, earlier)
    plan = json.loads((earlier / "plan.json").read_text(encoding="utf-8"))
    (earlier / "plan.json").write_text(json.dumps(plan | {"run": "earlier"}), encoding="utf-8")
    done = finished.bench("report", "--against", str(earlier), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert f"{folder.name} against earlier" in done.stdout
    assert {"against.html", "against.md", "against.json", "figures"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }
    document = json.loads(
        finished.bench("report", "--against", str(earlier), "--out", str(tmp_path / "out"), "--json").stdout
    )
    assert len(document["races"]) == 1
    changes = {arm["implementation"]: arm["change_of_ratio"] for arm in document["against"]["arms"]}
    assert changes.pop("linear/nn_sgd") is None
    assert {value["value"] for value in changes.values()} == {1.0}
    refused = finished.bench("report", "--against", "latest")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "name an earlier one with --against" in refused.stderr


def test_all_runs_are_a_history(finished: Checkout, tmp_path: Path) -> None:
    """`report --history` shows every run below the folder and how many more are needed, and leaves its files."""
    done = finished.bench("report", "--history", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "1 run on " in done.stdout
    assert "3 arms need 4 more runs" in done.stdout
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"history.html", "history.md", "history.csv", "history.json", "figures"}
    document = json.loads(finished.bench("report", "--history", "--out", str(tmp_path), "--json").stdout)
    assert len(document["histories"][0]["arms"]) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--rows", "0"), "rows must be a whole number of at least 1; got 0."),
        (("run", "--batch", "half"), "batch must be full or a whole number of at least 1; got 'half'."),
        (("run", "--threads", "two"), "threads must be a whole number of at least 1; got 'two'."),
        (("run", "--mode", "compile,foo"), "mode must be one of eager, compile, cpp-wrapper"),
        (("run", "--seed", "1e30"), "seed must be a whole number of at least 0 and at most 18446744073709551615"),
        (("run", "--rounds", "0"), "--rounds takes a whole number of at least 1, e.g. 12 or 1e3; got '0'."),
        (("run", "--budget", "soon"), "--budget takes a time such as 90s, 5m or 1h; got 'soon'."),
        (("run", "--budget", "5"), "--budget takes a time with its unit: 5s, 5m or 5h?"),
        (("run", "--limit", "5"), "--limit takes a time with its unit: 5s, 5m or 5h?"),
        (("run", "--implementation", "linear/nn_sdg"), "did you mean linear/nn_sgd?"),
        (("run", "--results", "/proc/nowhere"), "Results cannot be written to /proc/nowhere"),
        (("run", "--resume", "yesterday"), "There is no run at yesterday"),
        (("report", "yesterday"), "There is no run at yesterday"),
        (("report", "--history", "--results", "nowhere"), "There is no run in nowhere yet"),
        (("report", "yesterday", "--history"), "leave out RUN, --against and --archive"),
        (("report", "--archive", "run.zip"), "whose name ends in .tar.gz"),
        (("gate",), "A gate needs something to compare with: --base origin/main"),
        (("gate", "--base", "nope"), "nope"),
        (("gate", "--base", "HEAD", "--head", "nope"), "nope"),
        (("gate", "--base-python", "no/such/python"), "there is no interpreter no/such/python for the base"),
        (("gate", "--base", "HEAD", "--effort", "lazy"), "effort must be one of quick, standard, thorough; got 'lazy'"),
        (("gate", "--base", "HEAD", "--batch", "most"), "batch must be full or a whole number"),
        (("check", "linear/nobody"), "No implementation is called 'linear/nobody'"),
        (("check", "linear/manual", "--mode", "fast"), "mode must be one of eager, compile"),
        (("selfbench", "--only", "mood"), "--only takes answers, reports, tax, attribution, overhead, spread"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    """It is on standard error, and nothing has been written."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert (2, "") == (done.exit_code, done.stdout)
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_ends_the_process_without_a_traceback(plain: Checkout) -> None:
    """The exit status of the process is that of the command."""
    done = plain.bench("run", "--rows", "0")
    assert (2, "", "looprace: rows must be a whole number of at least 1; got 0.\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_check_proves_one_implementation(plain: Checkout) -> None:
    """`check` prints a line for each claim and ends with status 0 when all are kept."""
    done = plain.bench("check", "gradient/by_hand")
    assert done.returncode == 0
    assert "kept    gradient/by_hand is right after the first update" in done.stdout
    assert "claims, 0 broken." in done.stdout


def test_check_examines_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check my_step.py --json` is one document: what the step is like, and which rewrites apply or why not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_step.py").write_text(
        "import torch\n\n\ndef model(width=3):\n    return torch.nn.Linear(width, 1)\n\n\n"
        "def optimizer(model):\n    return torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)\n\n\n"
        "def batches(seed, width=3):\n    generator = torch.Generator().manual_seed(seed)\n    while True:\n"
        "        yield torch.randn(8, width, generator=generator)\n\n\n"
        "def loss(model, batch):\n    return (model(batch) - 1).square().mean()\n\n\n"
        "def update(model, optimizer, batch):\n    def evaluate():\n        optimizer.zero_grad()\n"
        "        value = loss(model, batch)\n        value.backward()\n        return value\n\n"
        "    optimizer.step(evaluate)\n"
    )
    done = CliRunner().invoke(app, ["check", "my_step.py", "--json", "--set", "width=2"])
    document = json.loads(done.stdout)
    assert (done.exit_code, document["step"], document["repeatable"], document["float64"]) == (
        0,
        "my_step.py",
        True,
        True,
    )
    assert [finding["code"] for finding in document["findings"]] == ["no_loss"]
    reasons = {rewrite["name"]: rewrite["reason"] for rewrite in document["rewrites"]}
    assert reasons["fused"].startswith("LBFGS has no ")


def test_check_says_which_claim_is_broken(checkout: Make) -> None:
    """A wrong implementation ends `check` with status 3; the broken claim says how far off the answer is."""
    from tests.bench.planted import WRONG

    done = checkout({"linear/wrong.py": WRONG["wrong_rate"]}).bench("check", "linear/wrong")
    assert done.returncode == 3
    assert "BROKEN  linear/wrong is right after 30 updates" in done.stdout
    assert "rounding explains at most" in done.stdout


def test_a_race_without_any_time_is_status_5(checkout: Make) -> None:
    """The exit status says that no arm could be measured, and the rows say why."""
    from tests.bench.planted import FAULTS

    place = checkout({"linear/raises.py": FAULTS["raises"]})
    chosen = ("--reference=linear/raises", "--implementation=linear/raises")
    status, arms = place.arms("--workload=linear/five", "--rounds=1", "--updates=5", *chosen)
    assert (5, "failed") == (status, arms["linear/raises eager"]["status"])


def test_a_broken_workload_hides_no_other(checkout: Make) -> None:
    """`list` names a family whose workload.py cannot be loaded, and shows all others."""
    place = checkout({})
    (place.path / "impls" / "other").mkdir()
    (place.path / "impls" / "other" / "workload.py").write_text("def broken(:", encoding="utf-8")
    (place.path / "impls" / "linear" / ".#manual.py").symlink_to("nowhere")
    done = place.bench("list")
    assert done.returncode == 0
    assert "impls/other/workload.py cannot be loaded: SyntaxError" in done.stdout
    assert "linear/five" in done.stdout
    assert "#manual" not in done.stdout


def test_a_reason_in_odd_characters_loses_no_round(checkout: Make) -> None:
    """An arm's error may contain characters that no file can hold; the round is written all the same."""
    from tests.bench.planted import planted

    source = planted("complains oddly", before='raise ValueError("odd \\udcff \\x1b[31m \\u202e end")')
    place = checkout({"linear/odd.py": source})
    status, arms = place.arms("--workload=linear/five", "--rounds=1", "--updates=5", "--implementation=linear/odd")
    assert (4, "failed") == (status, arms["linear/odd eager"]["status"])
    assert "end" in arms["linear/odd eager"]["reason"]


def test_doctor_looks_and_changes_nothing(plain: Checkout) -> None:
    """`doctor --quick --json` is one document with a grade and a source for everything it looked at."""
    done = plain.bench("doctor", "--quick", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"processor", "python", "disk", "gpu"} <= {finding["topic"] for finding in document["findings"]}
    assert document["resolution"] is None


def test_two_arms_are_profiled_side_by_side(finished: Checkout, tmp_path: Path) -> None:
    """`profile --json` shows where the time of both goes, and what one of them spends in addition."""
    small = ("--rows=1000", "--rounds=1", "--updates=20", f"--results={tmp_path}")
    done = finished.bench("profile", "linear/numpy", "linear/no_grad", *small, "--json", timeout=400)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    attributions = {each["implementation"]: each for each in document["attributions"]}
    assert {"linear/nn_sgd", "linear/numpy", "linear/no_grad"} == set(attributions)
    for attribution in attributions.values():
        assert sum(part["seconds"] for part in attribution["parts"]) == pytest.approx(attribution["measured"])
        assert attribution["sentence"]
    (differential,) = document["differentials"]
    assert "linear/n" in differential["first"]
    assert (Path(document["run"]) / "figures" / "attribution.svg").exists()
