"""What every command and every answer is: a typed Struct, sent as one line of JSON."""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import msgspec
from msgspec import Struct

FaultStatus = Literal["unsupported", "unavailable", "failed", "crashed", "out_of_memory"]


class Answer(Struct, frozen=True, kw_only=True, tag=True):
    """Anything that a worker sends."""


A = TypeVar("A", bound=Answer)
Send = Callable[[Answer], None]


class Command(Struct, Generic[A], frozen=True, kw_only=True, tag=True):
    """Anything that a worker is asked to do; the type in brackets is that of its answer.

    words  what it is called where an arm ends or takes too long meanwhile: "killed by SIGSEGV during a block"
    """

    words: ClassVar[str]

    @classmethod
    def answer_type(cls) -> type[A]:
        """The type in the brackets of the class."""
        base = next(base for base in cls.__orig_bases__ if get_args(base))  # type: ignore[attr-defined]
        kind: type[A] = get_args(base)[0]
        return kind


class Done(Answer, frozen=True, kw_only=True):
    """The command has been carried out; there is nothing else to say."""


class Fault(Answer, frozen=True, kw_only=True):
    """Why the arm has ended, as its row shows it."""

    status: FaultStatus
    reason: str


def encoded(message: Command[Any] | Answer) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"
