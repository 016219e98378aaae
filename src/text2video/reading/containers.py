"""Video streams in MP4/MOV, AVI, MKV and WebM, decoded frame by frame as a browser shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

from text2video.reading.pictures import Picture, over_white, require_size

# A file that calls itself .mp4 may be a playlist, and FFmpeg would fetch what it lists.
CONTAINERS = {"format_whitelist": "mov,avi,matroska", "protocol_whitelist": "file"}


def is_container(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is one of those read here."""
    boxes = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
    return (
        head[4:8] in boxes
        or head.startswith(b"\x1aE\xdf\xa3")
        or (head[:4], head[8:12]) == (b"RIFF", b"AVI ")
    )


def read_stream(path: Path, threads: int) -> Iterator[tuple[float, Picture]]:
    """The frames of the video stream with their times in seconds since the first.

    Raises ValueError or what FFmpeg raises when there is none, or it is broken or cut short.
    """
    with _open(path, threads) as (container, stream):
        canvas, last, start = None, None, None
        for frame in container.decode(stream):
            canvas = canvas or _Canvas(frame, stream.sample_aspect_ratio)
            step = 1 / float(stream.average_rate or 10)
            time = float(frame.pts * stream.time_base) if frame.pts is not None else None
            if time is None:
                time = 0.0 if last is None else last + step
            start = time if start is None else start
            yield time - start, partial(canvas.draw, frame)
            last = time
        if canvas is None:
            raise ValueError("it holds no frame")
        _require_whole(path, stream)


def stream_timing(path: Path) -> tuple[float | None, int | None, float | None]:
    """Frames per second, number of frames and duration in seconds; None where the header does not say."""
    with _open(path, 1) as (container, stream):
        rate = float(stream.average_rate) if stream.average_rate else None
        duration = container.duration / av.time_base if container.duration else None
        return rate, stream.frames or None, duration


@contextmanager
def _open(path: Path, threads: int) -> Iterator[tuple[Any, av.VideoStream]]:
    with open(path, "rb") as file, av.open(file, "r", options=CONTAINERS) as container:
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if not streams:
            raise ValueError("it holds no video, only sound or other data")
        stream = streams[0]
        require_size(stream.width, stream.height)
        stream.codec_context.thread_count = threads
        stream.thread_type = "AUTO"
        yield container, stream


class _Canvas:
    """Draws decoded frames in RGB at the size and the way up that the first one is shown."""

    def __init__(self, frame: av.VideoFrame, aspect: Fraction | None) -> None:
        self.size = _display_size(frame.width, frame.height, aspect)
        require_size(*self.size)
        self.reformatter = VideoReformatter()

    def draw(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame as it is shown, uint8[H, W, 3]."""
        alpha = any(component.is_alpha for component in frame.format.components)
        pixels = self.reformatter.reformat(frame, *self.size, "rgba" if alpha else "rgb24").to_ndarray()
        return _upright(frame, over_white(pixels) if alpha else pixels)


def _display_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height in square pixels; of the two sides the one grows that must."""
    if not aspect or aspect <= 0:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _upright(frame: av.VideoFrame, pixels: np.ndarray) -> np.ndarray:
    """Turn and flip as the display matrix says: (x, y) is shown at (ax + cy, bx + dy). Other angles are ignored."""
    all_data: Any = frame.side_data
    data = next((data for data in all_data if data.type == Type.DISPLAYMATRIX), None)
    if data is None:
        return pixels
    a, b, _, c, d = np.sign(np.frombuffer(bytes(data), np.int32)[:5])
    if a and d and not b and not c:
        return np.ascontiguousarray(pixels[::d, ::a])
    if b and c and not a and not d:
        return np.ascontiguousarray(pixels.swapaxes(0, 1)[::b, ::c])
    return pixels


def _require_whole(path: Path, stream: av.VideoStream) -> None:
    """Refuse a file that ends before its last frame does, or before its own header says."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(4096)
    if _declared_size(head) > size or any(entry.pos + entry.size > size for entry in stream.index_entries):
        raise ValueError("it is cut short")


def _declared_size(head: bytes) -> int:
    """The number of bytes that an AVI or Matroska file says it has; 0 when it does not say."""
    if head.startswith(b"RIFF"):
        return 8 + int.from_bytes(head[4:8], "little")
    place = head.find(b"\x18\x53\x80\x67")  # the segment, which holds everything behind the first header
    if not head.startswith(b"\x1a\x45\xdf\xa3") or not 0 < place < len(head) - 12:
        return 0
    length = 9 - head[place + 4].bit_length()  # the leading zero bits of a number tell how many bytes it has
    number = int.from_bytes(head[place + 4 : place + 4 + length], "big") & (1 << 7 * length) - 1
    unknown = number == (1 << 7 * length) - 1
    return 0 if unknown else place + 4 + length + number
