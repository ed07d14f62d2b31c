"""Damages the files of a run, one at a time, as a disk, an editor or a stranger may, and looks at what reading them does."""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.results.scores.faults import Damage
from bench.results.store import StoreError

Show = Callable[[Path], object]  # reads a folder and makes of it what reports show; raises StoreError where it refuses

# What may stand where something else is expected.
STRANGE: Sequence[Any] = (
    None, True, 0, -1, 2**31, 2**53 + 1, 2**64, 2**70, -(10**400), 0.0, -0.5, 5e-324, 1.7e308, "", "x", "../../x",
    "/etc/passwd", "a" * 5000, "\x1b[31m", "<script>alert(1)</script>", "=1+1", "|a|b|", "`", "\u202e", [], [[]], {},
    {"": None}, {"format": 99},
)  # fmt: skip
READ, REFUSED = "read", "refused"  # how showing a damaged folder may end; anything else is a fault
DEEP = 100_000  # brackets in brackets


def damaged(content: bytes, order: random.Random) -> bytes:
    """The bytes of a JSON file with something wrong: bytes of it, or a value of it; now and then all of it."""
    kind = order.choice(("value", "value", "value", "value", "key", "cut", "flip", "insert", "whole"))
    if kind in ("value", "key"):
        return _otherwise(content, order, key=kind == "key")
    at = order.randrange(len(content) + 1)
    if kind == "cut":
        return content[:at]
    if kind == "flip":
        return content[:at] + bytes([order.randrange(256)]) + content[at + 1 :]
    if kind == "insert":
        return content[:at] + order.choice((b"\0", b"\xff\xfe", b"NaN", b"1e999", b"{", b"]")) + content[at:]
    return order.choice((b"", b"\0" * 4096, b"[" * DEEP, b'{"a":' * DEEP, b"null", b"\xef\xbb\xbf" + content))


def _otherwise(content: bytes, order: random.Random, *, key: bool) -> bytes:
    """The same document with one value replaced, or one key left out or doubled."""
    document = json.loads(content)
    places = list(_places(document))
    holder, where = order.choice(places)
    if not key:
        holder[where] = order.choice(STRANGE)
    elif isinstance(holder, dict):
        value = holder.pop(where)
        if order.random() < 0.5:
            holder[f"{where}x"] = value
    else:
        holder.insert(where, holder[where])
    return json.dumps(document).encode("utf-8", errors="surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every dictionary or list in a document with each of its keys or numbers; of long lists the ends."""
    if isinstance(value, dict):
        inside: Sequence[Any] = list(value)
    elif isinstance(value, list):
        inside = sorted({0, 1, len(value) - 1} & set(range(len(value))))
    else:
        return
    for where in inside:
        yield value, where
        yield from _places(value[where])


def tries(whole: Path, count: int, order: random.Random, show: Show) -> Iterator[Damage]:
    """Damages one file of a copy of a folder, has it shown, and puts the file right, so many times."""
    files = sorted(path.relative_to(whole) for path in whole.rglob("*.json"))
    with TemporaryDirectory(prefix="looprace-damage-") as place:
        copy = Path(shutil.copytree(whole, Path(place) / "run"))
        for _ in range(count):
            name = order.choice(files)
            content = (whole / name).read_bytes()
            (copy / name).write_bytes(damaged(content, order))
            yield Damage(kind=_kind(name), ended=_ended(show, copy))
            (copy / name).write_bytes(content)


def _kind(name: Path) -> str:
    """What a file of a run or a gate is: a record, a profile, or itself."""
    return name.parts[0] if len(name.parts) > 1 else name.name


def _ended(show: Show, folder: Path) -> str:
    try:
        show(folder)
    except StoreError:
        return REFUSED
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return type(error).__name__
    return READ
