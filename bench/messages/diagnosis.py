"""The messages of a diagnosis: why an arm's answer is different."""

from typing import Any

from bench.messages.protocol import Answer, Command
from bench.results.record import Whose


class Diagnosed(Answer, frozen=True, kw_only=True):
    """What a diagnosis found; the fields are those of `record.Answer`."""

    whose: Whose = ""
    stage: str = ""
    module: str = ""
    script: str = ""
    undiagnosed: str = ""


class Diagnose(Command[Diagnosed], frozen=True, kw_only=True):
    """Find out where and by whose fault an arm's answer is different, and write a script that shows it.

    seconds  after which nothing more is tried
    script   file that the script is written to
    """

    words = "the diagnosis of an answer"
    workload: str
    file: str
    implementation: str
    setting: dict[str, Any]
    cores: tuple[int, ...]
    seconds: float
    script: str
