"""The tutorial's layout: ``video_0/frame_0.png``, ``video_0/frame_1.png``, …, ``video_0/prompt.txt``."""

from pathlib import Path

from text2video.data.packed import PackedReader
from text2video.errors import UserError
from text2video.files import replace_folder, write_text
from text2video.media import save_frames


def export_folders(reader: PackedReader, folder: Path) -> None:
    """Write each clip of a store of clips as ``video_N`` in ``folder``, which must be new or empty.

    ``videos.folder`` reads them again. Raises UserError when the folder is neither, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; name a new folder to export to")
    with replace_folder(folder) as fresh:
        for number, caption in enumerate(reader.captions):
            save_frames(fresh / f"video_{number}", reader[number])
            write_text(fresh / f"video_{number}" / "prompt.txt", caption)
