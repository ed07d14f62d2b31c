"""Archives of runs: what was packed is read back, and a hostile archive reaches nothing outside its folder."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from bench.results import archive
from bench.results.climb import Climb, Stage
from bench.results.examined import Examined
from bench.results.record import Arm, Race, Record
from bench.results.store import Store, StoreError
from bench.runner.plan import Choice, make_plan

PLAN = make_plan(Choice(effort="quick").at(device="cpu"), command="python -m bench run", run="made-up")
RACE: Race = PLAN.races[0]

EXAMINED = Examined(step="my_step.py", summary="", parameters={}, repeatable=True, draws=False, float64=True)


def record(arm: Arm) -> Record:
    """A record without any measurement."""
    return Record(run="made-up", arm=arm, round=1, status="ok", started="2026-11-23T00:00:00+00:00")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A run with a plan, a round, and files that are no records."""
    made = Store.create(tmp_path / "results")
    made.write_plan(PLAN, {"machine": {"processor": "made up"}})
    made.write_sources(["linear/manual"])
    made.write_step(RACE, b"def model(): ...")
    made.write_examined(RACE, EXAMINED)
    made.write_round(RACE, 1, [record(arm) for arm in RACE.arms])
    made.write("index.html", b"<p>")
    made.write("logs/x/round-001/x.log", b"printed")
    made.write(f"profiles/{RACE.slug}/x/stacks.speedscope.json", b"{}")
    return made


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """An archive with these members."""
    with tarfile.open(path, "w:gz") as made:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            made.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """One member of an archive."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def test_a_packed_run_is_read_back(store: Store, tmp_path: Path) -> None:
    """Plan, environment, sources and records are equal; the archive unpacks into a folder that is gone afterwards."""
    archive.pack(store.path, tmp_path / "run.tar.gz")
    with archive.opened(str(tmp_path / "run.tar.gz"), tmp_path) as opened:
        assert (opened.plan(), opened.environment()) == (store.plan(), store.environment())
        assert opened.records() == store.records()
        assert (opened.step(RACE), opened.examined(RACE)) == ("def model(): ...", EXAMINED)
        assert opened.source("linear/manual") == store.source("linear/manual") != ""
        names = {path.name for path in opened.path.rglob("*")}
        assert not names & {"index.html", "x.log", "stacks.speedscope.json"}
        place = opened.path
    assert not place.exists()


def test_a_climb_is_packed_with_its_stages(store: Store, tmp_path: Path) -> None:
    """What was decided, and the records of each stage, from which it was decided."""
    folder = f"climb/{RACE.slug}/1-stack"
    stage = Stage(kind="stack", folder=folder, base="plain", tried=("fused",), kept="fused")
    climb = Climb(race=RACE, stages=(stage,), recipe="fused", ended="top")
    store.write_climb(climb)
    own = Store(store.path / folder)
    own.write_plan(PLAN, {})
    own.write_round(RACE, 1, [record(arm) for arm in RACE.arms])
    archive.pack(store.path, tmp_path / "run.tar.gz")
    with archive.opened(str(tmp_path / "run.tar.gz"), tmp_path) as read:
        assert read.climb(RACE) == climb
        assert len(Store(read.path / folder).records()[0]) == len(RACE.arms)


@pytest.mark.parametrize("folder", ["../elsewhere", "/etc", "climb/../x", "climb/a/../../b", "records"])
def test_a_stage_outside_of_its_run_is_refused(folder: str, store: Store) -> None:
    """The folder of a stage in a stranger's climb.json may lie nowhere else."""
    stage = Stage(kind="stack", folder=f"climb/{RACE.slug}/1-stack", base="plain", tried=(), kept="plain")
    store.write_climb(Climb(race=RACE, stages=(stage,), recipe="plain"))
    path = store.path / "climb" / RACE.slug / "climb.json"
    path.write_text(path.read_text("utf-8").replace(stage.folder, folder), encoding="utf-8")
    with pytest.raises(StoreError, match="no folder of a climb"):
        store.climb(RACE)


def test_the_same_records_give_the_same_bytes(store: Store, tmp_path: Path) -> None:
    """An archive holds neither the time nor the user of its making."""
    archive.pack(store.path, tmp_path / "one.tar.gz")
    archive.pack(store.path, tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_an_archive_made_by_tar_is_read(store: Store, tmp_path: Path) -> None:
    """`tar czf run.tar.gz -C results RUN` or `-C results/RUN .` makes an archive too."""
    for number, prefix in enumerate((store.path.name, ".")):
        path = tmp_path / f"{number}.tar.gz"
        with tarfile.open(path, "w:gz") as made:
            made.add(store.path, prefix)
        with archive.opened(str(path), tmp_path) as opened:
            assert opened.records() == store.records()


@pytest.mark.parametrize(
    "bad",
    [
        member("../plan.json"),
        member("run/../../plan.json"),
        member("/plan.json"),
        member("run/records/../../plan.json"),
        member("run/.hidden/plan.json"),
        member("run/plan.json", tarfile.SYMTYPE, "/etc/hostname"),
        member("run/plan.json", tarfile.LNKTYPE, "run/environment.json"),
        member("run/plan.json", tarfile.FIFOTYPE),
        member("run/records/x/round-001/x.pickle"),
    ],
    ids=lambda bad: f"{bad.name} {bad.type!r}",
)
def test_only_plain_files_of_a_run_are_taken(bad: tarfile.TarInfo, tmp_path: Path) -> None:
    """Paths out of the folder, links, devices and other names are passed over."""
    folder = tmp_path / "in" / "folder"
    folder.mkdir(parents=True)
    archive.unpack(tar(tmp_path / "bad.tar.gz", (bad, b"{}"), (member("run/environment.json"), b"{}")), folder)
    assert [path for path in (tmp_path / "in").rglob("*") if not path.is_dir()] == [folder / "run/environment.json"]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound holds for all files together, whatever sizes they declare, and for what is passed over."""
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    path = tmp_path / "large.tar.gz"
    with gzip.open(path, "wb") as file:
        header = member("run/pictures.bin")
        header.size = archive.MOST_BYTES - 1024
        file.write(header.tobuf() + bytes(1 << 21))
    with pytest.raises(StoreError, match="more than 1 MiB"):
        archive.unpack(path, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar" * 200), gzip.compress(bytes(4096))[:-9]],
    ids=["empty", "not gzip", "not tar", "cut off"],
)
def test_a_damaged_archive_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "torn.tar.gz"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"torn\.tar\.gz"), archive.opened(str(path), tmp_path):
        pass
