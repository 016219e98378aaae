"""What people have is read as a browser shows it: turned, composed, told apart by content, and in little memory."""

import contextlib
import io
import itertools
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, ColorTrc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import GifImagePlugin, Image
from test_media import moving_square

from text2video import media, reading
from text2video.errors import UserError
from text2video.judge import judge_clips

CLIP = moving_square()
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 160, 0)
FRAMES = [Image.fromarray(frame) for frame in CLIP]
HOLE = ~(CLIP == RED).all(-1, keepdims=True)
CUT_OUT = [  # the same with a hole for the background
    Image.fromarray(np.dstack([frame * ~hole, 255 * ~hole]).astype(np.uint8))
    for frame, hole in zip(CLIP, HOLE, strict=True)
]


def encode(
    path: Path,
    clip: Sequence[np.ndarray],
    container: str | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    movflags: dict[str, str] | None = None,
    stream: Callable[[Any], object] = lambda stream: None,
    frame: Callable[[av.VideoFrame, int], av.VideoFrame] = lambda frame, number: frame,
) -> Path:
    """Write a video as other programs may: ``stream`` and ``frame`` change what is encoded, 10 frames per second."""
    layouts = {(3, 1): "rgb24", (4, 1): "rgba", (3, 2): "rgb48le"}
    with av.open(str(path), "w", format=container, options=movflags or {}) as output:
        made: Any = output.add_stream(codec, rate=10, options={"crf": "5"} if options is None else options)
        made.height, made.width, made.pix_fmt = *clip[0].shape[:2], pixels
        stream(made)
        for number, picture in enumerate(clip):
            layout = layouts[picture.shape[2], picture.itemsize]
            output.mux(made.encode(frame(av.VideoFrame.from_ndarray(picture, format=layout), number)))
        output.mux(made.encode())
    return path


def seen(clip: np.ndarray) -> str:
    """What the judge sees."""
    verdicts = judge_clips(clip[None])
    return f"{verdicts.colour[0]} {verdicts.shape[0]} {verdicts.motion[0]}"


def assert_near(clip: np.ndarray, expected: np.ndarray, tolerance: float = 2) -> None:
    """The same pictures, but for the losses of a codec."""
    assert clip.shape == expected.shape
    assert np.abs(clip.astype(int) - expected).mean() < tolerance


def animate(path: Path, pictures: Sequence[Image.Image], **options: Any) -> Path:
    """Write an animation with Pillow."""
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **{"duration": 100, **options})
    return path


def folder(path: Path, pictures: Sequence[Image.Image], format: str = "PNG", **options: Any) -> Path:
    """Write pictures as ``frame_N.png``, whatever they are."""
    path.mkdir()
    for number, picture in enumerate(pictures):
        picture.save(path / f"frame_{number}.png", format, **options)
    return path


# --- as a viewer program shows it ------------------------------------------------------------------

TURNS: dict[str, tuple[dict[str, Any], Callable[[np.ndarray], np.ndarray], str]] = {
    "upright": ({"degrees": 0}, lambda clip: clip, "right"),
    "counter-clockwise": ({"degrees": 90}, lambda clip: np.rot90(clip, 1, (1, 2)), "up"),
    "clockwise": ({"degrees": -90}, lambda clip: np.rot90(clip, -1, (1, 2)), "down"),
    "upside down": ({"degrees": 180}, lambda clip: clip[:, ::-1, ::-1], "left"),
    "mirrored": ({"degrees": 0, "hflip": True}, lambda clip: clip[:, :, ::-1], "left"),
    "flipped": ({"degrees": 0, "vflip": True}, lambda clip: clip[:, ::-1], "right"),
    "corner to corner": ({"matrix": [0, 1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30]}, lambda c: c.swapaxes(1, 2), "down"),
}


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_a_turned_or_flipped_video_is_read_as_shown(name: str, kind: str, tmp_path: Path) -> None:
    """A phone films on its side and says so in the file: every player turns the picture."""
    matrix, turned, motion = TURNS[name]
    clip = np.pad(CLIP, ((0, 0), (0, 0), (0, 32), (0, 0)), constant_values=255)

    def say(stream: Any) -> None:
        (stream.set_display_matrix if "matrix" in matrix else stream.set_display_rotation)(**matrix)

    path = encode(tmp_path / f"clip.{kind}", clip, stream=say)
    shown = reading.read_video(path)
    assert_near(shown, turned(clip))
    assert seen(shown) == f"red square {motion}"
    assert reading.probe(path)[:2] == shown.shape[2:0:-1]


@pytest.mark.parametrize("aspect", [Fraction(2), Fraction(1, 2)])
@pytest.mark.parametrize("kind", ["mp4", "avi", "mkv"])
def test_pixels_that_are_not_square_get_the_shape_they_are_shown_in(
    kind: str, aspect: Fraction, tmp_path: Path
) -> None:
    """A square in a file is a square only if its pixels are; the shorter side grows."""
    narrow = CLIP[:, :, ::2] if aspect > 1 else CLIP[:, ::2]
    codec: dict[str, Any] = {"codec": "mpeg4", "options": {"b": "4000000"}} if kind == "avi" else {}
    path = encode(
        tmp_path / f"clip.{kind}",
        narrow,
        stream=lambda s: setattr(s.codec_context, "sample_aspect_ratio", aspect),
        **codec,
    )
    shown = reading.read_video(path)
    assert shown.shape == CLIP.shape
    assert seen(shown) == "red square right"


def test_frames_that_an_edit_list_hides_are_not_read(tmp_path: Path) -> None:
    """A phone's trimmed video still holds the frames that were cut off in front and behind."""
    path = encode(tmp_path / "clip.mp4", CLIP, options={"crf": "5", "bf": "2"})
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 12
    start = struct.unpack(">I", data[place + 4 : place + 8])[0]
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
        assert base is not None
    data[place : place + 8] = struct.pack(">II", 500, start + round(Fraction(3, 10) / base))
    path.write_bytes(data)
    assert_near(reading.read_video(path), CLIP[3:8])
    assert [round(time, 3) for time, _ in reading.frames(path)] == [0, 0.1, 0.2, 0.3, 0.4]


def test_frames_come_in_the_order_of_showing_with_their_times(tmp_path: Path) -> None:
    """A file holds them in the order of decoding, and may show each for another time."""
    times = [0, 1, 2, 5, 9, 10, 11, 12, 13, 20]

    def late(frame: av.VideoFrame, number: int) -> av.VideoFrame:
        frame.pts, frame.time_base = times[number] + 7, Fraction(1, 10)
        return frame

    path = encode(tmp_path / "clip.mkv", CLIP, options={"crf": "5", "bf": "4"}, frame=late)
    shown = [(time, draw()) for time, draw in reading.frames(path)]
    assert [round(10 * time) for time, _ in shown] == times
    assert_near(np.stack([frame for _, frame in shown]), CLIP)


def pq(light: np.ndarray) -> np.ndarray:
    """The signal of SMPTE ST 2084 for light in cd/m²."""
    power = (light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def test_high_dynamic_range_is_shown_in_its_colours(tmp_path: Path) -> None:
    """White in a phone's HDR video is not the grey that its numbers are in an ordinary one."""
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    clip = (65535 * pq(203 * (CLIP / 255) @ to_2020.T)).astype(np.uint16)

    def hdr(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.colorspace, context.color_range = int(ColorPrimaries.BT2020), 9, 1
        context.color_trc = int(ColorTrc.SMPTE2084)

    shown = reading.read_video(
        encode(
            tmp_path / "clip.mkv",
            clip,
            codec="ffv1",
            pixels="yuv420p10le",
            options={},
            stream=hdr,
            frame=lambda frame, _: frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1),
        )
    )
    assert shown[:, 60, 60].min() > 245
    assert seen(shown) == "red square right"


@pytest.mark.parametrize(
    ("matrix", "colour_range", "pixels"), [(1, 1, "yuv420p"), (5, 2, "yuvj420p"), (1, 2, "yuvj420p")]
)
def test_each_colour_matrix_and_range_gives_the_same_colours(
    matrix: int, colour_range: int, pixels: str, tmp_path: Path
) -> None:
    """BT.601 or BT.709, 16 to 235 or 0 to 255: the file says which, and green stays green."""
    clip = np.full((3, 64, 64, 3), (30, 180, 60), np.uint8)

    def say(stream: Any) -> None:
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, colour_range

    path = encode(
        tmp_path / "clip.mp4",
        clip,
        pixels=pixels,
        stream=say,
        frame=lambda frame, _: frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=colour_range),
    )
    assert np.abs(reading.read_video(path).astype(int) - clip).max() <= 3


def test_large_video_that_names_no_matrix_has_that_of_high_definition(tmp_path: Path) -> None:
    """Browsers go by the size; our own small files keep their colours."""
    for height, matrix in ((64, 5), (720, 1)):
        clip = np.full((2, height, 64, 3), (30, 180, 60), np.uint8)
        convert = {"format": "yuv420p", "dst_colorspace": matrix}
        path = encode(
            tmp_path / f"{height}.mkv",
            clip,
            codec="ffv1",
            options={},
            frame=lambda frame, _, to=convert: unspecified(frame.reformat(**to)),  # type: ignore[misc]
        )
        assert np.abs(reading.read_video(path).astype(int) - clip).max() <= 3


def unspecified(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame whose colour matrix is not named."""
    frame.colorspace = 2
    return frame


def test_white_of_more_than_8_bits_is_white(tmp_path: Path) -> None:
    """Editors export 10 bits for each colour."""
    path = encode(tmp_path / "clip.mov", CLIP, codec="prores_ks", pixels="yuv422p10le", options={})
    assert reading.read_video(path)[:, 60:, 60:].min() == 255


def test_a_video_that_changes_its_size_is_shown_in_one(tmp_path: Path) -> None:
    """A shared screen does so; a player's window stays as it is."""
    small = av.CodecContext.create("mjpeg", "w")
    small.width, small.height, small.pix_fmt, small.time_base = 32, 32, "yuvj420p", Fraction(1, 10)
    with av.open(str(tmp_path / "clip.mkv"), "w") as output:
        large: Any = output.add_stream("mjpeg", rate=10, options={"qmin": "1"})
        large.height, large.width, large.pix_fmt = 64, 64, "yuvj420p"
        for number, picture in enumerate(CLIP):
            frame = av.VideoFrame.from_ndarray(picture).reformat(format="yuvj420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            encoder = large if number < 5 else small
            for packet in encoder.encode(frame if encoder is large else frame.reformat(32, 32)):
                packet.stream = large
                output.mux(packet)
    assert_near(reading.read_video(tmp_path / "clip.mkv"), CLIP, tolerance=6)


def test_an_avi_has_times_though_it_names_none(tmp_path: Path) -> None:
    """It holds them for the order of decoding only, and a frame that stays is an empty one."""
    path = encode(tmp_path / "all.avi", CLIP, options={"crf": "5", "bf": "3"})
    assert [round(10 * time) for time, _ in reading.frames(path)] == list(range(10))
    path = encode(tmp_path / "raw.avi", CLIP, codec="rawvideo", pixels="bgr24", options={})
    with av.open(str(path)) as source, av.open(str(tmp_path / "gaps.avi"), "w") as output:
        copied = output.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number not in {3, 4, 7}:
                packet.stream = copied
                output.mux(packet)
    shown = [(time, draw()) for time, draw in reading.frames(tmp_path / "gaps.avi")]
    assert [round(10 * time) for time, _ in shown] == [0, 1, 2, 5, 6, 8, 9]
    np.testing.assert_array_equal(np.stack([frame for _, frame in shown]), CLIP[[0, 1, 2, 5, 6, 8, 9]])


# --- pictures of any kind --------------------------------------------------------------------------

DARK = np.where((CLIP == RED).all(-1), 0, 65535).astype(np.uint16)
PALETTES = [Image.fromarray((dark == 0).astype(np.uint8)).convert("P") for dark in DARK]
for _palette in PALETTES:
    _palette.putpalette([0, 0, 0, *RED])
TURNED = Image.Exif()
TURNED[0x0112] = 6
KINDS: dict[str, tuple[list[Image.Image], dict[str, Any], str]] = {
    "RGBA": (CUT_OUT, {}, "red"),
    "LA": ([picture.convert("LA") for picture in CUT_OUT], {}, "black"),
    "palette": (PALETTES, {"transparency": 0}, "red"),
    "16-bit grey": ([Image.fromarray(dark) for dark in DARK], {}, "black"),
    "CMYK": ([picture.convert("CMYK") for picture in FRAMES], {"format": "JPEG", "quality": 95}, "red"),
    "one bit": ([Image.fromarray(dark > 0) for dark in DARK], {}, "black"),
    "EXIF in JPEG": (
        [picture.rotate(90) for picture in FRAMES],
        {"format": "JPEG", "exif": TURNED, "quality": 95},
        "red",
    ),
    "EXIF in PNG": ([picture.rotate(90) for picture in FRAMES], {"exif": TURNED}, "red"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_any_kind_keep_what_they_show(kind: str, tmp_path: Path) -> None:
    """Transparency lies over white, deep greys are scaled, and a camera's pictures stand upright."""
    pictures, options, colour = KINDS[kind]
    shown = reading.read_video(folder(tmp_path / "video", pictures, **options))
    assert shown[0, 60, 60].min() > 250, "the background is white"
    back = judge_clips(shown[None])
    assert back.colour[0] == colour
    assert back.motion[0] == "right"


def test_greys_of_16_bits_are_scaled(tmp_path: Path) -> None:
    """A half is a half; the clear value of a picture without an alpha channel is white."""
    folder(tmp_path / "video", [Image.fromarray(np.full((8, 8), 32896, np.uint16))])
    np.testing.assert_array_equal(reading.read_video(tmp_path / "video"), np.full((1, 8, 8, 3), 128))
    for colour_type, clear in ((0, (30_000,)), (2, (300, 0x1234, 0x5678))):
        values = b"".join(value.to_bytes(2, "big") for value in clear)
        path = tmp_path / f"{colour_type}.png"
        path.write_bytes(png(8, 8, 16, colour_type, (b"tRNS", values), (b"IDAT", (b"\0" + values * 8) * 8)))
        assert reading.read_video(path).min() == 255


def png(width: int, height: int, depth: int, colour_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """The bytes of a PNG; image data are compressed here."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in [(b"IHDR", header), *chunks, (b"IEND", b"")]:
        content = zlib.compress(content) if kind == b"IDAT" else content
        data += struct.pack(">I", len(content)) + kind + content
        data += struct.pack(">I", zlib.crc32(kind + content))
    return data


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_animations_with_transparency_lie_over_white(kind: str, tmp_path: Path) -> None:
    """An animation is read in its own durations, and with what a browser shows behind it."""
    options = {"gif": {"disposal": 2}, "webp": {"lossless": True}, "png": {}}[kind]
    path = animate(tmp_path / f"clip.{kind}", CUT_OUT, duration=[100, 200] * 5, **options)
    np.testing.assert_array_equal(reading.read_video(path), CLIP)
    assert [round(10 * time) for time, _ in reading.frames(path)] == [0, 1, 3, 4, 6, 7, 9, 10, 12, 13]
    assert reading.probe(path) == (64, 64, pytest.approx(10 / 1.5), 10, 1.5)


def test_alpha_of_an_apng_is_composed_as_light_is(tmp_path: Path) -> None:
    """Half-clear green over half-clear red is neither a mean of the two nor opaque."""
    back, front = Image.new("RGBA", (8, 8), (*RED, 128)), Image.new("RGBA", (8, 8), (0, 255, 0, 200))
    path = animate(tmp_path / "clip.png", [back, front], blend=1)
    shown = reading.read_video(path)
    assert tuple(shown[0, 0, 0]) == (255, 127, 127)
    assert np.abs(shown[1, 0, 0].astype(int) - (55, 227, 27)).max() <= 1


def test_the_picture_for_programs_without_animations_is_no_frame(tmp_path: Path) -> None:
    """An APNG may hold a still that no browser shows."""
    first = Image.new("RGB", (64, 64))
    path = animate(tmp_path / "clip.png", [first, *FRAMES], default_image=True)
    np.testing.assert_array_equal(reading.read_video(path), CLIP)


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_an_animation_stands_upright(kind: str, tmp_path: Path) -> None:
    """EXIF turns an animation as it turns a photo."""
    pictures = [picture.rotate(90) for picture in FRAMES]
    path = animate(tmp_path / f"clip.{kind}", pictures, exif=TURNED, **ANIMATIONS[kind])
    np.testing.assert_array_equal(reading.read_video(path), CLIP)


def gif(path: Path, frames: Sequence[tuple[int, tuple[int, int, int, int], dict[str, int]]]) -> Path:
    """Write a GIF of 32x32 pixels: colour number (0 white, 1 red, 2 blue, 3 green), box and options of each frame."""

    def plain(number: int, width: int, height: int) -> Image.Image:
        picture = Image.new("P", (width, height), number)
        picture.putpalette([255, 255, 255, *RED, *BLUE, *GREEN, 10, 20, 30])
        return picture

    data = b"".join(GifImagePlugin.getheader(plain(0, 32, 32), info={"background": 4})[0])
    for number, (left, top, right, bottom), options in frames:
        picture = plain(number, right - left, bottom - top)
        data += b"".join(GifImagePlugin.getdata(picture, (left, top), **options))
    path.write_bytes(data + b";")
    return path


def test_a_gif_is_composed_as_browsers_do(tmp_path: Path) -> None:
    """Parts of frames, each with its own way to leave; the background colour of the file is never seen."""
    whole, left, right = (0, 0, 32, 32), (0, 0, 10, 10), (20, 20, 30, 30)
    path = gif(tmp_path / "a.gif", [(1, left, {"duration": 100}), (2, right, {"duration": 0})])
    shown = reading.read_video(path)
    assert [tuple(shown[1, place, place]) for place in (5, 15, 25)] == [RED, (255, 255, 255), BLUE]
    for leave, expected in ((1, BLUE), (2, (255, 255, 255)), (3, RED)):
        kept = {"duration": 100, "disposal": 1}
        path = gif(
            tmp_path / f"{leave}.gif", [(1, whole, kept), (2, right, kept | {"disposal": leave}), (3, left, kept)]
        )
        assert tuple(reading.read_video(path)[2, 25, 25]) == expected
    path = gif(tmp_path / "b.gif", [(1, whole, {"duration": 20}), (2, (28, 28, 40, 40), {"duration": 20})])
    assert reading.read_video(path).shape == (2, 32, 32, 3), "what sticks out is not shown"


def test_a_gif_that_names_no_duration_plays_ten_frames_per_second(tmp_path: Path) -> None:
    """Browsers give each such frame a tenth of a second."""
    frames = [(number, (0, 0, 32, 32), {"duration": duration}) for number, duration in ((1, 0), (2, 10), (3, 50))]
    path = gif(tmp_path / "clip.gif", frames)
    assert [round(time, 3) for time, _ in reading.frames(path)] == [0, 0.1, 0.2]
    assert reading.probe(path).duration == 0.25


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_webm_with_transparency_lies_over_white(codec: str, tmp_path: Path) -> None:
    """FFmpeg's own decoders leave the alpha channel out: black, where browsers show the page."""
    path = encode(
        tmp_path / "clip.webm",
        [np.asarray(picture) for picture in CUT_OUT],
        codec=codec,
        pixels="yuva420p",
        options={"crf": "5", "b": "2000000", "auto-alt-ref": "0"},
    )
    shown = reading.read_video(path)
    assert shown[:, 60, 60].min() > 250
    assert seen(shown) == "red square right"


def test_a_quicktime_movie_with_transparency_lies_over_white(tmp_path: Path) -> None:
    """Editors export titles with an alpha channel."""
    clip = [np.asarray(picture) for picture in CUT_OUT]
    path = encode(tmp_path / "clip.mov", clip, codec="png", pixels="rgba", options={})
    np.testing.assert_array_equal(reading.read_video(path), CLIP)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_of_unknown_range_are_refused_by_name(mode: str, tmp_path: Path) -> None:
    """Nobody says which of 32-bit numbers is white."""
    folder(tmp_path / "video", [Image.new(mode, (8, 8))], format="TIFF")
    with pytest.raises(UserError, match=rf"frame_0\.png cannot be read.*mode {mode}"):
        reading.read_video(tmp_path / "video")


def test_a_folder_with_doubtful_frames_is_refused_by_name(tmp_path: Path) -> None:
    """Two first frames, or one of another size: which is meant cannot be known. Leading zeros are harmless."""
    video = folder(tmp_path / "video", FRAMES)
    (video / "frame_2.png").rename(video / "frame_02.png")
    np.testing.assert_array_equal(reading.read_video(video), CLIP)
    FRAMES[0].save(video / "frame_2.png")
    with pytest.raises(UserError, match=r"frame_0?2\.png and frame_0?2\.png have the same number"):
        reading.read_video(video)
    (video / "frame_02.png").unlink()
    FRAMES[0].resize((32, 32)).save(video / "frame_9.png")
    with pytest.raises(UserError, match=r"frame_9\.png is 32x32, and the first frame 64x64"):
        reading.read_video(video)


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_picture_that_would_fill_the_memory_is_refused(where: str, tmp_path: Path) -> None:
    """A file of a few kilobytes may unpack to gigabytes."""
    for side in (10_000, 60_000):
        path = tmp_path / f"{side}.png"
        path.write_bytes(png(side, side, 8, 0, (b"IDAT", bytes(1000))))
        if where == "folder":
            (tmp_path / f"{side}").mkdir()
            path = path.rename(tmp_path / f"{side}" / "frame_0.png").parent
        with pytest.raises(UserError, match=r"too large|exceeds limit"):
            reading.read_video(path)


# --- whole files and cut ones ----------------------------------------------------------------------


def test_a_gif_with_a_harmless_end_is_whole(tmp_path: Path) -> None:
    """Viewers stop at the end mark, and do without it; a frame that is cut is another matter."""
    path = tmp_path / "clip.gif"
    media.save_gif(path, CLIP)
    data = path.read_bytes()
    for end in (data + b"\0\0more", data + data, data[:-1], data[:-1] + b"\0"):
        path.write_bytes(end)
        np.testing.assert_array_equal(reading.read_video(path), CLIP)
    for length in (len(data) - 2, len(data) - 30, len(data) // 2):
        path.write_bytes(data[:length])
        with pytest.raises(UserError, match="cut short"):
            reading.read_video(path)


NOISE = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
CONTAINERS: dict[str, dict[str, Any]] = {
    "mp4": {},
    "mov": {},
    "fragments.mp4": {"movflags": {"movflags": "frag_keyframe+empty_moov"}},
    "streamed.mp4": {"movflags": {"movflags": "faststart"}},
    "avi": {"codec": "mpeg4", "options": {"b": "4000000"}},
    "mkv": {},
    "webm": {"codec": "libvpx-vp9"},
}
ANIMATIONS = {"gif": {}, "webp": {"lossless": True}, "png": {}}


def write(path: Path, kind: str, clip: np.ndarray) -> Path:
    """Write ``clip`` as one of the kinds of file that are read."""
    if kind in ANIMATIONS:
        return animate(path, [Image.fromarray(frame) for frame in clip], **ANIMATIONS[kind])
    return encode(path, clip, **CONTAINERS[kind])


@pytest.mark.parametrize("kind", [*CONTAINERS, *ANIMATIONS])
def test_bytes_behind_the_end_are_harmless_and_a_cut_is_not(kind: str, tmp_path: Path) -> None:
    """A download or a recovery tool pads a file; half of one lacks frames."""
    path = write(tmp_path / f"clip.{kind}", kind, NOISE)
    data = path.read_bytes()
    whole = reading.read_video(path)
    path.write_bytes(data + bytes(1000))
    np.testing.assert_array_equal(reading.read_video(path), whole)
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(UserError, match="cut short"):
            reading.read_video(path)


@pytest.mark.parametrize("kind", ["streamed.mp4", "fragments.mp4"])
@pytest.mark.parametrize("how", ["zeros", "noise"])
def test_a_damaged_file_is_refused(kind: str, how: str, tmp_path: Path) -> None:
    """Players patch the picture with grey or old blocks; such frames are nobody's."""
    path = write(tmp_path / f"clip.{kind}", kind, NOISE)
    data = bytearray(path.read_bytes())
    middle = slice(len(data) // 2, len(data) // 2 + 2000)
    data[middle] = bytes(2000) if how == "zeros" else bytes(byte ^ 0x5A for byte in data[middle])
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"damaged|broken"):
        reading.read_video(path)


# --- by content, not by name -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*CONTAINERS, *ANIMATIONS])
@pytest.mark.parametrize("suffix", ["mp4", "gif", "npy", "anything"])
def test_a_file_is_what_it_holds(kind: str, suffix: str, originals: dict[str, bytes], tmp_path: Path) -> None:
    """Messengers save a GIF as MP4 and an MP4 as GIF."""
    path = tmp_path / f"видео 视频.{suffix}"
    path.write_bytes(originals[kind])
    assert_near(reading.read_video(path), CLIP)


def test_a_live_recording_needs_no_end(tmp_path: Path) -> None:
    """A browser records WebM without knowing how long it will be."""
    path = encode(tmp_path / "clip.webm", CLIP, codec="libvpx-vp9", movflags={"live": "1"})
    assert_near(reading.read_video(path), CLIP)


def sound(path: Path, container: str, codec: str, cover: Image.Image | None = None) -> Path:
    """Write a second of silence, with a cover if there is one."""
    with av.open(str(path), "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=48_000)
        attached: Any = output.add_stream("mjpeg", rate=1) if cover else None
        if cover:
            attached.width, attached.height, attached.pix_fmt = *cover.size, "yuvj420p"
            attached.disposition = Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
        frame.rate, frame.pts = 48_000, 0
        resampler = av.AudioResampler(stream.codec_context.format, "mono", 48_000, stream.frame_size or 1024)
        for part in itertools.chain(resampler.resample(frame), resampler.resample(None)):
            output.mux(stream.encode(part))
        output.mux(stream.encode())
        if attached:
            output.mux(attached.encode(av.VideoFrame.from_image(cover)))
            output.mux(attached.encode())
    return path


@pytest.mark.parametrize(
    ("container", "codec", "words"),
    [("mp4", "aac", "no video, only sound"), ("mp3", "libmp3lame", "MP3"), ("ogg", "libopus", "Ogg")],
)
def test_sound_is_named(container: str, codec: str, words: str, tmp_path: Path) -> None:
    """An audio track has no pictures, whatever its name."""
    with pytest.raises(UserError, match=words):
        reading.read_video(sound(tmp_path / "clip.mp4", container, codec))


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    """A picture is attached to the sound, not shown in time."""
    path = sound(tmp_path / "clip.mp4", "mp4", "aac", cover=FRAMES[0])
    with pytest.raises(UserError, match="no video, only sound"):
        reading.read_video(path)


STRANGE = {
    "empty": b"",
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nother.mp4\n",
    "a web page": b"\xef\xbb\xbf<!DOCTYPE html><html>",
    "known": b"ffconcat version 1.0\nfile other.mp4\n",
    "a ZIP file": b"PK\x03\x04",
    "a JPEG picture": b"\xff\xd8\xff\xe0",
    "an AVIF or HEIC picture": b"\0\0\0\x20ftypavif",
    "a Flash video": b"FLV\x01",
    "an MPEG transport stream": b"G".ljust(188) * 3,
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("suffix", ["mp4", "gif", "npy"])
def test_what_cannot_be_read_is_named_with_what_can(name: str, suffix: str, tmp_path: Path) -> None:
    """One line says what the file is and which kinds would do; nothing that it lists is opened."""
    path = tmp_path / f"clip.{suffix}"
    path.write_bytes(STRANGE[name])
    write(tmp_path / "other.mp4", "mp4", CLIP)
    with pytest.raises(UserError, match=rf"{re.escape(str(path))} .*{name}.*MP4 or MOV, AVI, MKV") as caught:
        reading.read_video(path)
    assert "\n" not in str(caught.value)


@given(
    kind=st.sampled_from([*CONTAINERS, *ANIMATIONS, "npy"]),
    changes=st.lists(st.tuples(st.integers(0), st.binary(max_size=8)), min_size=1, max_size=8),
    front=st.booleans(),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_crashes_the_reader(
    kind: str, changes: list[tuple[int, bytes]], front: bool, originals: dict[str, bytes], tmp_path: Path
) -> None:
    """Whatever became of a file, the answer is a clip or one line."""
    data = bytearray(originals[kind])
    for place, content in changes:
        at = place % (min(len(data), 400) if front else len(data))
        data[at : at + len(content)] = content
    path = tmp_path / "clip"
    path.write_bytes(data)
    with contextlib.suppress(UserError):
        assert reading.read_video(path, largest=64, most_frames=10).dtype == np.uint8
        assert reading.probe(path).width > 0


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a good file of each kind."""
    folder = tmp_path_factory.mktemp("originals")
    media.save_npy(folder / "clip.npy", CLIP)
    for kind in [*CONTAINERS, *ANIMATIONS]:
        write(folder / f"clip.{kind}", kind, CLIP)
    return {path.name.removeprefix("clip."): path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("damage", [b"{'descr': '|u1', ", b"{(((", b"\0"])
def test_an_array_with_a_damaged_header_is_refused(damage: bytes, tmp_path: Path) -> None:
    """NumPy parses the header as Python, and fails as Python does."""
    (tmp_path / "clip.npy").write_bytes(b"\x93NUMPY\x01\0\x76\0" + damage.ljust(118))
    with pytest.raises(UserError, match=r"clip\.npy cannot be read"):
        reading.read_video(tmp_path / "clip.npy")


def test_a_codec_without_a_name_is_refused(tmp_path: Path) -> None:
    """Tomorrow's codecs are in files that look like today's."""
    path = encode(tmp_path / "clip.mp4", CLIP)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz9"))
    with pytest.raises(UserError, match="codec is unknown"):
        reading.read_video(path)


def test_a_device_is_no_video() -> None:
    """To wait for what never comes is no answer."""
    with pytest.raises(UserError, match="neither a file nor a folder"):
        reading.read_video(Path("/dev/null"))


# --- large inputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "mp4", "avi", "npy", "frames"])
def test_our_own_files_are_judged_as_they_are(kind: str, tmp_path: Path) -> None:
    """Bounds for large files change no pixel of small ones, and threads none of any."""
    path = tmp_path / f"clip.{kind}"
    getattr(media, f"save_{kind}")(path, CLIP)
    whole = reading.read_video(path)
    if kind in {"mp4", "avi"}:
        with av.open(str(path)) as container:
            decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        np.testing.assert_array_equal(whole, decoded)
    np.testing.assert_array_equal(reading.read_video(path, largest=64, most_frames=10), whole)
    np.testing.assert_array_equal(reading.read_video(path, threads=4), whole)
    np.testing.assert_array_equal(np.stack([draw() for _, draw in reading.frames(path)]), whole)
    assert [round(10 * time, 6) for time, _ in reading.frames(path)] == list(range(10))
    assert reading.probe(path) == (64, 64, 10, 10, 1)


def test_large_clips_are_shrunk_and_thinned_evenly(tmp_path: Path) -> None:
    """Each pixel is the mean of those it stands for, and the frames left are equally far apart."""
    clip = np.repeat(NOISE, 5, axis=0)[:41, :60, :40]
    media.save_npy(tmp_path / "clip.npy", clip)
    small = reading.read_video(tmp_path / "clip.npy", largest=30, most_frames=20)
    kept = clip[::4].astype(float)
    means = kept.reshape(len(kept), 30, 2, 20, 2, 3).mean((2, 4))
    assert small.shape == (11, 30, 20, 3)
    assert np.abs(small - means).max() <= 0.5


def large_video(path: Path, width: int, height: int, seconds: int) -> None:
    """A red square that moves right and back each second, 30 frames per second; a second is encoded, then copied."""
    side = height // 4
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        made: Any = output.add_stream("libx264", rate=30, options={"preset": "ultrafast", "bf": "0"})
        made.height, made.width, made.pix_fmt = height, width, "yuv420p"
        for number in range(30):
            frame = np.full((height, width, 3), 255, np.uint8)
            left = int((width - side) * (1 - abs(number - 15) / 15))
            frame[side : 2 * side, left : left + side] = RED
            output.mux(made.encode(av.VideoFrame.from_ndarray(frame)))
        output.mux(made.encode())
    buffer.seek(0)
    with av.open(buffer) as source, av.open(str(path), "w") as output:
        packets = [packet for packet in source.demux(video=0) if packet.size]
        data = [(bytes(packet), packet.pts, packet.is_keyframe, packet.time_base) for packet in packets]
        copied = output.add_stream_from_template(source.streams.video[0])
        length = round(1 / packets[0].time_base)
        for second in range(seconds):
            for content, pts, is_keyframe, time_base in data:
                packet = av.Packet(content)
                packet.pts = packet.dts = pts + second * length
                packet.time_base, packet.is_keyframe, packet.stream = time_base, is_keyframe, copied
                output.mux(packet)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell the peak of memory")
@pytest.mark.parametrize(
    ("width", "height", "seconds"),
    [(1280, 720, 8), pytest.param(1920, 1080, 60, marks=pytest.mark.slow), (720, 720, 8)],
)
def test_a_large_video_is_judged_in_little_memory(width: int, height: int, seconds: int, tmp_path: Path) -> None:
    """A minute of what phones film took 40 GB; it takes less than 500 MB, Python and all."""
    large_video(tmp_path / "clip.mp4", width, height, seconds)
    script = (  # the peak of this program alone; getrusage() would count its parent, from before exec
        "import sys; from pathlib import Path; from text2video import cli\n"
        "sys.argv = ['text2video', 'judge', sys.argv[1]]\n"
        "try: cli.main()\n"
        "finally: print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "clip.mp4")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "red square" in result.stdout
    assert int(result.stderr.split()[-1]) < 500_000, "kB"
    assert reading.probe(tmp_path / "clip.mp4") == (width, height, 30, 30 * seconds, seconds)
