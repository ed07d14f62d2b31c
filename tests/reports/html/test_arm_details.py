"""The fold of an arm: what its records say of it beyond the table."""

from pathlib import Path

from msgspec.structs import replace

from bench.results.record import Caveat, Judgement, Record, Telemetry
from bench.results.store import Store
from reports.html.arm_details import MOST, ArmDetails, arm_details
from tests.reports.records import MANUAL, compared, record, rounds

BUSY = Caveat(code="busy", text="it was busy", advice="wait")


def folded(records: list[Record], run: Path = Path("nowhere")) -> ArmDetails:
    """The fold of one arm, seen so."""
    comparison = compared({}, *records)
    result = comparison.races[0]
    row = next(row for row in result.rows if row.arm == MANUAL)
    return arm_details("1-2", row, result, comparison.columns, "#0072B2", Store(run))


def facts(found: ArmDetails) -> dict[str, str]:
    """All facts by name."""
    return {fact.name: fact.text for fact in (*found.facts, *found.cold, *found.counters)}


def test_cold_is_set_against_steady() -> None:
    """Each part of the start, and how many steady updates the first one was worth."""
    said = facts(folded(rounds(MANUAL, 2e-4, cold=2.0)))
    assert [said[name] for name in ("import", "build", "first update")] == ["1.00 s", "250 ms", "2.00 s"]
    assert said["first against steady"] == "as long as 10 000 steady updates"


def test_others_that_started_beside_it_are_told() -> None:
    """A cold time that was not the arm's own says so."""
    assert facts(folded(rounds(MANUAL, 2e-4, alone=False)))["first update"].endswith("while other arms were starting")


def test_counters_are_those_there_are() -> None:
    """Rounds, blocks and updates always; drain and the device's clock only where a device has them."""
    plain = facts(folded(rounds(MANUAL, 2e-4)))
    assert (plain["rounds"], plain["blocks"], plain["updates a block"]) == ("5 timed of 5", "60", "40")
    assert "drain" not in plain
    told = [
        replace(each, drain_seconds=1e-3, device_blocks=tuple(0.5 * block for block in each.blocks))
        for each in rounds(MANUAL, 2e-4)
    ]
    said = facts(folded(told))
    assert said["drain"] == "1.00 ms"
    assert said["update by the device's clock"].endswith("µs")


def test_answers_are_summed_up_by_their_worst() -> None:
    """One line for each moment of judging: how often, at which updates, and the one that was furthest off."""
    near = Judgement(when="blocks", updates=900, loss=0.5, distance=1e-6, tolerance=1e-4)
    far = Judgement(when="blocks", updates=1_100, loss=0.6, distance=5e-5, tolerance=1e-4)
    lost = Judgement(when="job", updates=10, loss=None, distance=None, tolerance=1e-4, fault="not finite")
    records = [replace(record(MANUAL, n, 2e-4), judgements=each) for n, each in ((1, (near, lost)), (2, (far,)))]
    blocks, job = folded(records).judgements
    assert (blocks.when, blocks.times, blocks.updates, blocks.loss, blocks.share) == (
        "blocks",
        2,
        "900 to 1 100",
        "0.6",
        "50 %",
    )
    assert (job.distance, job.share, job.fault) == ("not finite", "-", "not finite")


def test_caveats_are_told_once() -> None:
    """With the number of rounds that carry them."""
    records = [record(MANUAL, number, 2e-4, caveats=[BUSY] if number < 3 else []) for number in (1, 2, 3)]
    (noted,) = folded(records).caveats
    assert (noted.caveat, noted.rounds) == (BUSY, 2)


def test_variables_that_changed_have_all_their_values() -> None:
    """One that was the same in every round has one value."""
    records = [replace(record(MANUAL, n, 2e-4), variables={"A": "1", "B": str(n)}) for n in (1, 2)]
    assert [(fact.name, fact.text) for fact in folded(records).variables] == [("A", "1"), ("B", "1, 2")]


def test_a_drawing_comes_along_when_it_is_one_and_small(tmp_path: Path) -> None:
    """A GIF of the watched job is read; of a huge one only the name is told, of what is no GIF nothing."""
    (tmp_path / "pictures").mkdir()
    name = f"pictures/{MANUAL.slug}.gif"
    found = folded(rounds(MANUAL, 2e-4), tmp_path)
    assert (found.animation, found.gif) == (b"", "")
    for content, kept, told in ((b"GIF89a", b"GIF89a", name), (b"<svg/>", b"", ""), (b"GIF8" + b"." * MOST, b"", name)):
        (tmp_path / name).write_bytes(content)
        found = folded(rounds(MANUAL, 2e-4), tmp_path)
        assert (found.animation, found.gif) == (kept, told)


def test_a_failed_arm_has_a_fold_too() -> None:
    """Nothing is told of what was not measured."""
    found = folded([record(MANUAL, 1, None, status="failed", reason="it broke")])
    assert (found.block_strip, found.cold, found.judgements) == (None, (), ())
    assert facts(found)["rounds"] == "0 timed of 1"
    assert found.command.startswith("python -m bench run --implementation linear/manual")


def test_what_the_device_said_is_told() -> None:
    """Clock, power and temperature from least to most, and how often something held the clocks down."""
    told = Telemetry(
        device="A GPU", seconds=(1.0, 1.0), watts=(300.0, 700.0), megahertz=(1980.0, 1980.0), held={"power cap": 2}
    )
    said = facts(folded([replace(each, telemetry=told) for each in rounds(MANUAL, 2e-4, count=2)]))
    assert (said["A GPU, W"], said["A GPU, MHz"]) == ("300 to 700", "1 980")
    assert said["clocks held down"] == "power cap in 4 blocks"
    assert "A GPU, degrees" not in said
