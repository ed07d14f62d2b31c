"""The store on real files: they are written whole or not at all, never rewritten, and named when they cannot be read."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.results.record import FORMAT, Arm, LossCurve, Race, Record
from bench.results.store import Store, StoreError, WriteError
from bench.runner.plan import Choice, make_plan
from impls.contract.setting import Setting
from tests.conftest import ROOT, FullDisk

PLAN = make_plan(Choice(effort="quick").at(device="cpu"), command="python -m bench run", run="made-up")
RACE: Race = PLAN.races[0]


def record(arm: Arm, number: int) -> Record:
    """A record without any measurement."""
    return Record(run="made-up", arm=arm, round=number, status="ok", started="2026-11-23T00:00:00+00:00")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run with a plan and one finished round."""
    made = Store.create(tmp_path / "results")
    made.write_plan(PLAN, {"machine": {"processor": "made up"}})
    made.write_round(RACE, 1, [record(arm, 1) for arm in RACE.arms])
    return made


def files(store: Store) -> list[Path]:
    """The record files of the first round."""
    return sorted((store.path / "records" / RACE.slug / "round-001").iterdir())


def test_what_was_written_is_read_back(store: Store) -> None:
    """Plan, environment and all records are equal, and there is no complaint."""
    records, complaints = store.records()
    assert (PLAN, {"machine": {"processor": "made up"}}) == (store.plan(), store.environment())
    assert {arm.name for arm in RACE.arms} == {each.arm.name for each in records}
    assert complaints == []
    assert set(RACE.arms) == {each.arm for each in store.rounds(RACE)[1]}


def test_names_of_arms_are_names_of_files(store: Store) -> None:
    """Every arm of a race has a file of its own, with a name that any file system takes."""
    assert len(files(store)) == len(RACE.arms)
    assert all(set(path.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-") for path in files(store))


def test_a_copied_round_does_not_count_as_one_more(store: Store) -> None:
    """The copy's records say of which round they are; they are left out with a sentence."""
    first = store.path / "records" / RACE.slug / "round-001"
    for name in ("round-077", "round-0001"):
        shutil.copytree(first, first.with_name(name))
    records, complaints = store.records()
    assert len(records) == len(RACE.arms)
    assert len(complaints) == 2 * len(RACE.arms)
    assert "it is of round 1, and lies in round-" in complaints[0]


def test_a_strangers_run_that_holds_a_link_is_refused(store: Store, tmp_path: Path) -> None:
    """Through it a report would publish, or write to, any file."""
    (store.path / "sources").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="sources is a link"):
        Store.find(str(store.path), tmp_path)


def test_a_round_that_was_cut_off_does_not_exist(store: Store) -> None:
    """A folder that a killed run left half written is not read, and is replaced when the round is done."""
    half = store.path / "records" / RACE.slug / ".round-002.part"
    half.mkdir()
    (half / "half.json").write_text('{"format"', encoding="utf-8")
    assert list(store.rounds(RACE)) == [1]
    store.write_round(RACE, 2, [record(arm, 2) for arm in RACE.arms])
    assert list(store.rounds(RACE)) == [1, 2]
    assert store.records()[1] == []


def test_a_round_is_never_rewritten(store: Store) -> None:
    """Writing a round that exists is refused."""
    with pytest.raises(WriteError, match="cannot be written"):
        store.write_round(RACE, 1, [record(arm, 1) for arm in RACE.arms])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": 1, "run": "x", "arm"', "is cut short or is not JSON"),
        ("", "is cut short or is not JSON"),
        ("GIF89a", "is cut short or is not JSON"),
        ('{"some": "other program\'s file"}', "is not a record of looprace"),
        ("[1, 2, 3]", "is not a record of looprace"),
        ('{"format": 1, "run": "\udcff"}', "is cut short or is not JSON"),
        ('{"format": 1, "spent": ' + '{"a": ' * 100_000, "is cut short or is not JSON"),
    ],
    ids=["cut short", "empty", "a picture", "another object", "a list", "not UTF-8", "nested too deep"],
)
def test_a_file_that_is_not_ours_is_named_and_the_rest_is_kept(store: Store, content: str, said: str) -> None:
    """A damaged file gives one complaint with its name and the cure; all other records are read."""
    path = files(store)[0]
    path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    records, complaints = store.records()
    assert len(records) == len(RACE.arms) - 1
    (complaint,) = complaints
    assert str(path) in complaint
    assert said in complaint
    assert "Move its folder away" in complaint


@pytest.mark.parametrize(
    "spoiled",
    [
        {"laps": [1, 2], "blocks": [0.5, 0.0]},
        {"laps": [1], "blocks": [-1.0]},
        {"laps": [1, 2], "blocks": [0.5]},
        {"laps": [1], "blocks": [0.5], "updates_per_block": -3},
    ],
)
def test_blocks_that_are_no_times_make_only_their_record_unreadable(store: Store, spoiled: dict[str, object]) -> None:
    """Reports never meet a time without a logarithm, or one without a lap."""
    path = files(store)[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | spoiled), encoding="utf-8")
    records, (complaint,) = store.records()
    assert len(records) == len(RACE.arms) - 1
    assert f"{path} is not a record of looprace (" in complaint


def test_a_damaged_record_stops_a_resumed_run(store: Store) -> None:
    """A run with an unreadable record is not resumed; the message names the file."""
    files(store)[0].write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="cut short"):
        store.rounds(RACE)


def test_a_round_of_which_a_record_was_deleted_is_not_resumed(store: Store) -> None:
    """Each record says how many its round wrote; reports go on without what is gone, a resumed run names the round."""
    store.write_round(RACE, 2, [replace(record(arm, 2), records=len(RACE.arms)) for arm in RACE.arms])
    next((store.path / "records" / RACE.slug / "round-002").iterdir()).unlink()
    assert store.records()[1] == []
    with pytest.raises(StoreError, match=f"round-002 has {len(RACE.arms) - 1} records of {len(RACE.arms)}"):
        store.rounds(RACE)


def test_a_run_of_the_first_format_is_read(store: Store) -> None:
    """Plans and records of format 1, which had neither sweeps nor floors, are readable."""
    for path in (store.path / "plan.json", *files(store)):
        old = json.loads(path.read_text()) | {"format": 1}
        old.pop("swept", None)
        path.write_text(json.dumps(old), encoding="utf-8")
    assert (1, "") == (store.plan().format, store.plan().swept)
    records, complaints = store.records()
    assert ({1}, []) == ({each.format for each in records}, complaints)


@pytest.mark.parametrize("more", [{}, {"laps": "in a word"}], ids=["as readable as ever", "otherwise inside"])
def test_a_newer_format_is_refused_with_the_cure(store: Store, more: dict[str, str]) -> None:
    """A record of a later looprace is not read."""
    path = files(store)[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": FORMAT + 1} | more), encoding="utf-8")
    (complaint,) = store.records()[1]
    assert f"has format {FORMAT + 1}; this looprace reads up to {FORMAT}" in complaint
    assert "Use a newer looprace" in complaint


def test_records_are_strict_json(store: Store) -> None:
    """What is not finite is written as null, never as NaN."""
    arm = RACE.arms[0]
    store.write_round(RACE, 2, [Record(run="x", arm=arm, round=2, status="ok", started="", blocks=(float("nan"),))])
    text = (store.path / "records" / RACE.slug / "round-002" / f"{arm.slug}.json").read_text()
    assert "NaN" not in text
    assert json.loads(text, parse_constant=pytest.fail)["blocks"] == [None]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A results folder below a file is refused with its name and the option that mends it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"Results cannot be written to .*file.*--results"):
        Store.create(tmp_path / "file" / "results")


def test_a_full_disk_is_said_and_nothing_half_written_is_left(store: Store, full_disk: FullDisk) -> None:
    """When a file cannot be written, the old one stays as it was."""
    before = (store.path / "plan.json").read_bytes()
    names = sorted(path.name for path in store.path.iterdir())
    with full_disk(), pytest.raises(WriteError, match="Make room"):
        store.write("plan.json", b"x" * 100_000)
    assert before == (store.path / "plan.json").read_bytes()
    assert names == sorted(path.name for path in store.path.iterdir())


def test_two_processes_never_measure_into_one_folder(store: Store) -> None:
    """A second process is refused while the first one runs, and accepted after it has ended, even if it was killed."""
    holds = (
        "import sys; from pathlib import Path; from bench.results.store import Store\n"
        "with Store(Path(sys.argv[1])).alone(): print('alone', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holds, str(store.path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "alone\n"
        (store.path / "cache").mkdir()
        with pytest.raises(StoreError, match=r"Another process is measuring into .*: let it end"), store.alone():
            pass
        assert (store.path / "cache").is_dir()  # it is the other's
        other.kill()
    with store.alone():
        pass
    assert not (store.path / "cache").exists()


def test_the_latest_run_is_found_by_that_word(tmp_path: Path, store: Store) -> None:
    """`latest` is the newest run; an unknown run is refused, and the message says what to do."""
    assert Store.find("latest", store.path.parent) == store
    assert Store.find(store.path.name, store.path.parent) == store
    with pytest.raises(StoreError, match="There is no run in"):
        Store.find("latest", tmp_path / "nowhere")
    with pytest.raises(StoreError, match="There is no run at yesterday"):
        Store.find("yesterday", store.path.parent)


def test_all_runs_of_a_folder_are_found(tmp_path: Path, store: Store) -> None:
    """Every folder with a plan is a run, and nothing else; a folder that does not exist has none."""
    (store.path.parent / "notes").mkdir()
    assert Store.all(store.path.parent) == [store]
    assert Store.all(tmp_path / "nowhere") == []


def test_sources_are_kept_as_they_were_raced(store: Store) -> None:
    """A run keeps the files of its implementations; one that is gone is left out, and is read as empty."""
    store.write_sources(["linear/manual", "linear/gone"])
    assert store.source("linear/manual") == (ROOT / "impls" / "linear" / "manual.py").read_text(encoding="utf-8")
    assert store.source("linear/gone") == ""


def test_a_loss_curve_is_read_back(store: Store) -> None:
    """The loss curve of a race is equal when read; a race without one gives None."""
    loss_curve = LossCurve(updates=(0, 1), losses=(1.0, 0.5), minimum=0.25)
    assert store.loss_curve(RACE) is None
    store.write_loss_curve(RACE, loss_curve)
    assert store.loss_curve(RACE) == loss_curve


def test_a_step_is_kept_as_it_was_raced(store: Store) -> None:
    """The file of a step is read back; whatever its path and its parameters are called, it lies in the run's folder."""
    setting = Setting(updates=1, parameters=(("kind", "../../\N{LATIN SMALL LETTER U WITH DIAERESIS} b"),))
    arm = Arm(workload="../my step.py", implementation="plain", setting=setting, role="reference")
    race = Race(workload=arm.workload, arms=(arm,))
    assert race.slug == "my-step.py-kind..-..---b-float32-t1"
    assert store.step(race) == ""
    store.write_step(race, b"def model(): ...")
    assert store.step(race) == "def model(): ..."
    assert [path.name for path in (store.path / "steps").iterdir()] == [f"{race.slug}.txt"]
