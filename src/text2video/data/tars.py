"""Reads WebDataset tars, ``000.mp4`` beside ``000.txt`` or ``000.json``, where they lie."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from text2video.data.captions import decode_text, one_line
from text2video.data.tables import CAPTIONS
from text2video.errors import UserError

LONGEST = 1 << 20  # bytes of a caption's file; what is longer is none


class Member(NamedTuple):
    """Where the bytes of a file lie in a tar. Its name is only told, never a path that is written to."""

    name: str
    offset: int
    size: int


def read_tar(path: Path, suffixes: set[str]) -> tuple[list[tuple[Member, str | None]], str]:
    """The videos of a tar, each with its caption (None: it has none), and what is wrong with the tar. Only headers and
    captions are read."""
    videos: list[tuple[str, Member]] = []
    captions: dict[str, str] = {}
    problem = ""
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                key, suffix = _key(info.name)
                if not info.isreg() or info.issparse() or PurePosixPath(info.name).name.startswith("."):
                    continue
                if suffix in suffixes:
                    videos.append((key, Member(info.name, info.offset_data, info.size)))
                elif suffix in {".txt", ".json"} and info.size <= LONGEST:
                    found = _caption(tar.extractfile(info), suffix)
                    if found is not None and (suffix == ".txt" or key not in captions):
                        captions[key] = found
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        problem = f"it cannot be read as a tar to its end ({one_line(str(error))})"
    return [(member, captions.get(key)) for key, member in videos], problem


@contextmanager
def unpacked(tar: Path, member: Member, scratch: Path) -> Iterator[Path]:
    """A file of the same bytes in the folder ``scratch``, for as long as the block lasts.

    Raises UserError when the tar ends before the member does.
    """
    with NamedTemporaryFile(dir=scratch, prefix="member.") as copy:
        with open(tar, "rb") as source:
            source.seek(member.offset)
            left = member.size
            while left and (data := source.read(min(left, 1 << 20))):
                left -= copy.write(data)
        if left:
            raise UserError(f"{tar} is cut short")
        copy.flush()
        yield Path(copy.name)


def _key(name: str) -> tuple[str, str]:
    """What the files of one sample share (all up to the first dot of the last part), and the last suffix."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition('.')[0]}", PurePosixPath(last).suffix.lower()


def _caption(file: object, suffix: str) -> str | None:
    """The caption in a text or JSON file; None when there is none."""
    text = decode_text(file.read())  # type: ignore[attr-defined]
    if suffix == ".txt":
        return one_line(text)
    try:
        page = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = [page[key] for key in CAPTIONS if key in page] if isinstance(page, dict) else []
    return next((one_line(value) for value in values if isinstance(value, str)), None)
