"""Own videos as a data set: every layout and kind is found, cut, split without leaks and accounted for."""

import csv
import errno
import io
import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tiny import ROOT, make_repository, tiny_params, write_params

from text2video.check import check
from text2video.data.clips import cut_clips, fit_frame, nearest, window_times
from text2video.data.layouts import list_videos
from text2video.data.packed import PackedReader
from text2video.data.splits import CLIP_SPLITS, assign_splits
from text2video.errors import UserError
from text2video.layout import TEST_SPLITS, Layout
from text2video.media import save_avi, save_frames, save_gif, save_mp4
from text2video.params import Params
from text2video.reading import pictures, read_video
from text2video.sheets import contact_sheet, save_png
from text2video.synthesize import synthesize

FPS, FRAMES, SIZE = 10, 4, 16


def video_params(folder: Path, data: Any = (), runtime: Any = (), **videos: Any) -> Params:
    """Small clips of the videos in a folder."""
    return Params.model_validate(
        dict(
            tiny_params(
                data={"source": "videos", "size": SIZE, "frames": FRAMES, "fps": FPS, **dict(data)},
                videos={"folder": str(folder), **videos},
                runtime=dict(runtime),
            )
        )
    )


def grey(*levels: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """A clip of plain grey frames."""
    return np.stack([np.full((*size, 3), level, np.uint8) for level in levels])


def plain(level: int, frames: int = FRAMES) -> np.ndarray:
    """A clip of one grey."""
    return grey(*[level] * frames)


def save_stream(path: Path, clip: np.ndarray, fps: int = FPS, codec: str = "libx264", **options: Any) -> None:
    """A video in the container that the suffix says: with ``sound`` beside it, or ``turned`` by degrees when shown."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=fps, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = *clip.shape[1:3], "yuv420p"
        sound = output.add_stream("aac", rate=16_000) if options.get("sound") else None
        for picture in clip:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
        if sound:
            for number in range(2 * FPS):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.float32), format="fltp", layout="mono")
                silence.sample_rate, silence.pts = 16_000, 1600 * number
                output.mux(sound.encode(silence))
            output.mux(sound.encode())


def save_animation(path: Path, clip: np.ndarray, fps: int = FPS) -> None:
    """An animated WebP or PNG, without loss."""
    first, *rest = [Image.fromarray(picture) for picture in clip]
    first.save(path, save_all=True, append_images=rest, duration=1000 // fps, lossless=True)


def make_folder(folder: Path, number: int = 12, captions: int = 6) -> Path:
    """A folder of GIFs with text files of the same name; several share a caption."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(number):
        save_gif(folder / f"{n:03}.gif", plain(20 * (n % 12) + 5), FPS)
        (folder / f"{n:03}.txt").write_text(f"grey number {n % captions}")
    return folder


def found(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Caption and split of all videos that are taken."""
    return {v.name: (v.caption, v.split) for v in list_videos(folder).videos if not v.problem}


def left_out(folder: Path) -> dict[str, str]:
    """Why the other videos are not taken."""
    return {v.name: v.problem for v in list_videos(folder).videos if v.problem}


def stores(root: Path) -> dict[str, PackedReader]:
    """What the stage wrote."""
    layout = Layout(root)
    paths = {"train": layout.train, "validation": layout.validation}
    return {split: PackedReader(paths.get(split, layout.test / split)) for split in CLIP_SPLITS}


def rows(root: Path) -> list[dict[str, str]]:
    """``metrics/clips.csv``."""
    return list(csv.DictReader((root / "metrics" / "clips.csv").open(encoding="utf-8", newline="")))


def cut(path: Path, params: Params) -> np.ndarray:
    """The clips of one video."""
    file = io.BytesIO()
    n, _ = cut_clips(path, params.data, params.videos, file, lambda: None)
    shape = (params.data.frames, *params.data.height_width, 3)
    return np.frombuffer(file.getvalue(), np.uint8).reshape(n, *shape)


# ruff: noqa: RUF001  (names in other scripts)

# --- layouts ---------------------------------------------------------------------------------------------------------


def test_text_files_of_the_same_name(tmp_path: Path) -> None:
    """Captions as editors save them, names in any script, suffixes in capitals, hidden files of other systems."""
    names = {"a.mp4": b"a cat", "b.GIF": b"\xef\xbb\xbfa dog \r\n", "猫.mp4": "猫が歩く\r\n".encode(),
             "кот и пёс.gif": "пёс\nбежит".encode(), "d.e.gif": "kite".encode("utf-16")}  # fmt: skip
    for name, caption in names.items():
        (tmp_path / name).touch()
        (tmp_path / name).with_suffix(".txt").write_bytes(caption)
    for hidden in ("._a.mp4", ".DS_Store", "notes.txt"):
        (tmp_path / hidden).write_bytes(b"x")
    taken = {"a.mp4": "a cat", "b.GIF": "a dog", "猫.mp4": "猫が歩く", "кот и пёс.gif": "пёс бежит", "d.e.gif": "kite"}
    assert found(tmp_path) == {name: (caption, None) for name, caption in taken.items()}


@pytest.mark.parametrize("table", ["metadata.csv", "metadata.jsonl"])
def test_video_folder_with_its_splits(tmp_path: Path, table: str) -> None:
    """Hugging Face's VideoFolder; the names of its split folders decide, and other columns do not matter."""
    for folder in ("train", "validation", "test"):
        (tmp_path / folder / "clips").mkdir(parents=True)
        (tmp_path / folder / "clips" / "a.mp4").touch()
        row = {"width": 64, "file_name": "clips/a.mp4", "text": f'a "{folder}", seen'}
        if table.endswith("csv"):
            with (tmp_path / folder / table).open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerow(row)
        else:
            (tmp_path / folder / table).write_text(json.dumps(row) + "\n\n")
    assert found(tmp_path) == {
        f"{folder}/clips/a.mp4": (f'a "{folder}", seen', folder) for folder in ("train", "validation", "test")
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.csv", "path,text,num_frames,height\nv/a.mp4,a cat,10,64\n./v/b.mp4,a dog,10,64\n"),
        ("data.csv", "\ufeffvideo;caption\r\nv/a.mp4;a cat\r\nv\\b.mp4;a dog\r\n"),
        ("data.jsonl", '{"video_path": "v/a.mp4", "caption": "a cat"}\n{"video_path": "v/b.mp4", "caption": "a dog"}'),
        ("list.tsv", "Path\tPrompt\nv/a.mp4\ta cat\nv/b.mp4\ta dog"),
    ],
)  # fmt: skip
def test_tables_with_paths(tmp_path: Path, name: str, text: str) -> None:
    """CSV and JSONL with the names of columns that people use."""
    (tmp_path / "v").mkdir()
    for video in ("a.mp4", "b.mp4"):
        (tmp_path / "v" / video).touch()
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert found(tmp_path) == {"v/a.mp4": ("a cat", None), "v/b.mp4": ("a dog", None)}


def test_tables_named_for_a_split(tmp_path: Path) -> None:
    """train.csv and val.jsonl say where their videos belong; full paths into the folder do as well."""
    for video in ("a.mp4", "b.mp4"):
        (tmp_path / video).touch()
    (tmp_path / "train.csv").write_text(f"path,text\n{tmp_path / 'a.mp4'},a cat\n")
    (tmp_path / "val.jsonl").write_text('{"file_name": "b.mp4", "text": "a dog"}')
    assert found(tmp_path) == {"a.mp4": ("a cat", "train"), "b.mp4": ("a dog", "validation")}


def test_two_lists(tmp_path: Path) -> None:
    """prompts.txt and videos.txt, line by line; lists of different lengths are refused, for nothing would fit."""
    for video in ("a.mp4", "b.mp4"):
        (tmp_path / video).touch()
    (tmp_path / "videos.txt").write_bytes(b"a.mp4\r\nb.mp4\r\n")
    (tmp_path / "prompts.txt").write_bytes(b"a cat\n a dog \n\n")
    assert found(tmp_path) == {"a.mp4": ("a cat", None), "b.mp4": ("a dog", None)}
    (tmp_path / "prompts.txt").write_text("a cat\n")
    with pytest.raises(UserError, match=r"prompts\.txt has 1 lines and videos\.txt 2"):
        list_videos(tmp_path)


def test_folders_of_frames(tmp_path: Path) -> None:
    """The tutorial's own, and any numbered pictures with a caption inside or beside."""
    save_frames(tmp_path / "video_0", plain(9))
    (tmp_path / "video_0" / "prompt.txt").write_text("circle moving up\n")
    (tmp_path / "b").mkdir()
    for number in range(3, 7):
        Image.new("RGB", (8, 8)).save(tmp_path / "b" / f"img-{number:05}.jpg")
    (tmp_path / "b.txt").write_text("a square")
    assert found(tmp_path) == {"video_0": ("circle moving up", None), "b": ("a square", None)}
    assert len(cut(tmp_path / "b", video_params(tmp_path))) == 1


def test_animated_pictures_and_stills(tmp_path: Path) -> None:
    """WebP and PNG are videos when they move; numbered ones with captions are no frames; a still picture is none."""
    for name in ("1.webp", "2.png", "3.apng"):
        save_animation(tmp_path / name, grey(0, 80, 160, 240))
        (tmp_path / name).with_suffix(".txt").write_text(name)
    Image.new("RGB", (8, 8)).save(tmp_path / "still4.png")
    (tmp_path / "list.csv").write_text("file_name,text\nstill4.png,a still\n")
    assert found(tmp_path) == {name: (name, None) for name in ("1.webp", "2.png", "3.apng")}
    assert left_out(tmp_path) == {"still4.png": "it is no video"}
    for name in ("1.webp", "2.png", "3.apng"):
        np.testing.assert_array_equal(cut(tmp_path / name, video_params(tmp_path))[0], grey(0, 80, 160, 240))


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    """A tar of these members, with these very names."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_tars_are_read_where_they_lie(tmp_path: Path) -> None:
    """WebDataset: captions in text or JSON; a name that points elsewhere is a name; a cut tar keeps what it has."""
    save_gif(tmp_path / "x.gif", plain(50), FPS)
    gif = (tmp_path / "x.gif").read_bytes()
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    make_tar(
        folder / "train-000.tar",
        {
            "000.gif": gif, "000.txt": b"a cat",
            "001.gif": gif, "001.json": b'{"width": 3, "caption": "a dog"}',
            "../../002.gif": gif, "../../002.txt": b"a kite",
            "003.gif": gif, "004.json": b"{",
        },
    )  # fmt: skip
    make_tar(folder / "val-000.tar", {"a/000.gif": gif, "a/000.txt": b"a cat"})
    whole = (folder / "val-000.tar").read_bytes()
    (folder / "cut.tar").write_bytes(whole[: 512 + len(gif) // 2])
    assert found(folder) == {
        "train-000.tar/000.gif": ("a cat", "train"),
        "train-000.tar/001.gif": ("a dog", "train"),
        "train-000.tar/../../002.gif": ("a kite", "train"),
        "val-000.tar/a/000.gif": ("a cat", "validation"),
    }
    assert left_out(folder)["train-000.tar/003.gif"] == "it has no caption"
    assert "to its end" in left_out(folder)["cut.tar"]
    synthesize(video_params(folder), Layout(out))
    assert {split: len(store) for split, store in stores(out).items()} == {
        "train": 3 - len(stores(out)["unseen_clip"]) - len(stores(out)["unseen_caption"]),
        "validation": 1,
        "unseen_clip": len(stores(out)["unseen_clip"]),
        "unseen_caption": len(stores(out)["unseen_caption"]),
    }
    assert (stores(out)["train"][0] == 50).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "x.gif"]


def test_animations_are_told_from_stills_in_tars_and_behind_long_headers(tmp_path: Path) -> None:
    """A PNG or WebP is a video where its header says so, however long that is, also in a tar; a still picture is no
    video, in a tar neither."""
    save_animation(tmp_path / "1.webp", grey(0, 80))
    save_animation(tmp_path / "2.png", grey(0, 80))
    Image.new("RGB", (8, 8)).save(tmp_path / "still.webp")
    signed = PngInfo()
    signed.add_text("comment", "long " * 20_000)
    long = [Image.fromarray(frame) for frame in grey(0, 80)]
    long[0].save(tmp_path / "long.png", save_all=True, append_images=long[1:], duration=100, pnginfo=signed)
    pictures = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert pictures["long.png"].index(b"acTL") > 1 << 16
    captions = {f"{Path(name).stem}.txt": b"a cat" for name in pictures}
    folder = tmp_path / "in"
    folder.mkdir()
    make_tar(folder / "all.tar", pictures | captions)
    (folder / "long.png").write_bytes(pictures["long.png"])
    (folder / "long.txt").write_text("a dog")
    assert set(found(folder)) == {"long.png", "all.tar/long.png", "all.tar/1.webp", "all.tar/2.png"}
    assert "1 of its captions belong to no video" in left_out(folder)["all.tar"]


def test_a_table_counts_before_a_list_wherever_they_lie(tmp_path: Path) -> None:
    """And where a quote is never closed, the line that opens it is told."""
    (tmp_path / "train").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "train" / name).touch()
    (tmp_path / "videos.txt").write_text("train/a.mp4\ntrain/b.mp4\n")
    (tmp_path / "prompts.txt").write_text("listed\nlisted too\n")
    (tmp_path / "train" / "metadata.csv").write_text(
        'file_name,text\na.mp4,in the table\nb.mp4,"never closed\nc.mp4,x\n'
    )
    assert found(tmp_path) == {
        "train/a.mp4": ("in the table", "train"), "train/b.mp4": ("listed too", "train"),
    }  # fmt: skip
    assert "line 3 to 4 cannot be read" in "\n".join(list_videos(tmp_path).notes)


def test_tables_of_other_kinds_and_captions_of_other_kinds_are_told(tmp_path: Path) -> None:
    """Parquet and JSON are named with what to do; a list of captions is told from none."""
    for name in ("a.mp4", "b.mp4", "data.parquet", "captions.json"):
        (tmp_path / name).touch()
    (tmp_path / "list.jsonl").write_text(
        '{"file_name": "a.mp4", "caption": "a cat"}\n{"file_name": "b.mp4", "caption": ["a dog", "a fox"]}\n'
    )
    assert set(found(tmp_path)) == {"a.mp4"}
    notes = "\n".join(list_videos(tmp_path).notes)
    assert "captions.json, data.parquet): not taken, tables of this kind are not read here; save it as JSONL" in notes
    assert "list.jsonl: in 1 rows 'caption' is no text; give each row one caption" in notes


def test_layouts_may_be_mixed_and_what_was_taken_is_told(tmp_path: Path) -> None:
    """A table goes before a text file; the second caption of a video and useless tables are told."""
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "a.txt").write_text("from the text")
    (tmp_path / "b.txt").write_text("a dog")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.mp4,from the table\na.mp4,again\n")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    assert found(tmp_path) == {"a.mp4": ("from the table", None), "b.mp4": ("a dog", None)}
    assert left_out(tmp_path) == {"c.mp4": "it has no caption"}
    notes = "\n".join(list_videos(tmp_path).notes)
    for told in ("1 captions from metadata.csv", "1 captions from text files", "second caption, in metadata.csv",
                 "second caption, in a text file", "other.csv: not taken, it has no column file_name"):  # fmt: skip
        assert told in notes


def test_videos_without_a_good_caption_are_left_out(tmp_path: Path) -> None:
    """Missing, blank, not text, without a word; named and not there, or outside of the folder."""
    captions = {"a": b"\xef\xbb\xbf \r\n", "b": b"\xff\x00\xff", "c": b"?!", "d": None, "e": b"good"}
    for name, caption in captions.items():
        (tmp_path / f"{name}.mp4").touch()
        if caption is not None:
            (tmp_path / f"{name}.txt").write_bytes(caption)
    (tmp_path / "list.jsonl").write_text(
        '{"path": "gone.mp4", "text": "x"}\n{"path": "../out.mp4", "text": "x"}\n'
        '{"path": "e.mp4", "text": "\\ud800"}\n{"text": "x"}'
    )
    assert left_out(tmp_path) == {
        "a.mp4": "its caption is blank", "b.mp4": "its caption is no UTF-8 text; save it as UTF-8",
        "c.mp4": "its caption has no word", "d.mp4": "it has no caption", "e.mp4": "its caption is no valid text",
        "gone.mp4": "it is missing; its caption is in list.jsonl", "../out.mp4": "it lies outside of the folder",
    }  # fmt: skip
    assert "1 rows name no file" in "\n".join(list_videos(tmp_path).notes)


def test_captions_without_a_video_are_named(tmp_path: Path) -> None:
    """A text file of a name that no video has; a list's missing file by its path, wherever the list lies."""
    make_folder(tmp_path / "train", 3)
    for name in ("003.txt", "notes.TXT"):
        (tmp_path / "train" / name).write_text("a dog")
    (tmp_path / "train" / "metadata.csv").write_text("file_name,text\ngone.gif,a cat\n")
    save_frames(tmp_path / "frames", plain(9))
    (tmp_path / "frames" / "prompt.txt").write_text("a frame")
    (tmp_path / "videos.txt").write_text("train/000.gif\n")
    (tmp_path / "prompts.txt").write_text("the first")
    orphan = "it is the caption of no video"
    assert left_out(tmp_path) == {
        "train/003.txt": orphan, "train/notes.TXT": orphan,
        "train/gone.gif": "it is missing; its caption is in train/metadata.csv",
    }  # fmt: skip
    assert len(found(tmp_path)) == 4


def test_names_are_matched_as_people_see_them(tmp_path: Path) -> None:
    """A.TXT beside A.MP4; a letter and its accent as one character or as two; full paths through a linked folder."""
    composed, parted = "\u00e9", "e\u0301"
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    for video, text in (("A.MP4", "A.TXT"), (f"{parted}.mp4", f"{composed}.txt")):
        (real / video).touch()
        (real / text).write_text("a cat")
    (real / "b.mp4").touch()
    (real / "list.csv").write_text(f"path,text\n{real / 'b.mp4'},a dog\n")
    assert found(link) == {"A.MP4": ("a cat", None), f"{parted}.mp4": ("a cat", None), "b.mp4": ("a dog", None)}
    assert not left_out(link)


def test_a_damaged_table_keeps_its_good_lines(tmp_path: Path) -> None:
    """Commas without quotes, quotes in the middle, lines cut short: what can be read is taken, the rest is named."""
    for name in "abcdefg":
        (tmp_path / f"{name}.mp4").touch()
    lines = {
        "a.csv": "path,text\na.mp4,a cat, running\n",
        "b.csv": "text,path,fps\na dog,b.mp4,3,4\n",
        "c.tsv": 'path\ttext\nc.mp4\t"Stop" he says\n',
        "d.jsonl": '{"path": "d.mp4", "text": "a kite"}\n{"path": "a.mp4", "te',
        "e.tsv": 'path\ttext\ne.mp4\t"a bird\nsings"\n',
        "f.csv": 'path,"text\nf.mp4,a fish\n',
        "g.csv": '"id, source",path,text,fps\r1,g.mp4,a goat,24,,\r',
    }
    for name, text in lines.items():
        (tmp_path / name).write_text(text)
    assert found(tmp_path) == {
        "a.mp4": ("a cat, running", None), "c.mp4": ('"Stop" he says', None), "d.mp4": ("a kite", None),
        "e.mp4": ("a bird sings", None), "g.mp4": ("a goat", None),
    }  # fmt: skip
    notes = "\n".join(list_videos(tmp_path).notes)
    assert "b.csv: line 2 has more cells than the header" in notes
    assert "d.jsonl: line 2 cannot be read" in notes
    assert "f.csv: " in notes


def test_a_table_that_is_none_is_told_by_its_first_line(tmp_path: Path) -> None:
    """Other people's tables are not read to their end, however large; many of a kind are one note."""
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.txt").write_text("a cat")
    for number in range(30):
        (tmp_path / f"sensor{number:02}.csv").write_bytes(b"time,value\n" + b"\xff" * 100)
    (tmp_path / "prompts.txt").write_text("a cat\n")
    (tmp_path / "long.csv").write_text("path,text\n" + "x" * 300 + ".mp4,a dog\n")
    listing = list_videos(tmp_path)
    assert found(tmp_path) == {"a.mp4": ("a cat", None)}
    (note,) = (text for text in listing.notes if "sensor" in text)
    assert note.startswith("30 files (sensor00.csv, sensor01.csv, sensor02.csv, …): not taken, it has no column")
    assert "prompts.txt: not taken, there is no videos.txt beside it" in listing.notes
    assert "is missing" in left_out(tmp_path)["x" * 300 + ".mp4"]


def test_lines_of_lists_end_where_editors_end_them(tmp_path: Path) -> None:
    """Not at the separators of Unicode; a blank caption at the end is a caption."""
    for video in ("a.mp4", "b.mp4"):
        (tmp_path / video).touch()
    (tmp_path / "a.mp4").rename(tmp_path / "a\u202fPM  1.mp4")
    (tmp_path / "videos.txt").write_text("a\u202fPM  1.mp4\nb.mp4\n")
    (tmp_path / "prompts.txt").write_text("a cat\u2028sleeps\x0cwell\n\n")
    assert found(tmp_path) == {"a\u202fPM  1.mp4": ("a cat sleeps well", None)}
    assert left_out(tmp_path) == {"b.mp4": "its caption is blank"}


def test_no_caption_of_another_video_is_taken(tmp_path: Path) -> None:
    """In a tar, names with dots; one text file beside two videos; text of two bytes a letter without its mark."""
    save_gif(tmp_path / "x.gif", plain(50), FPS)
    gif = (tmp_path / "x.gif").read_bytes()
    make_tar(
        tmp_path / "t.tar",
        {
            "2023.01.01.gif": gif, "2023.01.01.txt": b"new year", "2023.12.24.gif": gif, "2023.12.24.txt": b"a tree",
            "2023.05.01.gif": gif, "2023.07.07.txt": b"lost", "000.left.gif": gif, "000.caption.txt": b"a cat",
            "009.txt": b"nobody",
        },
    )  # fmt: skip
    for name in ("a.flv", "a.gif", "a.mp4", "b.gif"):
        (tmp_path / name).write_bytes(gif)
    (tmp_path / "a.txt").write_text("a dog")
    (tmp_path / "b.txt").write_bytes("a bird".encode("utf-16-le"))
    assert found(tmp_path) == {
        "t.tar/2023.01.01.gif": ("new year", None), "t.tar/2023.12.24.gif": ("a tree", None),
        "t.tar/000.left.gif": ("a cat", None), "a.gif": ("a dog", None),
    }  # fmt: skip
    assert left_out(tmp_path) == {
        "t.tar/2023.05.01.gif": "it has no caption", "t.tar": "2 of its captions belong to no video",
        **dict.fromkeys(("a.flv", "a.mp4"), "another file of the same name has its caption"),
        "b.gif": "its caption is no text", "x.gif": "it has no caption",
    }  # fmt: skip


def test_a_tar_that_goes_on_behind_its_end_is_told(tmp_path: Path) -> None:
    """Two tars in one file, a damaged header in the middle; archives of other kinds, and tars without a video."""
    make_tar(tmp_path / "one.tar", {"0.mp4": b"x", "0.txt": b"a cat"})
    whole = (tmp_path / "one.tar").read_bytes()
    (tmp_path / "two.TAR").write_bytes(whole + whole)
    (tmp_path / "broken.tar").write_bytes(whole[:1024] + b"\x07" * 512 + whole[1536:])
    make_tar(tmp_path / "texts.tar", {"0.txt": b"a cat"})
    for name in ("a.zip", "b.tar.gz"):
        (tmp_path / name).write_bytes(b"PK")
    assert set(found(tmp_path)) == {"one.tar/0.mp4", "two.TAR/0.mp4"}
    reasons = left_out(tmp_path)
    assert "0.mp4" in " ".join(reasons)
    for name in ("two.TAR", "broken.tar"):
        assert "to its end" in reasons[name]
    assert reasons["texts.tar"] == "it holds no video"
    assert reasons["a.zip"] == reasons["b.tar.gz"] == "archives of this kind are not read here; unpack it"


def test_frames_and_what_lies_beside_them(tmp_path: Path) -> None:
    """A table or the source video in a folder of frames; numbered animations that a table above names."""
    save_frames(tmp_path / "video_0", plain(9))
    (tmp_path / "video_0" / "prompt.txt").write_text("a circle")
    (tmp_path / "video_0" / "boxes.csv").write_text("x,y\n1,2\n")
    (tmp_path / "video_0" / "source.mp4").touch()
    (tmp_path / "listed").mkdir()
    for name, text in {"a.mp4": "", "thumb_1.png": "", "videos.txt": "a.mp4\n", "prompt.txt": "a list\n"}.items():
        (tmp_path / "listed" / name).write_text(text)
    (tmp_path / "clips").mkdir()
    save_animation(tmp_path / "clips" / "0001.webp", grey(0, 80, 160, 240))
    (tmp_path / "clips" / "0002.png").write_bytes((tmp_path / "clips" / "0001.webp").read_bytes()[:18])
    (tmp_path / "data.jsonl").write_text('{"path": "clips/0001.webp", "text": "a cat"}')
    assert found(tmp_path) == {
        "video_0": ("a circle", None), "clips/0001.webp": ("a cat", None), "listed/a.mp4": ("a list", None)
    }  # fmt: skip
    assert left_out(tmp_path)["video_0/source.mp4"] == "it lies in a folder of frames"


# --- clips -----------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "a.mp4": save_mp4, "a.avi": save_avi, "a.gif": save_gif, "a.webp": save_animation, "a.apng": save_animation,
    "a.mov": save_stream, "a.mkv": save_stream, "folder": save_frames,
    "a.webm": lambda path, clip: save_stream(path, clip, codec="libvpx"),
    "sound.mp4": lambda path, clip: save_stream(path, clip, sound=True),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_is_cut(tmp_path: Path, name: str) -> None:
    """Eight greys at ten frames a second become two clips of four frames, in their order."""
    levels = [20, 50, 80, 110, 140, 170, 200, 230]
    KINDS[name](tmp_path / name, grey(*levels))
    clips = cut(tmp_path / name, video_params(tmp_path, windows=5))
    assert clips.shape == (2, FRAMES, SIZE, SIZE, 3)
    assert np.abs(clips.mean((2, 3, 4)).ravel() - levels).max() < 8


def test_pictures_are_as_fast_as_the_page_says(tmp_path: Path) -> None:
    """Eight pictures, twenty a second: one clip of every second one. A video that says its rate is left alone."""
    levels = [20, 50, 80, 110, 140, 170, 200, 230]
    save_frames(tmp_path / "folder", grey(*levels))
    np.save(tmp_path / "a.npy", grey(*levels))
    save_mp4(tmp_path / "a.mp4", grey(*levels))
    params = video_params(tmp_path, windows=5, pictures_fps=2 * FPS)
    for name, shown in (("folder", levels[::2]), ("a.npy", levels[::2]), ("a.mp4", levels)):
        clips = cut(tmp_path / name, params)
        assert np.abs(clips.mean((2, 3, 4)).ravel() - shown).max() < 8, name


@settings(max_examples=60)
@given(st.data())
def test_clips_are_the_nearest_frames(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever the times of the frames: each frame of a clip is the nearest one, as worked out from all times."""
    hundredths = data.draw(st.lists(st.integers(2, 60), min_size=1, max_size=24))
    fps, frames, windows = (data.draw(st.integers(*ends)) for ends in ((2, 30), (2, 6), (1, 3)))
    params = video_params(Path(), {"fps": fps, "frames": frames}, windows=windows)
    path = tmp_path_factory.mktemp("times") / "a.gif"
    pictures = [Image.fromarray(picture) for picture in grey(*[10 * n + 9 for n in range(len(hundredths))])]
    durations = [10 * hundredth for hundredth in hundredths]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, disposal=0)
    times = np.cumsum([0, *hundredths[:-1]]) / 100
    assert len(read_video(path)) == len(times)
    shown = (cut(path, params)[:, :, 0, 0, 0].astype(int) - 9) // 10
    ends = [sum(hundredths) / 100, times[-1] + (float(np.median(np.diff(times))) if len(times) > 1 else 1 / fps)]
    right = [nearest(times, window_times(end, params.data, windows).ravel()).tolist() for end in ends]
    assert shown.ravel().tolist() in right  # by the file's own length, or by that of its frames


@given(st.floats(0.05, 700), st.integers(1, 60), st.integers(2, 40), st.integers(1, 500))
def test_windows_do_not_overlap(duration: float, fps: int, frames: int, most: int) -> None:
    """As many as fit and are asked for, evenly spaced, inside of the video."""
    params = video_params(Path(), {"fps": fps, "frames": frames}).data
    times = window_times(duration, params, most)
    length = frames / fps
    assert len(times) == max(1, min(most, math.floor(duration / length + 2e-3)))
    starts = times[:, 0]
    if len(times) > 1:
        assert np.ptp(np.diff(starts)) < 1e-6
        assert np.diff(starts).min() > length * (1 - 1e-2)
    if duration >= length:
        assert starts[0] >= 0
        assert starts[-1] + length <= duration + 1e-6
        assert abs(starts[0] - (duration - starts[-1] - length)) < 1e-6


def test_short_videos_are_padded_or_left_out(tmp_path: Path) -> None:
    """By their last frame; half a frame of a clip is no reason."""
    save_gif(tmp_path / "a.gif", grey(10, 200), FPS)
    clips = cut(tmp_path / "a.gif", video_params(tmp_path))
    assert clips[0, :, 0, 0, 0].tolist() == [10, 200, 200, 200]
    with pytest.raises(UserError, match=r"too short: 0\.20 of 0\.40 seconds"):
        cut(tmp_path / "a.gif", video_params(tmp_path, short="skip"))
    save_stream(tmp_path / "b.mp4", plain(90, 11), fps=30)  # 0.37 s
    assert len(cut(tmp_path / "b.mp4", video_params(tmp_path, short="skip"))) == 1


def test_rates_are_resampled_in_time(tmp_path: Path) -> None:
    """Thirty frames a second give every third; five give each twice."""
    save_stream(tmp_path / "fast.mp4", grey(*range(20, 140, 10)), fps=30)
    save_stream(tmp_path / "slow.mp4", grey(60, 180), fps=5)
    params = video_params(tmp_path)
    assert np.abs(cut(tmp_path / "fast.mp4", params)[0, :, 0, 0, 0].astype(int) - [20, 50, 80, 110]).max() < 6
    assert np.abs(cut(tmp_path / "slow.mp4", params)[0, :, 0, 0, 0].astype(int) - [60, 60, 180, 180]).max() < 9


def test_jumping_changes_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips far apart in a long video are found without decoding what lies between them, and are the same."""
    n = np.arange(1200)
    bits = 255 * (n[:, None] >> np.arange(11) & 1).astype(np.uint8)  # each frame shows its number
    clip = np.repeat(bits.repeat(16, axis=1)[:, None, :, None].repeat(16, axis=1), 3, axis=3)
    for name in ("a.mp4", "a.mkv"):
        save_stream(tmp_path / name, clip, fps=30)
        params = video_params(tmp_path, {"size": [16, 176]}, windows=3)
        decoded, shown = [], []
        for far in (10.0, 1e9):
            monkeypatch.setattr("text2video.data.clips.FAR", far)
            monkeypatch.setattr("text2video.reading.containers.FAR", far / 2)
            file, calls = io.BytesIO(), itertools.count()
            assert cut_clips(tmp_path / name, params.data, params.videos, file, partial(next, calls)) == (3, 0)
            found = np.frombuffer(file.getvalue(), np.uint8).reshape(12, 16, 11, 16, 3).mean((1, 3, 4)) > 127
            shown.append((found << np.arange(11)).sum(1).tolist())
            decoded.append(next(calls))
        assert shown[0] == shown[1]
        assert np.diff(shown[0])[:3].tolist() == [3, 3, 3]
        assert decoded[0] < 0.7 * decoded[1]


def test_frames_are_fitted(tmp_path: Path) -> None:
    """A wide picture with a white left half: cropped, between bars, or stretched; to any height and width."""
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, :48] = 255
    halves = np.zeros((16, 32, 3), np.uint8)
    halves[:, :16] = 255
    np.testing.assert_array_equal(fit_frame(wide, 16, 32, "crop"), halves)
    np.testing.assert_array_equal(fit_frame(wide, 16, 32, "stretch"), halves)
    padded = fit_frame(wide, 32, 48, "pad")
    np.testing.assert_array_equal(padded[8:24], wide[::2, ::2])
    assert not padded[:8].any()
    assert not padded[24:].any()
    assert fit_frame(wide, 8, 8, "crop").shape == (8, 8, 3)
    save_gif(tmp_path / "a.gif", np.stack([wide] * FRAMES), FPS)
    assert cut(tmp_path / "a.gif", video_params(tmp_path, {"size": [16, 32]})).shape == (1, FRAMES, 16, 32, 3)


def test_shrinking_averages_areas() -> None:
    """A chequered board becomes grey, and not whichever pixel was hit."""
    board = np.indices((64, 64)).sum(0) % 2 * 255
    frame = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    assert np.abs(fit_frame(frame, 16, 16, "crop").astype(int) - 128).max() <= 1
    assert (fit_frame(frame, 64, 64, "pad") == frame).all()


@settings(max_examples=30)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["crop", "pad", "stretch"]))
def test_any_size_is_fitted(height: int, width: int, fit: Any) -> None:
    """A plain picture of any size stays plain, but for the bars."""
    frame = fit_frame(np.full((height, width, 3), 77, np.uint8), 24, 16, fit)
    assert frame.shape == (24, 16, 3)
    assert set(np.unique(frame)) <= ({77, 0} if fit == "pad" else {77})


# --- splits ----------------------------------------------------------------------------------------------------------


def split_up(captions: Sequence[Any], given_splits: Sequence[Any], *shares: float, seed: int) -> list[str]:
    """The splits of videos called 0, 1, 2, …"""
    return assign_splits(list(map(str, range(len(captions)))), captions, given_splits, *shares, seed)


@given(st.data())
def test_splits_do_not_leak(data: st.DataObject) -> None:
    """No caption of unseen_caption is trained on, given folders are kept, and train and validation are never empty."""
    captions = data.draw(st.lists(st.integers(0, 9), min_size=2, max_size=40))
    kinds = data.draw(st.sampled_from([[None], ["train", "validation"], ["train", "test", None], [*"?"]]))
    drawn = st.lists(st.sampled_from(kinds), min_size=len(captions), max_size=len(captions))
    given_splits = [None if kind == "?" else kind for kind in data.draw(drawn)]
    shares = [data.draw(st.floats(0, 1)) for _ in range(2)]
    try:
        splits = split_up(captions, given_splits, *shares, seed=data.draw(st.integers(0, 9)))
    except UserError:
        pool = sum(split in (None, "train") for split in given_splits)
        assert pool < (1 if "validation" in given_splits else 2)
        return
    by_split = {name: [c for c, s in zip(captions, splits, strict=True) if s == name] for name in CLIP_SPLITS}
    assert by_split["train"]
    assert by_split["validation"]
    assert not set(by_split["unseen_caption"]) & set(by_split["train"])
    assert set(by_split["unseen_clip"]) <= set(by_split["train"])
    for kind, split in zip(given_splits, splits, strict=True):
        assert {"validation": split == "validation", "test": split.startswith("unseen")}.get(str(kind), True)
        assert not split.startswith("unseen") or "test" not in given_splits or kind == "test"
        assert split != "validation" or "validation" not in given_splits or kind == "validation"


def test_a_share_of_all_leaves_one_to_train_on() -> None:
    """Also where a folder of test videos is given and validation takes the whole share."""
    splits = split_up([0] * 4, ["train", "train", "train", "test"], 1.0, 0.0, seed=0)
    assert sorted(splits) == ["train", "unseen_clip", "validation", "validation"]


def test_shares_are_held_out_by_the_seed() -> None:
    """A tenth of the captions and a tenth of the other clips; another seed holds out others."""
    captions = [n % 50 for n in range(1000)]
    splits = [split_up(captions, [None] * 1000, 0.1, 0.1, seed=seed) for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]
    counts = {name: splits[0].count(name) for name in CLIP_SPLITS}
    assert counts == {"train": 810, "validation": 45, "unseen_clip": 45, "unseen_caption": 100}
    alone = split_up(range(100), [None] * 100, 0.1, 0.1, seed=0)
    assert {name: alone.count(name) for name in CLIP_SPLITS} == {
        "train": 81, "validation": 5, "unseen_clip": 0, "unseen_caption": 14,
    }  # fmt: skip


@given(new=st.text(max_size=9), seed=st.integers(0, 9), captions=st.integers(1, 400))
def test_another_video_moves_few_of_the_others(new: str, seed: int, captions: int) -> None:
    """Else the figures of a folder that grows could not be compared, and what was tested on would be trained on."""
    names = [f"{n}.mp4" for n in range(400)]
    told = [f"caption {n % captions}" for n in range(400)]
    before = assign_splits(names, told, [None] * 400, 0.2, 0.1, seed)
    after = assign_splits([new, *names], [new, *told], [None] * 401, 0.2, 0.1, seed)[1:]
    moved = [n for n, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    assert len({told[n] for n in moved}) <= 4


def test_a_caption_that_is_held_out_is_so_in_all_its_forms(tmp_path: Path) -> None:
    """The model reads "the cat is running" as "A cat runs": none is trained on when the other is tested on."""
    forms = "A {} runs.", "the {} is running", "{}s run", "Please show a {} that runs!"
    animals = ["cat", "dog", "kite", "fox", "ant", "crow"]
    for n, (animal, form) in enumerate(itertools.product(animals, forms)):
        save_gif(tmp_path / f"{n}.gif", plain(10 * n + 5), FPS)
        (tmp_path / f"{n}.txt").write_text(form.format(animal))
    out = tmp_path / "out"
    synthesize(video_params(tmp_path, held_out_captions=0.5, held_out_clips=0.0), Layout(out))
    unseen, *trained = (
        {animal for caption in stores(out)[split].captions for animal in animals if animal in caption}
        for split in ("unseen_caption", "train", "validation")
    )
    assert len(unseen) == 3
    assert not unseen & set().union(*trained)


def test_copies_on_both_sides_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model is not tested by what it was trained on."""
    for split, level in (("train", 9), ("train", 50), ("test", 50), ("test", 90), ("validation", 120)):
        folder = tmp_path / "in" / split
        folder.mkdir(parents=True, exist_ok=True)
        save_gif(folder / f"{level}.gif", plain(level), FPS)
        (folder / f"{level}.txt").write_text(f"grey of {split}")
    synthesize(video_params(tmp_path / "in"), Layout(tmp_path / "out"))
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  copies")]
    assert len(told) == 1
    assert "copies                 1: held out" in told[0]
    assert "test/50.gif" in told[0]


def test_a_network_that_fails_is_not_the_videos_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the stage would end well without the video, and DVC would keep that."""

    def fail(*_: Any) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    folder = make_folder(tmp_path / "in", 4)
    monkeypatch.setattr(pictures, "read_gif", fail)
    with pytest.raises(UserError, match=r"cannot be read now.*run the stage again"):
        synthesize(video_params(folder), Layout(tmp_path / "out"))


# --- the stage -------------------------------------------------------------------------------------------------------


def test_everything_is_accounted_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Good ones are taken, each other one has its reason in the table and on the screen; the folder stays as it was."""
    folder, out = make_folder(tmp_path / "own", 20), tmp_path / "out"
    wide = np.tile(np.linspace(0, 255, 32, dtype=np.uint8)[:, None, None], (1, 16, 3))  # a picture on its side
    save_stream(folder / "sound.mp4", plain(90), sound=True)
    save_stream(folder / "猫.mkv", np.stack([wide] * FRAMES))
    save_mp4(folder / "cut.mp4", np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8))
    (folder / "cut.mp4").write_bytes((folder / "cut.mp4").read_bytes()[:-4000])
    (folder / "broken.mp4").write_bytes(b"no video")
    save_gif(folder / "short.gif", plain(5, 2), FPS)
    (folder / "orphan.txt").write_text("no video")
    for name in ("sound", "猫", "cut", "broken", "short"):
        (folder / f"{name}.txt").write_text(f"{name} number 1")
    (folder / "nameless.mp4").write_bytes((folder / "sound.mp4").read_bytes())
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}
    synthesize(video_params(folder, short="skip"), Layout(out))
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())} == before
    table = {row["file"]: row for row in rows(out)}
    reasons = {name: row["left_out"] for name, row in table.items() if row["left_out"]}
    assert set(reasons) == {"cut.mp4", "broken.mp4", "short.gif", "nameless.mp4", "orphan.txt"}
    assert "too short" in reasons["short.gif"]
    assert "caption" in reasons["nameless.mp4"]
    assert str(folder) not in "".join(reasons.values())
    taken = stores(out)
    for split, store in taken.items():
        assert store.captions == [row["caption"] for row in table.values() if row["split"] == split]
        assert store.labels is None
        assert store.fps == FPS
    assert sum(map(len, taken.values())) == 22
    assert table["猫.mkv"]["split"] in CLIP_SPLITS
    said = capsys.readouterr().err
    for reason, name in {**{r: n for n, r in reasons.items()}}.items():
        assert f"1: {reason} ({name})" in said
    pictures = sorted(path.suffix for path in (out / "metrics" / "data").iterdir())
    assert pictures[-1] == ".png"
    assert pictures.count(".gif") >= 4
    train = taken["train"]
    shown = [read_video(path) for path in (out / "metrics" / "data").glob("train*.gif")]
    assert all(any((clip == train[n]).all() for n in range(len(train))) for clip in shown)


@pytest.mark.parametrize(
    ("folders", "captions", "said"),
    [
        (["", ""], 6, []),
        (["", ""], 2, ["held out 0 captions: there are too few for videos.held_out_captions"]),
        (["train"], 2, ["(train 8)", "held out 0 captions: there are too few for videos.held_out_captions"]),
        (["train", "val"], 6, ["(train 8, validation 8)"]),
        (["", "test"], 6, ["(test 8), so videos.held_out_captions holds out no caption"]),
        (["dev", "train", "Testing"], 6, [
            "(train 8, validation 8, test 8), so videos.held_out_captions and videos.held_out_clips hold out nothing"
        ]),
    ],
    ids=["no names", "few captions", "train", "train and val", "test", "all three"],
)  # fmt: skip
def test_it_is_said_why_no_caption_is_held_out(
    folders: list[str], captions: int, said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that happens to be called test replaces the captions that the seed would hold out: in one line."""
    for name in folders:
        make_folder(tmp_path / "own" / name, 8, captions)
    synthesize(video_params(tmp_path / "own", held_out_captions=0.2), Layout(tmp_path))
    lines = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    by_name = f"named {8 * len(folders) if 'train' in folders else 8}: split by the name of their folder, table or tar "
    assert [line.removeprefix(by_name) for line in lines if line.startswith(("named", "held out"))] == said


def test_captions_of_other_scripts_are_found_from_the_sheet(tmp_path: Path) -> None:
    """The font has no letter of them: the sheet names the line of clips.csv instead."""
    folder = make_folder(tmp_path / "own", 6)
    for file in folder.glob("*.txt"):
        file.write_text("猫が走る " + "🐈" * int(file.stem), encoding="utf-8")
    synthesize(video_params(folder), Layout(tmp_path))
    train = PackedReader(tmp_path / "data" / "train")
    lines = [f"line {number} of clips.csv" for number, row in enumerate(rows(tmp_path), 2) if row["split"] == "train"]
    assert len(lines) == len(train) > 2
    save_png(tmp_path / "expected.png", contact_sheet(list(train[:]), lines, columns=2))
    assert (tmp_path / "metrics" / "data" / "sheet.png").read_bytes() == (tmp_path / "expected.png").read_bytes()


def test_padded_videos_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has the number of repeated frames of each, the screen the number of videos and some names."""
    folder = make_folder(tmp_path / "own", 8)
    for name, frames in (("one", 1), ("three", 3)):
        save_gif(folder / f"{name}.gif", plain(5, frames), FPS)
        (folder / f"{name}.txt").write_text("short")
    save_stream(folder / "nearly.mp4", plain(90, 11), fps=30)  # .37 of .4 seconds
    (folder / "nearly.txt").write_text("short")
    synthesize(video_params(folder), Layout(tmp_path))
    assert {row["file"]: row["padded"] for row in rows(tmp_path) if row["padded"] != "0"} == {
        "one.gif": "3",
        "three.gif": "1",
    }
    said = capsys.readouterr().err
    assert "padded" in said
    assert "2: shorter than a clip of 0.40 seconds, the last frame is repeated (one.gif, three.gif)" in said


def test_videos_that_phones_turn_are_upright(tmp_path: Path) -> None:
    """A file of 32x16 pixels that says "turn me" is shown, and cut, as a tall one."""
    clip = np.zeros((FRAMES, 16, 32, 3), np.uint8)
    clip[:, :, :16] = 255  # left half white
    save_mp4(tmp_path / "plain.mp4", clip)
    data = bytearray((tmp_path / "plain.mp4").read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the display matrix of version 0
    one = 1 << 16
    data[at : at + 20] = b"".join(n.to_bytes(4, "big", signed=True) for n in (0, one, 0, -one, 0))
    (tmp_path / "turned.mp4").write_bytes(data)
    upright = cut(tmp_path / "turned.mp4", video_params(tmp_path, {"size": [32, 16]}))[0, 0]
    assert upright[:14].mean() > 230
    assert upright[18:].mean() < 25


@pytest.mark.parametrize("windows", [1, 3])
def test_nothing_depends_on_the_number_of_workers(tmp_path: Path, windows: int) -> None:
    """The same bytes of stores, table and pictures from one worker and from three."""
    folder = make_folder(tmp_path / "own")
    save_stream(folder / "long.mp4", grey(*np.arange(10, 250, 2)))
    (folder / "long.txt").write_text("longer than the others")
    for threads in (1, 3):
        params = video_params(folder, runtime={"threads": threads}, windows=windows)
        synthesize(params, Layout(tmp_path / str(threads)))
    files = {path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file()}
    assert {path.relative_to(tmp_path / "3") for path in (tmp_path / "3").rglob("*") if path.is_file()} == files
    assert len(files) > 9
    one, three = ([(tmp_path / name / file).read_bytes() for file in sorted(files)] for name in "13")
    assert one == three
    places = {row["split"] for row in rows(tmp_path / "1") if row["file"] == "long.mp4"}
    assert len(places) == 1, "the windows of one video are in one split"


def test_the_folder_may_be_a_link_and_read_only(tmp_path: Path) -> None:
    """Nothing is written there, and links to files are files; a link to a folder is told, for DVC does not watch it."""
    folder = make_folder(tmp_path / "own")
    os.symlink(tmp_path / "own" / "000.gif", folder / "also.gif")
    (folder / "also.txt").write_text("a link")
    os.symlink(make_folder(tmp_path / "more", 1), folder / "more")
    os.symlink(folder, tmp_path / "link")
    for path in [*folder.iterdir(), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        synthesize(video_params(tmp_path / "link"), Layout(tmp_path / "out"))
    finally:
        folder.chmod(0o755)
    assert len(rows(tmp_path / "out")) == 13
    assert "more is a link to a folder" in "".join(list_videos(tmp_path / "link").notes)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (None, "is missing"),
        ([], "no video at all"),
        (["a.mp4", "b.mp4"], "2 videos: it has no caption"),
        (["a.txt"], "no video at all"),
    ],
)
def test_nothing_to_take_is_an_error_before_anything_is_touched(
    tmp_path: Path, files: list[str] | None, says: str
) -> None:
    """Stage check says so, in one line with the folder's name, and the stage itself does."""
    folder = tmp_path / "own"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).write_text("x")
    for work in (check, synthesize):
        with pytest.raises(UserError, match=says) as error:
            work(video_params(folder), Layout(tmp_path))
        assert str(folder) in str(error.value)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "data").exists()


def test_nothing_that_can_be_decoded_is_an_error(tmp_path: Path) -> None:
    """Also one good video alone; the stores of before stay as they were, and no half-written one lies about."""
    folder, layout = make_folder(tmp_path / "own", 4), Layout(tmp_path)
    synthesize(video_params(folder), layout)
    before = {path: path.read_bytes() for path in layout.train.parent.rglob("*") if path.is_file()}
    for number in range(4):
        (folder / f"{number:03}.gif").write_bytes(b"GIF8 no more")
        if number >= 2:
            with pytest.raises(UserError, match=r"nothing of .* could be taken|at least two are needed"):
                synthesize(video_params(folder), layout)
    assert all(row["left_out"] and row["file"] for row in rows(tmp_path)), "each file is told, also then"
    assert {path: path.read_bytes() for path in layout.train.parent.rglob("*") if path.is_file()} == before


def test_no_file_ends_the_work_on_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library raises for a broken file, that file is left out; a link to nothing is told without paths."""
    folder = make_folder(tmp_path / "own", 4)
    (folder / "000.gif").unlink()
    (folder / "000.gif").symlink_to(tmp_path / "gone.gif")
    tried = cut_clips

    def fail(path: Path, *rest: Any) -> tuple[int, int]:
        if path.name == "001.gif":
            raise KeyError(34712)
        return tried(path, *rest)

    monkeypatch.setattr("text2video.data.videos.cut_clips", fail)
    synthesize(video_params(folder), Layout(tmp_path))
    assert [row["left_out"] for row in rows(tmp_path)] == [
        "it is missing; check the path", "it cannot be read (KeyError: 34712)", "", ""
    ]  # fmt: skip


def test_two_videos_are_enough(tmp_path: Path) -> None:
    """One to train on, one for validation; the test stores are there and empty."""
    synthesize(video_params(make_folder(tmp_path / "own", 2)), Layout(tmp_path))
    assert {split: len(store) for split, store in stores(tmp_path).items()} == {
        "train": 1, "validation": 1, "unseen_clip": 0, "unseen_caption": 0,
    }  # fmt: skip


def test_the_check_asks_for_what_the_source_needs(tmp_path: Path) -> None:
    """Videos do not need a possible world, and a world needs no folder of videos."""
    page = tiny_params(data={"source": "videos"}, world={"shapes": ["hexagon"]},
                       videos={"folder": str(make_folder(tmp_path / "own"))})  # fmt: skip
    check(Params.model_validate(dict(page)), Layout(tmp_path))
    assert Layout(tmp_path).checked.exists()
    check(Params.model_validate(dict(tiny_params(videos={"folder": "nowhere"}))), Layout(tmp_path))


def test_the_stores_of_another_source_go(tmp_path: Path) -> None:
    """From drawn clips to videos and back: only the test stores of the present source are there."""
    layout = Layout(tmp_path)
    drawn = Params.model_validate(dict(tiny_params()))
    for params, splits in (
        (drawn, {*TEST_SPLITS, "prompts"}),
        (video_params(make_folder(tmp_path / "own")), {"unseen_clip", "unseen_caption"}),
        (drawn, {*TEST_SPLITS, "prompts"}),
    ):
        synthesize(params, layout)
        assert {path.name for path in layout.test.iterdir()} == splits
    assert [row["split"] for row in rows(tmp_path)][:2] == ["train", "validation"]
    assert sum(int(row["clips"]) for row in rows(tmp_path) if row["split"] == "train") == 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    """In the middle of a long video: soon over, with the code of the signal, and nothing in the data folder."""
    own = tmp_path / "own"
    own.mkdir()
    names = "abcdefghijklmnopqrst"
    save_stream(own / "a.mp4", np.zeros((200, 360, 640, 3), np.uint8), fps=30)
    for name in names[1:]:
        shutil.copy(own / "a.mp4", own / f"{name}.mp4")
    for name in names:
        (own / f"{name}.txt").write_text("dark")
    page = tiny_params(data={"source": "videos"}, videos={"folder": str(own), "windows": 1000})
    write_params(tmp_path / "params.yaml", page)
    command = [sys.executable, "-m", "stages.synthesize", "--root", str(tmp_path)]
    heard = partial(signal.signal, number, signal.SIG_DFL)  # what a shell runs in the background is deaf to Ctrl-C
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as stage:
        for _ in range(3000):
            if list((tmp_path / "data").glob(".clips.*")) or stage.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(0.3)
        began = time.monotonic()
        stage.send_signal(number)
        _, said = stage.communicate(timeout=60)
    assert stage.returncode == 128 + number, said
    assert time.monotonic() - began < 30
    assert not list((tmp_path / "data").iterdir())
    assert "Traceback" not in said


# --- the pipeline ----------------------------------------------------------------------------------------------------


def test_dvc_watches_the_folder(tmp_path: Path) -> None:
    """A changed video reruns the stage, nothing else does, under a full path and through a link in the repository."""
    pipeline, own = make_repository(tmp_path / "repository"), make_folder(tmp_path / "own", 6)
    page, again = pipeline.folder / "params.yaml", "Running stage 'synthesize'"
    write_params(page, tiny_params(data={"source": "videos"}, videos={"folder": str(own)}))
    assert again in pipeline.dvc("repro", "synthesize")
    save_gif(own / "000.gif", plain(250), FPS)
    assert again in pipeline.dvc("repro", "synthesize")
    os.symlink(own, pipeline.folder / "data" / "raw" / "link")
    write_params(page, tiny_params(data={"source": "videos"}, videos={"folder": "data/raw/link"}))
    assert again in pipeline.dvc("repro", "synthesize")
    assert "up to date" in pipeline.dvc("repro", "synthesize")
    (own / "000.txt").write_text("something else")
    assert again in pipeline.dvc("repro", "synthesize")
    assert "something else" in {row["caption"] for row in rows(pipeline.folder)}
    changed = {line[3:] for line in pipeline.git("status", "--porcelain").splitlines()}
    assert changed == {"params.yaml", "dvc.lock"}
