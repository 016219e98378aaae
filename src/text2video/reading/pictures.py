"""Pictures and animations (PNG, APNG, GIF, WebP) as a browser shows them on a white page."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

Picture = Callable[
    [], np.ndarray
]  # draws a frame, uint8[H, W, 3]; to be called before the next one is asked for
ANIMATIONS = ("GIF", "WEBP", "PNG")
STILLS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
LARGEST = 1 << 26  # pixels of one frame: 8K video has half of it
SHORTEST, USUAL = 0.011, 0.1  # seconds: browsers show a frame that is to last less than the one for the other


def require_size(width: int, height: int) -> None:
    """Refuse, with ValueError, a picture that would fill the memory."""
    if width * height > LARGEST:
        raise ValueError(f"its frames of {width}x{height} are too large; {LARGEST:,} pixels are read at most")


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Compose ``uint8[H, W, 4]`` with a white background: ``uint8[H, W, 3]``."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def to_rgb(image: Image.Image) -> np.ndarray:
    """The pixels of ``image`` as ``uint8[H, W, 3]``: upright, over white, 16-bit greys scaled to 8.

    Raises ValueError for pixels without a known white, such as 32-bit numbers.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in {"I", "F"}:
        raise ValueError(f"its pixels are 32-bit numbers (mode {image.mode}); save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.uint32)
        white = grey == image.info["transparency"] if "transparency" in image.info else np.zeros_like(grey)
        return np.where(white, 255, (grey + 128) // 257).astype(np.uint8)[..., None].repeat(3, axis=2)
    if image.has_transparency_data:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def read_picture(path: Path) -> np.ndarray:
    """The picture in a file, ``uint8[H, W, 3]``. Its content counts, not its suffix."""
    with _open(path, STILLS) as image:
        return to_rgb(image)


def read_animation(path: Path) -> Iterator[tuple[float, Picture]]:
    """The frames of a GIF, WebP or (A)PNG with their times in seconds.

    Raises ValueError or what Pillow raises when the file is broken or cut short.
    """
    durations = gif_durations(path)
    with _open(path, ANIMATIONS) as image:
        time = 0.0
        for number in range(_hidden(image), len(durations) or getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            yield time, lambda: to_rgb(image)
            time += shown(image.info.get("duration", 0) / 1000)


def animation_timing(path: Path) -> tuple[float | None, int | None, float | None]:
    """Frames per second, number of frames and duration of an animation; None where only decoding would tell."""
    durations = gif_durations(path)
    if durations:
        return len(durations) / sum(durations), len(durations), sum(durations)
    with _open(path, ANIMATIONS) as image:
        return None, getattr(image, "n_frames", 1) - _hidden(image), None


def shown(duration: float) -> float:
    """How long a browser shows a frame of which the file says ``duration``, in seconds."""
    return duration if duration >= SHORTEST else USUAL


def _open(path: Path, formats: tuple[str, ...]) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is stricter
        image = Image.open(path, formats=formats)
    require_size(*image.size)
    return image


def _hidden(image: Image.Image) -> int:
    """1 when the first picture of an APNG is shown only by programs without animations."""
    return int(bool(image.info.get("default_image")))


# --- the blocks of a GIF ---------------------------------------------------------------------------


def gif_durations(path: Path) -> list[float]:
    """How long each frame of a GIF is shown, in seconds; nothing for other files.

    What follows the end of the animation is no part of it. Raises ValueError when a block is cut short.
    """
    with open(path, "rb") as file:
        if not file.read(6).startswith(b"GIF8"):
            return []
        _skip_colours(_take(file, 7)[4], file)
        durations, delay = [], 0.0
        while (kind := file.read(1)) not in {b"", b";"}:
            if kind == b",":
                _skip_colours(_take(file, 9)[8], file)
                _take(file, 1)
                _sub_blocks(file)
                durations.append(shown(delay))
                delay = 0.0
            elif kind == b"!":
                label, data = _take(file, 1), _sub_blocks(file)
                if label == b"\xf9" and len(data) >= 3:
                    delay = int.from_bytes(data[1:3], "little") / 100
    return durations


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it is cut short")
    return data


def _skip_colours(flags: int, file: BinaryIO) -> None:
    if flags & 0x80:
        _take(file, 3 << (flags & 7) + 1)


def _sub_blocks(file: BinaryIO) -> bytes:
    """Read up to the end of a chain of sub-blocks; the first one's data."""
    first = data = _take(file, _take(file, 1)[0])
    while data:
        data = _take(file, _take(file, 1)[0])
    return first
