"""The laps of a round: every live arm is timed once in each, in a fresh random order."""

import random
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import clock
from bench.runner.arm_run import ArmRun
from bench.runner.block import Block

BLOCK_SECONDS = 0.015  # aimed at; longer only where one update, or the stretch between two looks, takes longer
FEWEST_LAPS, MOST_LAPS = 20, 250
LEAST_LAPS, LONGEST = 3, 4  # where an update takes seconds
LONG = 4  # laps of all others take so many times as long as the blocks of an arm that are longer than theirs
SLEEP_BEFORE_SAMPLE = (
    0.010  # so that the idle arms' OpenMP threads have gone to sleep; needed with several threads only
)

Blocks = MutableMapping[tuple[object, ...], Block]  # by an arm's block_key


def pause_of(cores: int) -> float:
    """Seconds to wait before a block of arms that have so many cores."""
    return SLEEP_BEFORE_SAMPLE if cores > 1 else 0.0


def calibrate(arm_run: ArmRun, blocks: Blocks, pause: float) -> Block | None:
    """The block of an arm, found out and kept where it is not known yet; None of an arm that has ended."""
    key = arm_run.arm.block_key
    if arm_run.live and key not in blocks and (block := arm_run.calibrate(BLOCK_SECONDS, pause)) is not None:
        blocks[key] = block
    return blocks.get(key) if arm_run.live else None


def number_of_laps(wanted: float, lap_seconds: float) -> int:
    """As many laps as fit into the wanted seconds; at least FEWEST_LAPS, or fewer where these take LONGEST times as long."""
    fewest = max(LEAST_LAPS, min(FEWEST_LAPS, int(LONGEST * wanted / lap_seconds)))
    return max(fewest, min(MOST_LAPS, int(wanted / lap_seconds)))


@dataclass(frozen=True)
class Laps:
    """Laps of about so many seconds in all.

    cores   that each arm has
    blocks  what is known of the blocks of arms; completed
    """

    seconds: float
    cores: int
    blocks: Blocks

    def race(
        self,
        arm_runs: Sequence[ArmRun],
        order: random.Random,
        spent: dict[str, float],
        audit: Callable[[], Iterator[str]] | None,
    ) -> Iterator[str]:
        """Samples every live arm once a lap. Lap 0 warms the arms up and is not recorded. Yields what is being done.

        An arm whose block is much longer than those of the others (it draws, say) is sampled in every k-th lap only, so
        that it takes no more than a fifth of the time.

        spent  receives the seconds of all blocks
        audit  has the arms of a step judged where they are, at one of the laps
        """
        pause = pause_of(self.cores)
        yield "calibrating"
        racing = [arm_run for arm_run in arm_runs if calibrate(arm_run, self.blocks, pause)]
        seconds = [self.blocks[arm_run.arm.block_key].seconds for arm_run in racing]
        usual = max(BLOCK_SECONDS, median(seconds)) if seconds else BLOCK_SECONDS
        lap_seconds = sum(min(block, 2 * usual) + pause for block in seconds)
        laps = number_of_laps(self.seconds, lap_seconds) if racing else 0
        for arm_run in racing:
            block = self.blocks[arm_run.arm.block_key]
            long = block.seconds > 2 * usual
            arm_run.start_laps(block, every=max(1, round(LONG * block.seconds / lap_seconds)) if long else 1)
        audited = order.randint(1, laps) if laps and audit else None  # known to nobody before
        for lap in range(laps + 1):
            if audit and lap == audited:
                yield from audit()
            racing = [arm_run for arm_run in arm_runs if arm_run.live and lap % arm_run.every == 0]
            for arm_run in order.sample(racing, len(racing)):
                clock.pause(pause)
                spent["blocks"] += arm_run.sample(lap)
            if lap % 25 == 0:
                yield f"lap {lap} of {laps}"
