"""A run as one file that can be mailed: its plan, environment, sources, records and profiles in a .tar.gz.

An archive may come from anybody. Of what it holds, only regular files are read whose names are those of a run's records;
links, other names and paths out of its folder are passed over, and sizes are bounded. Its content is JSON and text, decoded
by the store like that of any run.
"""

import gzip
import io
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from bench.results.store import Store, StoreError

SUFFIX = ".tar.gz"
MOST_BYTES = 1 << 28  # of all files together, unpacked
MOST_FILES = 100_000
_PART = r"[\w+=-][\w.+=-]*"  # of a path: never "..", never hidden
_RUN = (
    r"(plan|environment)\.json"
    rf"|(sources|steps|examined|descents|records|profiles|({_PART}/)?trials)/({_PART}/)*{_PART}(?<!\.speedscope)\.(json|txt|folded)"
)
_KEPT = re.compile(
    rf"{_RUN}"
    rf"|({_PART}/)?sitting\.json"  # trials of gates have one or several folders
    rf"|climb/{_PART}/(climb\.json|{_PART}/({_RUN}))",  # each stage of a climb is a run
    re.ASCII,
)


def is_archive(run: str) -> bool:
    """Whether what was typed as a run is an archive."""
    return run.endswith(SUFFIX) and Path(run).is_file()


@contextmanager
def opened(run: str, results: Path) -> Iterator[Store]:
    """A run by path, name or archive. An archive is unpacked into a temporary folder, removed at the end.

    Raises StoreError where there is no run, or the archive cannot be read.
    """
    if not is_archive(run):
        yield Store.find(run, results)
        return
    with tempfile.TemporaryDirectory(prefix="looprace-") as folder:
        unpack(Path(run), Path(folder))
        plans = [*Path(folder).glob("plan.json"), *Path(folder).glob("*/plan.json")]
        if len(plans) != 1:
            raise StoreError(
                f"{run} holds {len(plans) or 'no'} runs: `report RUN --archive FILE` makes one of one run."
            )
        yield Store(plans[0].parent)


def pack(folder: Path, target: Path) -> None:
    """Writes the records below a run's folder as one archive; the same records give the same bytes."""
    content = io.BytesIO()
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    with (
        gzip.GzipFile(fileobj=content, mode="wb", filename="", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in filter(_KEPT.fullmatch, names):
            data = (folder / name).read_bytes()
            member = tarfile.TarInfo(f"{folder.resolve().name}/{name}")  # time 0, no owner
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    Store(target.parent).write(target.name, content.getvalue())


def unpack(source: Path, folder: Path) -> None:
    """Writes the records of an archive below a folder. Raises StoreError for one that is damaged or too large."""
    try:
        with (
            gzip.open(source) as stream,
            tarfile.open(fileobj=io.BufferedReader(_Bounded(stream)), mode="r|") as archive,
        ):
            for number, member in enumerate(archive):
                if number >= MOST_FILES or member.size > MOST_BYTES:
                    raise StoreError(f"{source} is too large to be the archive of a run.")
                name = _name(member)
                content = archive.extractfile(member) if name else None
                if content is not None:
                    target = folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise StoreError(f"{source} cannot be read as the archive of a run ({error}).") from error


def _name(member: tarfile.TarInfo) -> str:
    """Where a member of an archive goes, below the run's folder; empty for whatever is no record of a run."""
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        return ""
    parts = PurePosixPath(member.name).parts
    if not all(re.fullmatch(_PART, part, re.ASCII) for part in parts):
        return ""
    inside, below = "/".join(parts), "/".join(parts[1:])
    return inside if _KEPT.fullmatch(inside) or _KEPT.fullmatch(below) else ""


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than MOST_BYTES: a small archive can unpack to anything."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream, self._left = stream, MOST_BYTES

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fills the buffer from the stream. Raises ValueError beyond the bound."""
        count = self._stream.readinto(buffer)
        self._left -= count
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {MOST_BYTES >> 20} MiB")
        return count
