"""Video files: every frame, its colours and its time survive; a broken file or a full disk is one line."""

import contextlib
import errno
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from text2video import media, reading, sheets
from text2video.errors import UserError

WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {
    "gif": media.save_gif,
    "mp4": media.save_mp4,
    "avi": media.save_avi,
    "npy": media.save_npy,
}


def moving_square(frames: int = 10, height: int = 64, width: int = 64) -> np.ndarray:
    """A red square that moves to the right on white."""
    clip = np.full((frames, height, width, 3), 255, np.uint8)
    for frame in range(frames):
        clip[frame, 20:40, 3 * frame : 3 * frame + 20] = (255, 0, 0)
    return clip


CLIPS = {
    "moving": moving_square(),
    "still": moving_square(1).repeat(10, axis=0),
    "half still": moving_square(5).repeat(2, axis=0),
    "blank": np.full((10, 64, 64, 3), 255, np.uint8),
    "one frame": moving_square(1),
    "256 greys": np.arange(256, dtype=np.uint8).repeat(48).reshape(4, 32, 32, 3),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_gif_keeps_every_frame_colour_and_tenth_of_a_second(name: str, tmp_path: Path) -> None:
    """Pillow on its own folds repeated frames into one; motion could not be judged from such a file."""
    path = tmp_path / "clip.gif"
    media.save_gif(path, CLIPS[name], fps=10)
    np.testing.assert_array_equal(reading.read_video(path), CLIPS[name])
    with Image.open(path) as gif:
        for frame in range(len(CLIPS[name])):
            gif.seek(frame)
            assert gif.info["duration"] == 100
        assert gif.info["loop"] == 0


def test_a_gif_of_three_frames_per_second_does_not_drift(tmp_path: Path) -> None:
    """A GIF counts in hundredths: the rounding is spread over the frames instead of added up."""
    media.save_gif(tmp_path / "clip.gif", moving_square(6), fps=3)
    with Image.open(tmp_path / "clip.gif") as gif:
        durations = []
        for frame in range(6):
            gif.seek(frame)
            durations.append(gif.info["duration"])
    assert sum(durations) == 2000
    assert set(durations) <= {330, 340}


def test_a_gif_can_be_enlarged_without_blur(tmp_path: Path) -> None:
    """64 pixels are tiny on a screen: each becomes a block."""
    media.save_gif(tmp_path / "clip.gif", CLIPS["moving"], scale=3)
    np.testing.assert_array_equal(
        reading.read_video(tmp_path / "clip.gif"), CLIPS["moving"].repeat(3, axis=1).repeat(3, axis=2)
    )
    with pytest.raises(UserError, match="enlarged"):
        media.save_gif(tmp_path / "other.gif", CLIPS["moving"], scale=0)


def test_a_gif_of_many_colours_stays_close(tmp_path: Path) -> None:
    """A generated clip has thousands of near-whites and one small object: the palette must hold both."""
    noise = np.random.default_rng(0).normal(0, 6, (10, 64, 64, 3))
    clip = np.clip(moving_square().astype(float) - 8 + noise, 0, 255).astype(np.uint8)
    media.save_gif(tmp_path / "clip.gif", clip)
    difference = np.abs(reading.read_video(tmp_path / "clip.gif").astype(int) - clip)
    assert difference.mean() < 5
    assert difference.max() < 40


@pytest.mark.parametrize("kind", ["mp4", "avi", "npy"])
@pytest.mark.parametrize("name", CLIPS)
def test_a_video_round_trips(kind: str, name: str, tmp_path: Path) -> None:
    """Frame count, size and colours survive, repeated frames and single ones too."""
    path = tmp_path / f"clip.{kind}"
    WRITERS[kind](path, CLIPS[name])
    back = reading.read_video(path)
    assert back.shape == CLIPS[name].shape
    assert np.abs(back.astype(int) - CLIPS[name]).mean() < (10 if name == "256 greys" else 2)


@pytest.mark.parametrize("kind", ["mp4", "avi"])
def test_other_programs_see_red_and_ten_frames_per_second(kind: str, tmp_path: Path) -> None:
    """The tutorial wrote RGB as BGR: its red was blue to every player."""
    path = tmp_path / f"clip.{kind}"
    WRITERS[kind](path, CLIPS["moving"])
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == 10
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 10
    blue, green, red = video.read()[1][30, 10]
    assert red > 230
    assert max(blue, green) < 25
    assert video.read()[1][60, 60].min() > 252, "white is white"


@pytest.mark.parametrize("kind", ["mp4", "avi"])
def test_an_odd_size_is_padded_by_its_edge(kind: str, tmp_path: Path) -> None:
    """Players want even sizes: no frame is refused, cut or given a coloured rim."""
    WRITERS[kind](tmp_path / f"clip.{kind}", CLIPS["moving"][:, :63, :61])
    back = reading.read_video(tmp_path / f"clip.{kind}")
    assert back.shape == (10, 64, 62, 3)
    assert back[:, 63].min() > 240


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_clip_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    """No time stamp or random number gets into a file, or DVC would see a change where there is none."""
    for name in ("one", "two"):
        WRITERS[kind](tmp_path / f"{name}.{kind}", CLIPS["moving"])
    assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_frames_are_written_and_read_in_numeric_order(tmp_path: Path) -> None:
    """In the tutorial frame_10 came before frame_2. A shorter clip leaves none of a longer one behind."""
    folder = tmp_path / "video"
    media.save_frames(folder, moving_square(12))
    assert {file.name for file in folder.iterdir()} == {f"frame_{number}.png" for number in range(12)}
    np.testing.assert_array_equal(reading.read_video(folder), moving_square(12))
    media.save_frames(folder, moving_square(3))
    np.testing.assert_array_equal(reading.read_video(folder), moving_square(3))


def test_a_gap_between_frames_is_refused(tmp_path: Path) -> None:
    """A folder that lost a frame is no clip: its motion would jump."""
    media.save_frames(tmp_path / "video", moving_square(5))
    (tmp_path / "video" / "frame_2.png").unlink()
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "video"))):
        reading.read_video(tmp_path / "video")


@pytest.mark.parametrize("kind", [*WRITERS, "png"])
def test_a_failed_write_leaves_the_old_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs one readable line, not the video of yesterday, and leaves no litter."""
    path = tmp_path / f"clip.{kind}"
    path.write_bytes(b"yesterday")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: No space left"):
        WRITERS[kind](path, moving_square()) if kind != "png" else sheets.save_png(path, moving_square()[0])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"yesterday"


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9])
def test_a_truncated_file_is_refused_by_name(kind: str, share: float, tmp_path: Path) -> None:
    """Half a download is not judged as if it were a video."""
    path = tmp_path / f"clip.{kind}"
    WRITERS[kind](path, np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=re.escape(str(path))) as caught:
        reading.read_video(path)
    assert "\n" not in str(caught.value)


@given(data=st.binary(max_size=200), kind=st.sampled_from(sorted(WRITERS)), real_start=st.booleans())
@settings(deadline=None)
def test_no_bytes_crash_the_reader(
    data: bytes, kind: str, real_start: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever lies in a file, the answer is a clip or one line."""
    path = tmp_path_factory.mktemp("bytes") / f"clip.{kind}"
    if real_start:
        WRITERS[kind](path, moving_square(2, 16, 16))
        data = path.read_bytes()[:100] + data
    path.write_bytes(data)
    with contextlib.suppress(UserError):
        assert reading.read_video(path).dtype == np.uint8


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    """A missing file, another array, an array of Python objects (to be unpickled), a playlist."""
    for name, array in {
        "flat": np.zeros((3, 4)),
        "objects": np.array([{}]),
        "none": np.zeros((0, 8, 8, 3), "u1"),
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
        with pytest.raises(UserError, match=name):
            reading.read_video(tmp_path / f"{name}.npy")
    with pytest.raises(UserError, match="missing"):
        reading.read_video(tmp_path / "nothing.mp4")
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/other.mp4\n#EXT-X-ENDLIST\n")
    with pytest.raises(UserError, match=r"list\.mp4"):
        reading.read_video(tmp_path / "list.mp4")


def test_what_is_no_clip_is_not_written(tmp_path: Path) -> None:
    """A float clip or one without frames is a mistake to hear about at once."""
    for clip in (np.zeros((10, 64, 64, 3)), np.zeros((0, 64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)):
        for kind, write in WRITERS.items():
            with pytest.raises(UserError, match="uint8"):
                write(tmp_path / f"clip.{kind}", clip)
    assert not list(tmp_path.iterdir())


def test_a_film_strip_shows_the_frames_in_order() -> None:
    """Read from left to right it is the clip, with a thin line between two frames."""
    strip = sheets.film_strip(CLIPS["moving"])
    assert strip.shape == (64, 10 * 64 + 9, 3)
    for number, frame in enumerate(CLIPS["moving"]):
        np.testing.assert_array_equal(strip[:, 65 * number : 65 * number + 64], frame)
    assert (strip[:, 64] == sheets.SEPARATOR).all()


def test_a_contact_sheet_shows_every_strip_under_its_caption() -> None:
    """Each strip is there pixel by pixel, in rows, with ink above it."""
    clips = [moving_square(3, 32, 32), 255 - moving_square(3, 32, 32), moving_square(3, 32, 32)[::-1]]
    sheet = sheets.contact_sheet(clips, ["red square moving right", "b", "c"], columns=2)
    cell_height, cell_width = sheet.shape[0] // 2, sheet.shape[1] // 2
    for number, clip in enumerate(clips):
        top, left = number // 2 * cell_height, number % 2 * cell_width
        cell = sheet[top : top + cell_height, left : left + cell_width]
        strip = sheets.film_strip(clip)
        text_height = cell_height - 4 - len(strip)
        np.testing.assert_array_equal(cell[text_height : text_height + 32, 4 : 4 + strip.shape[1]], strip)
        assert cell[:text_height].min() < 100, "a caption"


def test_captions_without_glyphs_are_numbered() -> None:
    """Pillow's own font is ASCII: accents are left out, and a caption of other letters is its number on the sheet."""
    clips = [moving_square(3, 32, 32)] * 4
    sheet = sheets.contact_sheet(clips, ["Éclair à gauche", "кот спит", "a cat 😀", "猫"])
    np.testing.assert_array_equal(sheet, sheets.contact_sheet(clips, ["Eclair a gauche", "#2", "a cat ?", "#4"]))


@given(captions=st.lists(st.text(max_size=300), min_size=1, max_size=3), frames=st.integers(1, 2))
@settings(deadline=None)
def test_no_caption_breaks_a_contact_sheet(captions: list[str], frames: int) -> None:
    """Captions come from prompts: newlines, other scripts and endless words must not change the grid."""
    clips = [moving_square(frames, 16, 16)] * len(captions)
    sheet = sheets.contact_sheet([*clips, clips[0]], [*captions, "word " * 2000])
    assert sheet.shape[1] == frames * 17 - 1 + 8
    assert sheet.shape[0] <= (len(captions) + 1) * (16 + 8 + 3 * 13)


# ruff: noqa: RUF001  (prompts in other scripts)


@given(prompt=st.text() | st.text(alphabet="./\\-ab $(){};`|\n\x00é😀КругД\u0300\u202e\u200d圆形الि", max_size=100))
@settings(deadline=None)
def test_a_slug_is_always_a_harmless_file_name(prompt: str) -> None:
    """Prompts are text of strangers: no path, option, shell or control character, no endless name gets through."""
    slug = media.slug(prompt)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.sub(r"[^\x00-\x7f]", "x", slug))
    assert {unicodedata.category(character)[0] for character in slug} <= {*"LNM", "P"}
    assert unicodedata.category(slug[0])[0] in "LN"
    assert unicodedata.is_normalized("NFC", slug)
    assert len(slug.encode()) <= 120


@given(prompt=st.text(alphabet=st.characters(max_codepoint=127), max_size=60))
def test_the_slug_of_ascii_is_what_it_always_was(prompt: str) -> None:
    """Scripts rely on these names."""
    assert media.slug(prompt) == (re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:40].strip("-") or "prompt")


@pytest.mark.parametrize(
    ("prompt", "slug"),
    [
        ("circle moving up-right", "circle-moving-up-right"),
        ("  Red CIRCLE, café!\n", "red-circle-cafe"),
        ("../../etc/passwd", "etc-passwd"),
        ("$(touch X); rm -rf ~", "touch-x-rm-rf"),
        ("Красный круг: Ёж — вверх", "красный-круг-ёж-вверх"),
        ("圆形，向左移动２", "圆形-向左移动2"),
        ("लाल वृत्त ऊपर", "लाल-वृत्त-ऊपर"),
        ("دائرة \u202eحمراء\u200f", "دائرة-حمراء"),
        ("빨간 원", "빨간-원"),
        ("\u0301\u0308 é\u0301\u20dd", "e"),
        ("😀 👍🏽 1️⃣", "1"),
        ("😀", "prompt"),
        ("\ud800/\x00", "prompt"),
        ("", "prompt"),
        ("word " * 10_000, "word-word-word-word-word-word-word-word"),
        ("圆" * 100, "圆" * 40),
        ("𒀀" * 100, "𒀀" * 30),
    ],
)
def test_a_slug_can_be_read(prompt: str, slug: str) -> None:
    """A person finds the video of a prompt by its file name, in any script."""
    assert media.slug(prompt) == slug
    assert media.slug(unicodedata.normalize("NFD", prompt)) == slug
