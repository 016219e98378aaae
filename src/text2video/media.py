"""Clips (``uint8[T, H, W, 3]`` RGB) as the files that people watch.

Every writer leaves the old file or the new one whole, and raises UserError, in one line, when it cannot.
"""

import io
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import GifImagePlugin, Image

from text2video.errors import UserError
from text2video.files import atomic_write, replace_folder

SLUG_CHARACTERS, SLUG_BYTES = 40, 120  # some file systems take 143 bytes for a whole name


def slug(prompt: str) -> str:
    """A file-name part for any text: its letters and digits of any script, in lower case and NFC, and a single "-" for
    what is between; ASCII letters lose their accents. 1 to 40 characters, "prompt" where nothing is left.

    Two prompts may share a slug, so a file name needs a number too.
    """
    kept = ["-"]
    for character in unicodedata.normalize("NFKD", prompt).lower():
        kind = unicodedata.category(character)
        if kind[0] in "LN" or (kind[0] == "M" and not kept[-1].isascii()):  # a mark belongs to its letter
            kept.append(character)
        elif kind[0] != "M" and kind != "Cf" and kept[-1] != "-":
            kept.append("-")
    words = unicodedata.normalize("NFC", "".join(kept).strip("-"))[:SLUG_CHARACTERS]
    encoding = sys.getfilesystemencoding()  # ASCII, say: what it cannot write is left out
    return words.encode(encoding, "ignore")[:SLUG_BYTES].decode(encoding, "ignore").strip("-") or "prompt"


# --- writing ---------------------------------------------------------------------------------------


def save_gif(path: Path, clip: np.ndarray, fps: float = 10, scale: int = 1) -> None:
    """Write an endless GIF with every frame of ``clip``, each pixel enlarged ``scale`` (1..8) times.

    ``Image.save`` folds a frame that repeats the one before into its duration; a clip that stands still would
    lose its frames. So the frames are written one by one, with one palette for all: exact up to 256 colours.
    """
    check_clip(path, clip)
    if not 1 <= scale <= 8:
        raise UserError(f"cannot write {path}: a GIF is enlarged 1 to 8 times, not {scale}")
    size = (clip.shape[2] * scale, clip.shape[1] * scale)
    frames = [frame.resize(size, Image.Resampling.NEAREST) for frame in _palette_frames(clip)]
    ends = [round(100 * (number + 1) / fps) for number in range(len(frames))]  # a GIF counts in 1/100 s
    with atomic_write(path) as file:
        file.write(b"".join(GifImagePlugin.getheader(frames[0], info={"loop": 0})[0]))
        for frame, start, end in zip(frames, [0, *ends], ends, strict=False):
            file.write(b"".join(GifImagePlugin.getdata(frame, duration=10 * (end - start))))
        file.write(b";")


def _palette_frames(clip: np.ndarray) -> list[Image.Image]:
    """The frames as palette images that share one palette of at most 256 colours, without dithering."""
    frames, height, width, _ = clip.shape
    packed = clip.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, indices = np.unique(packed, return_inverse=True)
    if len(colours) <= 256:  # exact, which quantize() is not
        tall = Image.fromarray(indices.astype(np.uint8).reshape(frames * height, width)).convert("P")
        tall.putpalette((colours[:, None] >> np.array([16, 8, 0]) & 255).astype(np.uint8).tobytes())
    else:
        tall = Image.fromarray(clip.reshape(frames * height, width, 3))
        refine = 1 if indices.size < 1_000_000 else 0  # of a large picture of noise it would take minutes
        tall = tall.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=refine, dither=Image.Dither.NONE)
    return [tall.crop((0, top, width, top + height)) for top in range(0, frames * height, height)]


def save_mp4(path: Path, clip: np.ndarray, fps: float = 10) -> None:
    """Write H.264 in an MP4 (yuv420p, as players want). An odd side is padded by one pixel of its edge.

    x264's assembly makes other bytes of the same frames from run to run; its C does not.
    """
    _encode(path, clip, fps, "mp4", "libx264", {"crf": "12", "preset": "slow", "x264-params": "asm=0"})


def save_avi(path: Path, clip: np.ndarray, fps: float = 10) -> None:
    """Write the tutorial's AVI (XVID: MPEG-4 part 2). An odd side is padded by one pixel of its edge.

    The tutorial's ``cv2.VideoWriter`` has no setting for quality, and turns white into (251, 253, 250).
    """
    _encode(path, clip, fps, "avi", "mpeg4", {"b": "4000000", "qmin": "1"})


def _encode(path: Path, clip: np.ndarray, fps: float, container: str, codec: str, options: dict[str, str]) -> None:
    """Encode in memory with FFmpeg, then write. One thread, so that every run gives the same bytes."""
    clip = check_clip(path, clip)
    # 4:2:0 video has one colour for 2x2 pixels: the last row or column of an odd-sized clip is repeated.
    clip = np.pad(clip, ((0, 0), (0, clip.shape[1] % 2), (0, clip.shape[2] % 2), (0, 0)), mode="edge")
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format=container) as output:
            stream = output.add_stream(codec, rate=Fraction(fps), options=options)
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width = clip.shape[1:3]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            if container == "avi":
                stream.codec_context.codec_tag = "XVID"
            for frame in clip:
                output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            output.mux(stream.encode())
    except av.FFmpegError as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"cannot write {path}: FFmpeg says {reason}") from error
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def save_frames(folder: Path, clip: np.ndarray) -> None:
    """Write the frames as ``frame_0.png``, ``frame_1.png``, … into a folder that replaces ``folder``."""
    check_clip(folder, clip)
    with replace_folder(folder) as fresh:
        for number, frame in enumerate(clip):
            Image.fromarray(frame).save(fresh / f"frame_{number}.png")


def save_npy(path: Path, clip: np.ndarray) -> None:
    """Write the clip itself, exact, for ``numpy.load``."""
    check_clip(path, clip)
    content = io.BytesIO()  # NumPy hides why a file could not be written
    np.save(content, clip)
    with atomic_write(path) as file:
        file.write(content.getvalue())


def check_clip(path: Path, clip: np.ndarray) -> np.ndarray:
    """Refuse what is no ``uint8[T, H, W, 3]``, or is empty."""
    if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[3] != 3 or clip.size == 0:
        found = f"{clip.dtype}{list(clip.shape)}"
        raise UserError(f"{path}: a clip is uint8[T, H, W, 3] with at least one frame, not {found}")
    return clip
