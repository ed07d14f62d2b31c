"""What a message is: a command to a process of an arm or of the judge, and the answer to it. The messages are in `messages`."""

from typing import ClassVar, Generic, TypeVar, get_args

from msgspec import Struct


class Answer(Struct, frozen=True, kw_only=True, tag=True):
    """Anything that a worker sends."""


A = TypeVar("A", bound=Answer)


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
