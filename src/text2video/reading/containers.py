"""Video streams in MP4/MOV, AVI, MKV, WebM and APNG, decoded frame by frame as a browser shows them."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from text2video.reading.hdr import is_high_range, to_srgb
from text2video.reading.pictures import Picture, over_white, require_size

# A file that calls itself .mp4 may be a playlist, and FFmpeg would fetch what it lists.
CONTAINERS = {"format_whitelist": "mov,avi,matroska,apng", "protocol_whitelist": "file"}
# What an MP4 may begin with.
BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx", b"uuid"}
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders of these leave the alpha channel out
WIDEST = 10  # times wider than high, or higher than wide, a pixel may be
UNSPECIFIED = 2  # the colour matrix that a stream does not name
HIGH_DEFINITION = 720  # lines from which on browsers take such a stream's matrix for BT.709
EXACT = int(Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT)

FAR = 5.0  # seconds; to jump less is not worth it


def is_container(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is one of those read here."""
    avi = (head[:4], head[8:12]) == (b"RIFF", b"AVI ")
    return avi or head[4:8] in BOXES or head.startswith(b"\x1aE\xdf\xa3")


def read_stream(path: Path, threads: int, begin: float = 0) -> Iterator[tuple[float, Picture]]:
    """The frames of the video stream with their times in seconds since the first.

    Behind the first, frames before the time ``begin`` may be left out: a jump saves decoding them.
    Raises ValueError or what FFmpeg raises when there is none, or it is broken or cut short.
    """
    with _open(path, threads) as (container, stream):
        _require_whole(path, stream)
        canvas, start = None, 0.0
        for number, (time, frame) in enumerate(_from(begin, container, stream)):
            if frame.is_corrupt:
                raise ValueError(f"frame {number} is damaged")
            if canvas is None:
                canvas, start = _Canvas(frame, stream.sample_aspect_ratio), time
            yield time - start, partial(canvas.draw, frame)
        _require_whole(path, stream)  # again: fragments tell only now where their frames are
        if canvas is None:
            raise ValueError("it holds no frame")


def _from(begin: float, container: Any, stream: av.VideoStream) -> Iterator[tuple[float, av.VideoFrame]]:
    """The first frame, and those behind it from the last key frame before ``begin``, if that is far enough off."""
    frames = _timed(container, stream)
    if begin < FAR or container.format.name == "avi" or _decoder(stream) is not stream.codec_context:
        yield from frames  # an AVI's times are known by counting
        return
    first = next(frames)
    yield first
    container.seek(round((first[0] + begin) / float(stream.time_base or 1)), stream=stream)
    frames = _timed(container, stream)
    landed = next(frames, None)
    if landed is None or landed[0] > first[0] + begin:  # the file has no way to jump there
        container.seek(round(first[0] / float(stream.time_base or 1)), stream=stream)
        frames, landed = _timed(container, stream), None
    yield from [landed] if landed else []
    yield from frames


def stream_timing(path: Path) -> tuple[float | None, int | None, float | None]:
    """Frames per second, number of frames and duration in seconds; None where the header does not say."""
    with _open(path, 1) as (container, stream):
        rate = float(stream.average_rate) if stream.average_rate else None
        duration = container.duration / av.time_base if container.duration else None
        return rate, stream.frames or None, duration


@contextmanager
def _open(path: Path, threads: int) -> Iterator[tuple[Any, av.VideoStream]]:
    with open(path, "rb") as file, av.open(file, "r", options=CONTAINERS) as container:
        stream: Any = container.streams.best("video")  # not a thumbnail that comes first
        if stream is None or stream.disposition & Disposition.attached_pic:
            raise ValueError("it holds no video, only sound or other data")
        if stream.codec_context is None:
            raise ValueError("its codec is unknown here")
        require_size(stream.width, stream.height)
        stream.codec_context.thread_count = threads
        stream.codec_context.thread_type = "AUTO"
        yield container, stream


def _timed(container: Any, stream: av.VideoStream) -> Iterator[tuple[float, av.VideoFrame]]:
    """The frames in the order of showing, each with its time in seconds, without those that an edit list hides."""
    base, step = float(stream.time_base or 1), 1 / float(stream.average_rate or 10)
    decoder = _decoder(stream)
    time, slots = -step, deque[float]()
    for packet in container.demux(stream):
        if not packet.size and packet.dts is not None:
            continue  # an AVI says in this way that the frame before stays
        if container.format.name == "avi" and packet.size:
            slots.append(packet.dts * base)  # it has times for the order of decoding only
        for frame in decoder.decode(packet if packet.size else None):
            given = slots.popleft() if slots else None if frame.pts is None else frame.pts * base
            time = time + step if given is None else given
            yield time, frame


def _decoder(stream: av.VideoStream) -> Any:
    name = WITH_ALPHA.get(stream.codec_context.name)
    if name and stream.metadata.get("alpha_mode") == "1":
        return av.CodecContext.create(name, "r")
    return stream.codec_context


class _Canvas:
    """Draws decoded frames in RGB at the size and the way up that the first one is shown."""

    def __init__(self, frame: av.VideoFrame, aspect: Fraction | None) -> None:
        self.coded = frame.width, frame.height
        self.size = _display_size(*self.coded, aspect)
        require_size(*self.size)
        self.matrix = _display_matrix(frame)  # once: a frame that was asked for its side data is freed late
        self.reformatter = VideoReformatter()

    def draw(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame as it is shown, uint8[H, W, 3]."""
        options: dict[str, int] = {}
        if frame.colorspace == UNSPECIFIED and frame.height >= HIGH_DEFINITION:
            options["src_colorspace"] = int(Colorspace.ITU709)
        high_range = is_high_range(frame.color_trc)
        if frame.format.components[0].bits > 8 and not high_range:
            options["interpolation"] = EXACT  # else white is (253, 253, 253)
        alpha = any(component.is_alpha for component in frame.format.components)
        format = "rgb48le" if high_range else "rgba" if alpha else "rgb24"
        pixels: Any = self.reformatter.reformat(frame, *self.coded, format, **options).to_ndarray()
        if high_range:
            pixels = to_srgb(pixels, frame.color_trc)
        elif alpha:
            pixels = over_white(pixels)
        if self.size != self.coded:
            pixels = cv2.resize(pixels, self.size, interpolation=cv2.INTER_LINEAR)
        return _upright(pixels, *self.matrix)


def _display_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height in square pixels; of the two sides the one grows that must. Absurd aspects are ignored."""
    if not aspect or not 1 / WIDEST <= aspect <= WIDEST:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """a, b, c, d, each -1, 0 or 1: the pixel (x, y) is shown at (ax + cy, bx + dy)."""
    try:
        all_data: Any = frame.side_data
    except ValueError:  # PyAV has no name for some kinds of side data; it knows the angle nevertheless
        turn = np.exp(1j * np.radians(frame.rotation))
        return round(turn.real), -round(turn.imag), round(turn.imag), round(turn.real)
    for data in all_data:
        if data.type == Type.DISPLAYMATRIX:
            matrix = np.frombuffer(bytes(data), np.int32)[[0, 1, 3, 4]].astype(float)
            a, b, c, d = np.rint(matrix / max(1, np.abs(matrix).max())).astype(int).tolist()
            return a, b, c, d
    return 1, 0, 0, 1


def _upright(pixels: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """Turn and flip as the display matrix says. Browsers, too, ignore one with other angles than quarter turns."""
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
