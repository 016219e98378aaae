"""Pictures, GIF and WebP as a browser shows them on a white page."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

Picture = Callable[
    [], np.ndarray
]  # draws a frame, uint8[H, W, 3]; to be called before the next one is asked for
FORMATS = ("GIF", "WEBP", "PNG", "JPEG", "BMP", "TIFF")
LARGEST = 1 << 26  # pixels of one frame: 8K video has half of it


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


def read_animation(path: Path, durations: Sequence[int]) -> Iterator[tuple[float, Picture]]:
    """The frames of a GIF or WebP, which last ``durations`` milliseconds, with their times in seconds.

    Raises ValueError or what Pillow raises when the file is broken.
    """
    with _open(path) as image:
        width, height = image.size
        time = 0
        for number, duration in enumerate(durations):
            image.seek(number)
            image.load()
            # A later frame of a GIF may stick out; browsers show the part inside.
            yield time / 1000, partial(_inside, image, height, width)
            time += duration


def _inside(image: Image.Image, height: int, width: int) -> np.ndarray:
    return to_rgb(image)[:height, :width]


def _open(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is stricter
        image = Image.open(path, formats=FORMATS)
    require_size(*image.size)
    return image
