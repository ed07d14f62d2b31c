"""The figure of all raw blocks in the order they were run, which shows drift, spikes and disturbed rounds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.ticker import MaxNLocator

from bench.results.record import Arm
from impls.contract.coordinates import spoken
from impls.contract.words import counted
from reports.figures.kit import labels
from reports.figures.kit.canvas import WIDTH, blank_canvas
from reports.figures.kit.colours import Palette
from reports.figures.kit.figure import Figure
from reports.figures.kit.style import FAINT, GRID, INK, MUTED
from reports.run.report import RaceResult
from reports.text import numbers
from reports.text.sanitize import plain

TITLE = "Every block in the order it was run, over its arm's median: flat and narrow is a quiet machine"
MANY = 6_000  # blocks, above which a band is drawn for each round in place of its blocks
OUTSIDE = 0.004  # share of the blocks that may lie beyond the plot; they are marked at its edge
DRIFT = 1.05  # a round whose median is further from 1 than this is called disturbed
SPIKE = 1.5  # a block that takes so many times its arm's median is counted as a spike
NAMES = 16  # rounds that are named
TICKS = (0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100)
FINE = (0.95, 1.05, 1.1, 0.9)  # of those, shown only where there is room
LEFT, BELOW, TALL = 0.8, 0.55, 4.6  # inches
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BANDS = (("0.05", "0.95", 0.25), ("0.25", "0.75", 0.4))


@dataclass(frozen=True)
class Blocks:
    """All blocks of a race.

    table  a row for each block: round, lap, place (laps counted through all rounds), arm (an index), seconds an update,
           ratio (seconds over the arm's median in the run)
    arms   by that index
    """

    table: pd.DataFrame
    arms: tuple[Arm, ...]


def blocks_of(result: RaceResult) -> Blocks:
    """The blocks in the order of rounds and laps; those of the twin and of wrong arms too, as they ran on the same machine."""
    arms = tuple(arm for arm in result.race.arms if any(record.blocks for record in result.records[arm]))
    own = [(number, record) for number, arm in enumerate(arms) for record in result.records[arm] if record.blocks]
    counts = [len(record.blocks) for _, record in own]
    table = pd.DataFrame(
        {
            "round": np.repeat([record.round for _, record in own], counts),
            "lap": [lap for _, record in own for lap in record.laps],
            "arm": np.repeat([number for number, _ in own], counts),
            "seconds": np.fromiter((block for _, record in own for block in record.blocks), float),
        }
    )
    table["seconds"] /= np.repeat([record.updates_per_block or 1 for _, record in own], counts)
    table = table[table["seconds"] > 0].sort_values(["round", "lap", "arm"], kind="stable", ignore_index=True)
    table["ratio"] = table["seconds"] / table.groupby("arm")["seconds"].transform("median")
    table["place"] = table.groupby(["round", "lap"], sort=True).ngroup()
    return Blocks(table, arms)


def draw(result: RaceResult, palette: Palette) -> Figure | None:
    """The figure of one race; None where nothing was timed."""
    blocks = blocks_of(result)
    table = blocks.table
    if table.empty:
        return None
    sentences = _sentences(blocks)
    text = plain(" ".join(sentences))
    columns, rows = _summed_up(table) if len(table) > MANY else _raw(blocks)
    return Figure(
        "blocks", TITLE, text, lambda: _figure(result, blocks, palette, sentences), columns, rows, race=result.race
    )


def _raw(blocks: Blocks) -> tuple[list[str], list[tuple[Any, ...]]]:
    names = [(arm.implementation, arm.role, spoken(arm.setting)) for arm in blocks.arms]
    shown = ("round", "lap", "arm", "seconds", "ratio")
    rows = [
        (number, lap, *names[arm], seconds, ratio)
        for number, lap, arm, seconds, ratio in zip(*(blocks.table[column].tolist() for column in shown), strict=True)
    ]
    return ["round", "lap", "implementation", "role", "setting", "seconds_per_update", "over_its_median"], rows


def _summed_up(table: pd.DataFrame) -> tuple[list[str], list[tuple[Any, ...]]]:
    rounds = _by_round(table).reset_index()
    return list(rounds.columns), list(rounds.itertuples(index=False, name=None))


def _by_round(table: pd.DataFrame) -> pd.DataFrame:
    """For each round the quantiles and the maximum of its blocks' ratios, and their number."""
    ratios = table.groupby("round")["ratio"]
    rounds = ratios.quantile(np.array(QUANTILES)).unstack()
    rounds.columns = pd.Index([f"{share:g}" for share in QUANTILES])
    return rounds.assign(blocks=ratios.size(), slowest=ratios.max())


def _sentences(blocks: Blocks) -> list[str]:
    table = blocks.table
    rounds = table.groupby("round")["ratio"].median()
    disturbed = rounds[(rounds > DRIFT) | (rounds < 1 / DRIFT)]
    lows, highs = table["ratio"].quantile([0.05, 0.95])
    counts = f"{counted(len(table), 'block')} of {counted(len(blocks.arms), 'arm')} in {counted(len(rounds), 'round')}"
    sentences = [
        f"{counts}: nine of ten within {numbers.percent_off(lows)} and {numbers.percent_off(highs)} of their arm's median."
    ]
    if len(disturbed):
        furthest = sorted(disturbed.items(), key=lambda entry: -abs(math.log(entry[1])))[:5]
        listed = ", ".join(f"round {number} ({numbers.percent_off(ratio)})" for number, ratio in furthest)
        sentences.append(f"Disturbed rounds, by their median: {listed}.")
    else:
        sentences.append(f"No round's median is more than {100 * (DRIFT - 1):.0f} % off.")
    spikes = table[table["ratio"] > SPIKE]
    if len(spikes):
        worst = spikes.nlargest(1, "ratio").iloc[0]
        arm = blocks.arms[int(worst["arm"])]
        sentences.append(
            f"{counted(len(spikes), 'block')} took more than {SPIKE} times their arm's median, the slowest "
            f"{numbers.times(worst['ratio'])} ({arm.name}, round {int(worst['round'])}, lap {int(worst['lap'])})."
        )
    return sentences


def _figure(result: RaceResult, blocks: Blocks, palette: Palette, sentences: Sequence[str]) -> MatplotlibFigure:
    table, many = blocks.table, len(blocks.table) > MANY
    coloured = [name for name in palette.colours if any(arm.implementation == name for arm in blocks.arms)]
    wide = WIDTH - LEFT - labels.room(coloured)
    low, high = _reach(table["ratio"])
    beyond = table[(table["ratio"] < low) | (table["ratio"] > high)]
    notes = list(sentences)
    if many:
        notes.append(
            "Too many blocks to draw each: the bands hold nine of ten, and half, of a round's blocks; lines are medians."
        )
    else:
        notes.append("The line is the median of each lap over all arms.")
        if len(beyond):
            far = f"{counted(len(beyond), 'block')}, up to {numbers.times(beyond['ratio'].max())}"
            notes.append(f"Diamonds at the edge are blocks beyond the plot: {far}.")
    canvas = blank_canvas(TITLE, result.race.title, notes, TALL + BELOW)
    axes = canvas.axes(LEFT, BELOW, wide, TALL)
    axes.set(yscale="log", ylim=(low, high))
    ticks = [tick for tick in TICKS if low <= tick <= high and (high / low < 2 or tick not in FINE)]
    axes.set_yticks(ticks, [f"{tick:g}x" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylabel("block over its arm's median", color=FAINT)
    axes.grid(axis="y", color=GRID, lw=0.6)
    (_bands if many else _dots)(axes, blocks, palette, coloured)
    _key(axes, coloured, palette, wide)
    return canvas.figure


def _reach(ratios: pd.Series) -> tuple[float, float]:
    """The limits of the plot: nearly all blocks, because far spikes would flatten everything else."""
    low, high = ratios.quantile([OUTSIDE / 2, 1 - OUTSIDE / 2])
    return min(0.92, 0.97 * low), max(1.09, 1.03 * high)


def _dots(axes: Axes, blocks: Blocks, palette: Palette, coloured: Sequence[str]) -> None:
    """A dot for each block at its lap; drawn as pixels, because thousands of shapes make a large file."""
    table = blocks.table
    low, high = axes.get_ylim()
    implementation = np.array([arm.implementation for arm in blocks.arms])[table["arm"]]
    others = ~np.isin(implementation, coloured)
    for chosen, colour, size in [
        (others, MUTED, 2.6),
        *((implementation == name, palette.colours[name], 4.0) for name in coloured),
    ]:
        own = table[chosen]
        inside = own["ratio"].clip(low, high)
        off = (own["ratio"] != inside).to_numpy()
        dot: dict[str, Any] = {
            "ls": "",
            "color": colour,
            "mec": "none",
            "rasterized": True,
            "zorder": 2.0 if colour != MUTED else 1.5,
        }
        axes.plot(own["place"], inside, marker="o", ms=size, **dot)
        axes.plot(own["place"][off], inside[off], marker="D", ms=6, clip_on=False, **dot)
    laps = table.groupby("place").agg(round=("round", "first"), ratio=("ratio", "median"))
    firsts = laps.groupby("round").head(1).index.to_numpy()
    for begin, end in zip(firsts, [*firsts[1:], len(laps)], strict=True):
        own = laps.iloc[begin:end]
        axes.plot(own.index, own["ratio"], color=INK, lw=1.1, zorder=3)
    axes.set_xlim(-0.7, len(laps) - 0.3)
    axes.set_xlabel("laps in the order they were run; each round, between two lines, has fresh processes", color=FAINT)
    axes.set_xticks([])
    every = -(-len(firsts) // NAMES)
    for number, begin in enumerate(firsts):
        if number:
            axes.axvline(begin - 0.5, color=FAINT, lw=0.7, zorder=1)
        if number % every == 0:
            name = f"round {laps['round'].iloc[begin]}"
            axes.annotate(
                name, (begin - 0.5, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
                va="top", fontsize=8, color=FAINT,
            )  # fmt: skip


def _bands(axes: Axes, blocks: Blocks, palette: Palette, coloured: Sequence[str]) -> None:
    rounds = _by_round(blocks.table)
    for low, high, alpha in BANDS:
        axes.fill_between(rounds.index, rounds[low], rounds[high], color=MUTED, alpha=alpha, lw=0)
    axes.plot(rounds.index, rounds["0.5"], color=INK, lw=1.4, zorder=3)
    names = np.array([arm.implementation for arm in blocks.arms])[blocks.table["arm"]]
    for name in coloured:
        own = blocks.table[names == name].groupby("round")["ratio"].median()
        axes.plot(own.index, own, color=palette.colours[name], lw=1.0, zorder=2)
    axes.set_xlim(rounds.index.min() - 0.5, rounds.index.max() + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("round", color=FAINT)


def _key(axes: Axes, coloured: Sequence[str], palette: Palette, wide: float) -> None:
    """The key beside the plot: which colour belongs to which implementation."""
    entries = [*((name, palette.colours[name]) for name in coloured), ("all others", MUTED)]
    for number, (name, colour) in enumerate(entries):
        place = 0.97 - number * 1.3 * labels.LINE / TALL
        x = 1 + labels.KEY[0] / wide
        axes.plot([x], [place], marker="o", ms=5, color=colour, transform=axes.transAxes, clip_on=False)
        axes.text(
            x + 0.15 / wide, place, labels.short(name), transform=axes.transAxes, va="center", fontsize=8.5, color=INK
        )
