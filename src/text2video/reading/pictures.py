"""Pictures, GIF and WebP as a browser shows them on a white page."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from text2video.reading.blocks import gif_frames

Picture = Callable[[], np.ndarray]  # draws a frame, uint8[H, W, 3]; to be called before the next one is asked for
FORMATS = ("GIF", "WEBP", "PNG", "JPEG", "BMP", "TIFF")
LARGEST = 1 << 26  # pixels of one frame: 8K video has half of it


def require_size(width: int, height: int) -> None:
    """Refuse, with ValueError, a picture that would fill the memory."""
    if width * height > LARGEST:
        raise ValueError(f"its frames of {width}x{height} are too large; {LARGEST:,} pixels are read at most")


def over_white(rgba: np.ndarray) -> np.ndarray:
    """Compose ``uint8[H, W, 4]`` with a white background: ``uint8[H, W, 3]``."""
    if rgba[..., 3].min() == 255:
        return rgba[..., :3].copy()
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
        grey[grey == image.info.get("transparency", -1)] = 65535
        return ((grey + 128) // 257).astype(np.uint8)[..., None].repeat(3, axis=2)
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:  # of a picture that had 16 bits before it was opened
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    if image.has_transparency_data:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def read_picture(path: Path) -> np.ndarray:
    """The picture in a file, ``uint8[H, W, 3]``. Its content counts, not its suffix."""
    with _open(path) as image:
        return to_rgb(image)


def read_gif(path: Path, durations: Sequence[int]) -> Iterator[tuple[float, Picture]]:
    """The frames of a GIF, which last ``durations`` milliseconds, with their times in seconds.

    The file's background colour is never seen: browsers clear to nothing. Raises ValueError or what Pillow raises when
    the file is broken.
    """
    time = 0
    canvas = np.zeros((0, 0, 4), np.uint8)
    with open(path, "rb") as file:
        for frame, duration in zip(gif_frames(file), durations, strict=True):
            left, top, width, height = frame.box
            if not canvas.size:
                size = max(frame.screen[0], left + width), max(frame.screen[1], top + height)
                require_size(*size)
                canvas = np.zeros((*size[::-1], 4), np.uint8)
            before = canvas.copy() if frame.disposal == 3 else canvas
            part = canvas[top : top + height, left : left + width]
            with _open(io.BytesIO(frame.picture)) as image:  # what sticks out of the canvas is not shown
                pixels = np.asarray(image.convert("RGBA"))[: part.shape[0], : part.shape[1]]
            np.copyto(part, pixels, where=pixels[..., 3:] > 0)
            yield time / 1000, partial(over_white, canvas)
            time += duration
            if frame.disposal == 2:
                part[:] = 0
            canvas = before
    if not durations:
        raise ValueError("it holds no frame")


def read_webp(path: Path, durations: Sequence[int]) -> Iterator[tuple[float, Picture]]:
    """The frames of an animated WebP, which last ``durations`` milliseconds, with their times in seconds.

    Raises what Pillow raises when the file is broken.
    """
    with _open(path) as image:
        time = 0
        for number, duration in enumerate(durations):
            image.seek(number)
            image.load()
            yield time / 1000, partial(to_rgb, image)
            time += duration


def _open(path: Path | BinaryIO) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is stricter
        image = Image.open(path, formats=FORMATS)
    require_size(*image.size)
    return image
