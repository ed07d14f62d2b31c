"""The formats that a report is written in only on request: of its figures, and of its exports."""

from dataclasses import dataclass

FIGURES = ("png", "pdf")  # beside SVG and CSV, which are always written
EXPORTS = ("pyperf", "github-action-benchmark", "bencher", "parquet")  # beside pytest-benchmark's and records.csv


@dataclass(frozen=True)
class Formats:
    """Which of these formats to write."""

    figures: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()


NONE = Formats()  # only what is always written
