"""The tutorial's layout, in and out: ``video_0/frame_0.png``, ``video_0/frame_1.png``, …, ``video_0/prompt.txt``."""

import re
from pathlib import Path

import numpy as np

from text2video.data.packed import PackedReader, PackedWriter
from text2video.errors import UserError
from text2video.files import decode_text, replace_folder, write_text
from text2video.media import save_frames
from text2video.reading import read_video

STORE = ("clips.bin", "index.json", ".DS_Store")  # what a folder with a store may hold


def export_folders(reader: PackedReader, folder: Path) -> None:
    """Write each clip of a store of clips as ``video_N`` in ``folder``, which must be new or empty.

    Raises UserError when it is neither, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; name a new folder to export to")
    with replace_folder(folder) as fresh:
        for number, caption in enumerate(reader.captions):
            save_frames(fresh / f"video_{number}", reader[number])
            write_text(fresh / f"video_{number}" / "prompt.txt", caption)


def import_folders(folder: Path, store: Path, fps: float = 10) -> None:
    """Pack the videos of ``folder``, in the order of their numbers, into a store. Pictures become RGB.

    Raises UserError, naming the file, when there are none, one cannot be read, their sizes differ, or the place of the
    store is taken by something else.
    """
    _require_room(Path(store))
    videos = _videos(Path(folder))
    first = read_video(videos[0])
    with PackedWriter(store, first.shape, np.uint8, fps) as writer:
        for video in videos:
            clip = read_video(video)
            if clip.shape != first.shape:
                raise UserError(
                    f"{video} is {_extent(clip)} and {videos[0]} is {_extent(first)}; a store holds clips of one size"
                )
            writer.append(clip[None], [_read_prompt(video / "prompt.txt")])


def _require_room(store: Path) -> None:
    """Raises UserError when a folder holds anything but a store, which a new store would remove."""
    others = [path.name for path in store.iterdir() if path.name not in STORE] if store.is_dir() else []
    if others:
        raise UserError(f"{store} holds {min(others)}, which is no part of a clip store; name a new folder")


def _videos(folder: Path) -> list[Path]:
    """The folders ``video_N``, by number."""
    found = {
        int(m[1]): path for path in folder.glob("video_*") if (m := re.fullmatch(r"video_(\d+)", path.name))
    }
    if not found:
        raise UserError(f"{folder} holds no video_0, video_1, …; name the folder that holds them")
    return [found[number] for number in sorted(found)]


def _read_prompt(file: Path) -> str:
    """The text of a prompt file, without the blanks and line ends around it. Raises UserError when there is none."""
    try:
        prompt = decode_text(file.read_bytes()).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read ({error}); each video needs its prompt there") from error
    if not prompt:
        raise UserError(f"{file} is blank; each video needs its prompt there")
    return prompt


def _extent(clip: np.ndarray) -> str:
    frames, height, width, _ = clip.shape
    return f"{frames} frames of {width}x{height}"
