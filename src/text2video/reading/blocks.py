"""The blocks of animated GIF, APNG and WebP: how long each frame is shown, and how those of a GIF are laid on another.

Nothing is decoded here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

SHORTEST, USUAL = (11, 100)  # milliseconds: browsers show a frame that is to last less than the one for the other


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


def is_animation(file: BinaryIO) -> bool:
    """Whether a PNG or WebP says in its header that it is an animation; no other file does."""
    head = file.read(21)
    if head[:4] == b"RIFF":
        return head[12:16] == b"VP8X" and any(flags & 2 for flags in head[20:])
    file.seek(8)
    while head.startswith(b"\x89PNG") and (block := file.read(8))[4:] not in {b"", b"IDAT", b"IEND"}:
        if block[4:] == b"acTL":
            return True
        file.seek(int.from_bytes(block[:4], "big") + 4, 1)
    return False


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it is cut short")
    return data


class GifFrame(NamedTuple):
    """One frame of a GIF. Lengths in pixels."""

    screen: tuple[int, int]
    """Width and height of the animation."""
    box: tuple[int, int, int, int]
    """Left, top, width and height of this frame's part of it."""
    delay: int
    """Milliseconds."""
    disposal: int
    """What becomes of the part afterwards: 2 for cleared, 3 for put back as it was, else for left."""
    picture: bytes
    """The part alone, as a GIF."""


def gif_frames(file: BinaryIO) -> Iterator[GifFrame]:
    """The frames of a GIF up to its end mark, or its end. Raises ValueError when a block is cut short."""
    head = _take(file, 13)
    colours = _colours(head[10], file)
    control = b""
    while (kind := file.read(1)) not in {b"", b";"}:
        if kind == b",":
            place = _take(file, 9)
            picture = b"," + bytes(4) + place[4:] + _colours(place[8], file) + _take(file, 1) + _sub_blocks(file)
            left, top, width, height = (int.from_bytes(place[at : at + 2], "little") for at in (0, 2, 4, 6))
            yield GifFrame(
                (int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")),
                (left, top, width, height),
                10 * int.from_bytes(control[4:6], "little"),
                control[3] >> 2 & 7 if control else 0,
                b"GIF89a" + place[4:8] + head[10:] + colours + control + picture + b";",
            )
            control = b""
        elif kind == b"!":
            extension = b"!" + _take(file, 1) + _sub_blocks(file)
            if extension.startswith(b"!\xf9\x04"):
                control = extension


def _colours(flags: int, file: BinaryIO) -> bytes:
    return _take(file, 3 << (flags & 7) + 1) if flags & 0x80 else b""


def _sub_blocks(file: BinaryIO) -> bytes:
    """A chain of sub-blocks, up to the empty one that ends it."""
    chain: list[bytes] = []
    while not chain or chain[-1] != b"\0":
        size = _take(file, 1)
        chain.append(size + _take(file, size[0]))
    return b"".join(chain)


def _gif(file: BinaryIO) -> Iterator[int]:
    for frame in gif_frames(file):
        yield frame.delay


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
