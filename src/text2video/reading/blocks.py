"""How long each frame of a GIF, APNG or WebP is shown, by the blocks of its file; nothing is decoded."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SHORTEST, USUAL = (
    11,
    100,
)  # milliseconds: browsers show a frame that is to last less than the one for the other


def durations(path: Path) -> list[int]:
    """Milliseconds for each frame of the animation, as browsers show it; nothing for a still picture.

    What follows the end of the animation is no part of it, and its end mark may be missing. Raises ValueError when a
    block is cut short or a frame is missing.
    """
    with open(path, "rb") as file:
        head = file.read(12)
        file.seek(0)
        walk = _gif if head.startswith(b"GIF8") else _png if head.startswith(b"\x89PNG") else _webp
        return [duration if duration >= SHORTEST else USUAL for duration in walk(file)]


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it is cut short")
    return data


def _gif(file: BinaryIO) -> Iterator[int]:
    _skip_colours(_take(file, 13)[10], file)
    delay = 0
    while (kind := file.read(1)) not in {b"", b";"}:
        if kind == b",":
            _skip_colours(_take(file, 9)[8], file)
            _take(file, 1)
            _sub_blocks(file)
            yield delay
            delay = 0
        elif kind == b"!":
            label, data = _take(file, 1), _sub_blocks(file)
            if label == b"\xf9" and len(data) >= 3:
                delay = 10 * int.from_bytes(data[1:3], "little")


def _skip_colours(flags: int, file: BinaryIO) -> None:
    if flags & 0x80:
        _take(file, 3 << (flags & 7) + 1)


def _sub_blocks(file: BinaryIO) -> bytes:
    """Read up to the end of a chain of sub-blocks; the first one's data."""
    first = data = _take(file, _take(file, 1)[0])
    while data:
        data = _take(file, _take(file, 1)[0])
    return first


def _png(file: BinaryIO) -> Iterator[int]:
    missing = 0
    file.seek(8)
    while head := file.read(8):
        data = _take(file, int.from_bytes(head[:4], "big") + 4)
        if head[4:] == b"acTL":
            missing = int.from_bytes(data[:4], "big")
        elif head[4:] == b"fcTL" and missing:
            missing -= 1
            yield 1000 * int.from_bytes(data[20:22], "big") // (int.from_bytes(data[22:24], "big") or 100)
        elif head[4:] == b"IEND":
            break
    if missing:
        raise ValueError(f"it is cut short: {missing} frames are missing")


def _webp(file: BinaryIO) -> Iterator[int]:
    end = 8 + int.from_bytes(_take(file, 12)[4:8], "little")
    while file.tell() < end:
        head = _take(file, 8)
        size = int.from_bytes(head[4:], "little")
        data = _take(file, size + size % 2)
        if head[:4] == b"ANMF":
            yield int.from_bytes(data[12:15], "little")
