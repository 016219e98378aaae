"""Reads WebDataset tars, ``000.mp4`` beside ``000.txt`` or ``000.json``, where they lie."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, NamedTuple

from text2video.data.captions import decode_text, one_line
from text2video.data.tables import CAPTIONS
from text2video.errors import UserError
from text2video.reading.blocks import is_animation

LONGEST = 1 << 20  # bytes of a caption's file; what is longer is none


class Member(NamedTuple):
    """Where the bytes of a file lie in a tar. Its name is only told, never a path that is written to."""

    name: str
    offset: int
    size: int


def read_tar(path: Path, suffixes: set[str], pictures: set[str]) -> tuple[list[tuple[Member, str | None]], str]:
    """The videos of a tar, by ``suffixes`` or as ``pictures`` that move, each with its caption (None: it has none), and
    what is wrong with the tar. Only headers and captions are read.

    A caption is of the video of its stem or, as WebDataset has it, of that with which it shares all up to the first
    dot, where that is no other's: ``000.txt`` of ``000.left.mp4``.
    """
    videos: list[Member] = []
    captions: dict[str, str] = {}  # by stem
    problem = ""
    try:
        with open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                stem, suffix = _stem(info.name)
                if not info.isreg() or info.issparse() or PurePosixPath(info.name).name.startswith("."):
                    continue
                content: Any = tar.extractfile(info)
                if suffix in suffixes or (suffix in pictures and is_animation(content)):
                    videos.append(Member(info.name, info.offset_data, info.size))
                elif suffix in {".txt", ".json"} and info.size <= LONGEST:
                    found = _caption(content.read(), suffix)
                    if found is not None and (suffix == ".txt" or stem not in captions):
                        captions[stem] = found
            _require_end(file, tar.offset)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        problem = f"it cannot be read as a tar to its end ({one_line(str(error))})"
    stems = [_stem(member.name)[0] for member in videos]
    dotted = {_key(stem) for stem in stems if stem in captions and _key(stem) != stem}  # "2023.01.01.mp4"
    others: dict[str, list[str]] = {}
    for stem in captions.keys() - set(stems):
        if _key(stem) not in dotted:
            others.setdefault(_key(stem), []).append(stem)
    rest = ((stem, others.get(_key(stem), [])) for stem in stems)
    used = [stem if stem in captions else only[0] if len(only) == 1 else None for stem, only in rest]
    left = len(set(captions) - set(used))
    if not problem and (left or not videos):
        problem = f"{left} of its captions belong to no video" if videos else "it holds no video"
    return [(member, captions.get(stem or "")) for member, stem in zip(videos, used, strict=True)], problem


def _require_end(file: BinaryIO, offset: int) -> None:
    """Raise ValueError where a tar whose last file ends at ``offset`` goes on with anything but zeros: the tarfile
    module takes a damaged header for the end."""
    file.seek(offset)
    while data := file.read(1 << 20):
        if data.strip(b"\0"):
            raise ValueError("something that is no header lies behind its last file")


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


def _stem(name: str) -> tuple[str, str]:
    """A member's name without its last suffix, and that suffix in lower case."""
    suffix = PurePosixPath(name).suffix
    return name.removesuffix(suffix), suffix.lower()


def _key(stem: str) -> str:
    """What the files of one sample share: all up to the first dot of the last part."""
    folder, slash, last = stem.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _caption(content: bytes, suffix: str) -> str | None:
    """The caption in a text or JSON file; None when there is none."""
    text = decode_text(content)
    if suffix == ".txt":
        return one_line(text)
    try:
        page = json.loads(text)
    except (ValueError, RecursionError):
        return None
    values = [page[key] for key in CAPTIONS if key in page] if isinstance(page, dict) else []
    return next((one_line(value) for value in values if isinstance(value, str)), None)
