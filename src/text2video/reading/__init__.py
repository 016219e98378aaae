"""Reads the videos that people have, frame by frame in little memory, as a browser shows them.

Files are told apart by their content. Everything here raises UserError, in one line that names the file, when it is
missing, broken, cut short or no video.
"""

import errno
import math
import re
import struct
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import NamedTuple

import av
import cv2
import numpy as np
from PIL import Image

from text2video.errors import UserError
from text2video.media import check_clip
from text2video.reading import containers, pictures
from text2video.reading.blocks import durations
from text2video.reading.pictures import Picture

__all__ = ["JUDGED", "Probe", "frames", "probe", "read_video"]

READABLE = "MP4 or MOV, AVI, MKV or WebM, GIF, WebP, APNG, npy, or a folder of frame_0.png, frame_1.png, …"
JUDGED = {"largest": 256, "most_frames": 240}  # a clip of that size is judged in some 200 MB
STILL_RATE = 10.0  # frames per second of what carries no times, folders and arrays, where nobody says another
PICTURES = {".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}  # suffixes of a folder's frames
BROKEN = (
    *(av.FFmpegError, Image.DecompressionBombError, MemoryError),
    *(OSError, ValueError, EOFError, SyntaxError, IndexError, KeyError, struct.error, TokenError),
)  # what the libraries raise for a broken file

UNREACHABLE = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN}  # of a disk or network: not the file's fault


class Probe(NamedTuple):
    """What can be said of a video without decoding all of it. None: only decoding would tell."""

    width: int
    height: int
    fps: float | None
    """Frames per second, on average."""
    frames: int | None
    """As the file says. It may show fewer."""
    duration: float | None
    """Seconds."""


def frames(
    path: Path, threads: int = 1, begin: float = 0, rate: float = STILL_RATE
) -> Generator[tuple[float, Picture], None, None]:
    """The time of each frame in the order of showing, with a function that draws it, as long as it is the last one
    asked for, as it is shown: uint8[H, W, 3], RGB, all of one size.

    Times are in seconds since the first frame. Only a few frames are in memory at once, and one that is not drawn costs
    its decoding only. Behind the first, frames before the time ``begin`` may be left out. A file that turns out to be
    cut short raises UserError after its last frame. ``threads`` decode; they change nothing but the speed. Folders and
    arrays have ``rate`` frames a second.
    """
    path = Path(path)
    with _named_errors(path):
        for time, picture in _pictures(path, threads, begin, rate):
            yield time, partial(_draw, path, picture)


def _draw(path: Path, picture: Picture) -> np.ndarray:
    with _named_errors(path):
        return picture()


def read_video(path: Path, largest: int | None = None, most_frames: int | None = None, threads: int = 1) -> np.ndarray:
    """Read a clip ``uint8[T, H, W, 3]``.

    A clip whose longer side has more than ``largest`` pixels is shrunk to that (each pixel is the mean of its area). Of
    one with more than ``most_frames`` frames every second one is kept, or every fourth, and so on. All others are
    read as they are, with every frame. A GIF of other programs may have lost repeated frames.
    """
    path = Path(path)
    kept: list[np.ndarray] = []
    step = 1
    with _named_errors(path):
        for number, (_, picture) in enumerate(_pictures(path, threads)):
            if number % step:
                continue
            kept.append(_shrink(picture(), largest))
            if most_frames and len(kept) > most_frames:
                kept, step = kept[::2], 2 * step
        return np.stack(kept)


def probe(path: Path, rate: float = STILL_RATE) -> Probe:
    """Size, rate and length of a video, from its header and its first frame; folders and arrays have ``rate`` frames a
    second."""
    path = Path(path)
    with closing(frames(path)) as shown:
        height, width = next(shown)[1]().shape[:2]
    with _named_errors(path):
        return Probe(width, height, *_timing(path, rate))


def _pictures(path: Path, threads: int, begin: float = 0, rate: float = STILL_RATE) -> Iterator[tuple[float, Picture]]:
    """The times of the frames, and what draws each of them while it is the last one asked for."""
    match _kind(path):
        case "folder":
            return _read_folder(path, rate)
        case "npy":
            return _read_array(path, rate)
        case "still":
            return iter([(0.0, partial(pictures.read_picture, path))])
        case "gif":
            return pictures.read_gif(path, durations(path))
        case "webp":
            return pictures.read_webp(path, durations(path))
        case _:
            return containers.read_stream(path, threads, begin)


def _timing(path: Path, rate: float) -> tuple[float | None, int | None, float | None]:
    """Frames per second, number of frames and duration in seconds."""
    match _kind(path):
        case "folder":
            count = len(_frame_files(path))
        case "npy":
            count = len(_map(path))
        case "still":
            count = 1
        case "gif" | "webp" | "apng":
            shown = durations(path)
            return 1000 * len(shown) / sum(shown), len(shown), sum(shown) / 1000
        case _:
            return containers.stream_timing(path)
    return rate, count, count / rate


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Say in one line which file is broken, and how."""
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and not isinstance(error, av.FFmpegError) and error.errno in UNREACHABLE:
            raise
        text = getattr(error, "strerror", None) or str(error)  # without the number and the name of the file
        reason = " ".join(text.split()) or type(error).__name__
        if isinstance(error, av.FFmpegError):
            reason = f"it is broken or cut short ({reason})"
        raise UserError(f"{path} cannot be read as a video: {reason}") from error


def _kind(path: Path) -> str:
    """What is read how: "folder", "npy", "still", "gif", "webp", "apng" or "container", by the first bytes.

    Raises ValueError for anything else.
    """
    if not path.exists():
        raise UserError(f"{path} is missing; check the path")
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise ValueError("it is neither a file nor a folder")
    with open(path, "rb") as file:
        head = file.read(512)
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"GIF8"):
        return "gif"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "apng" if durations(path) else "still"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp" if durations(path) else "still"
    if containers.is_container(head) and not _is_photo(head):
        return "container"
    what = "it is empty" if not head else f"it is {_other_kind(head)}"
    raise ValueError(f"{what}; what can be read is {READABLE}")


def _other_kind(head: bytes) -> str:
    """What else a file may be, for people."""
    starts = {
        b"ID3": "an MP3 file", b"OggS": "an Ogg file", b"FLV": "a Flash video", b"\x30\x26\xb2\x75": "a WMV file",
        b"\x00\x00\x01\xba": "an MPEG program stream", b"\x00\x00\x01\xb3": "an MPEG stream",
        b"\xff\xd8\xff": "a JPEG picture", b"BM": "a BMP picture", b"II*\0": "a TIFF picture",
        b"MM\0*": "a TIFF picture", b"PK": "a ZIP file", b"%PDF": "a PDF file", b"fLaC": "a FLAC file",
        b"#EXTM3U": "a playlist", b"<": "a web page", b"RIFF": "a RIFF file of another kind",
    }  # fmt: skip
    if _is_photo(head):
        return "an AVIF or HEIC picture"
    if head[:1] == b"G" and head[188:189] == b"G":
        return "an MPEG transport stream"
    known = (name for start, name in starts.items() if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(start))
    return next(known, "of no kind of video that is known here")


def _is_photo(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}


def _shrink(frame: np.ndarray, largest: int | None) -> np.ndarray:
    height, width = frame.shape[:2]
    if largest is None or max(height, width) <= largest:
        return frame
    scale = largest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)


# --- folders and arrays ----------------------------------------------------------------------------


def _frame_files(folder: Path) -> list[Path]:
    """The pictures of a folder that are numbered at the end of their names, in the order of their numbers.

    Of ``frame_0.png``, ``frame_1.png``, … none may be missing; pictures of other names may start and step as they like.
    """
    numbered: dict[int, Path] = {}
    for file in sorted(folder.iterdir()):
        match = re.search(r"\d+$", file.stem)
        if match and file.suffix.lower() in PICTURES and not file.name.startswith("."):
            if other := numbered.get(int(match[0])):
                raise ValueError(f"{other.name} and {file.name} have the same number")
            numbered[int(match[0])] = file
    ours = all(re.fullmatch(r"frame_\d+\.png", file.name) for file in numbered.values())
    if not numbered or (ours and sorted(numbered) != list(range(len(numbered)))):
        raise ValueError("it must hold frame_0.png, frame_1.png, … without a gap, or other numbered pictures")
    return [numbered[number] for number in sorted(numbered)]


def _read_folder(folder: Path, rate: float) -> Iterator[tuple[float, Picture]]:
    """The pictures of a folder. Raises UserError for one that cannot be read or has another size than the first."""
    shape = None
    for number, file in enumerate(_frame_files(folder)):
        with _named_errors(file):
            picture = pictures.read_picture(file)
        shape = shape or picture.shape
        if picture.shape != shape:
            sizes = f"{picture.shape[1]}x{picture.shape[0]}, and the first frame {shape[1]}x{shape[0]}"
            raise UserError(f"{file} is {sizes}; the frames of a video have one size")
        yield number / rate, partial(np.asarray, picture)


def _read_array(path: Path, rate: float) -> Iterator[tuple[float, Picture]]:
    """The frames of an array in a file, read one by one."""
    clip = _map(path)
    check_clip(path, clip)
    for number, frame in enumerate(clip):
        if clip.flags.c_contiguous:  # a part of the file, which stays in memory less than a mapped one
            place = clip.offset + number * frame.size
            yield number / rate, partial(_read_part, path, place, frame.shape)
        else:
            yield number / rate, partial(np.array, frame)


def _map(path: Path) -> np.memmap:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read_part(path: Path, place: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.fromfile(path, np.uint8, math.prod(shape), offset=place).reshape(shape)
