"""The `text2video` command, the render stage, and how both talk to the person."""

import contextlib
import io
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2video import bundle, cli, console, media, reading
from text2video.data.layouts import list_videos
from text2video.data.packed import PackedWriter
from text2video.errors import UserError
from text2video.layout import Layout
from text2video.params import RenderParams
from text2video.render import render
from text2video.text.words import Words

HOSTILE = [
    "word " * 10_000,
    "circle 😀 moving up",
    "круг вверх",
    "red\x00 \x1b[2J circle\r\nsquare\u202e up",
    "../../x",
    "/etc/passwd",
    "; touch X",
    "$(touch X) `touch X` ${X}",
    "--out=elsewhere",
    "-rf",
    "circle",
    "CIRCLE!",
    "con",
]


class FakeModel(bundle.Model):
    """An exported model without networks: a red square moves to the right, at a height that the seed decides."""

    def __init__(self) -> None:
        self.fps = 10
        self.frontend = Words.from_captions(["circle moving up", "red square moving right"])

    def draw(self, prompts: Sequence[str], seed: int, numbers: Sequence[int]) -> np.ndarray:
        """Clips ``uint8[len(prompts), 10, 64, 64, 3]``."""
        clips = np.full((len(prompts), 10, 64, 64, 3), 255, np.uint8)
        for number, clip in zip(numbers, clips, strict=True):
            top = (7 * seed + 3 * number) % 40 + 4
            for frame in range(10):
                clip[frame, top : top + 16, 4 + 4 * frame : 20 + 4 * frame] = (255, 0, 0)
        return clips


@pytest.fixture(autouse=True, scope="module")
def model() -> Iterator[mock.Mock]:
    """Every `load_model` gives the fake, and records where it was asked to look."""
    with mock.patch.object(bundle, "load_model", return_value=FakeModel()) as load_model:
        yield load_model


def command(*arguments: str | Path) -> tuple[int, str, str]:
    """Run `text2video` with arguments as a shell would pass them. Returns exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["text2video", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def manifest(folder: Path) -> list[dict]:
    """The videos that a manifest lists."""
    return json.loads((folder / "manifest.json").read_text())["videos"]


# --- generate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "mp4", "avi", "frames", "npy"])
def test_generate_writes_each_format_and_a_manifest(kind: str, tmp_path: Path) -> None:
    """The names, the count and the order are what scripts rely on; each file holds ten frames of the right video."""
    out = tmp_path / "out"
    code, printed, _ = command(
        *("generate", "circle moving up", "red square moving right", "--count", "2"),
        *("--seed", "5", "--out", out, "--format", kind),
    )
    suffix = "" if kind == "frames" else f".{kind}"
    names = [
        f"{stem}{suffix}"
        for stem in (
            "000_circle-moving-up_0",
            "000_circle-moving-up_1",
            "001_red-square-moving-right_0",
            "001_red-square-moving-right_1",
        )
    ]
    assert code == 0
    assert printed.splitlines() == [str(out / name) for name in names]
    assert {file.name for file in out.iterdir()} == {*names, "manifest.json"}
    assert manifest(out) == [
        {"file": name, "prompt": prompt, "seed": 5, "index": index}
        for name, (prompt, index) in zip(
            names,
            [(prompt, i) for prompt in ("circle moving up", "red square moving right") for i in (0, 1)],
            strict=True,
        )
    ]
    expected = FakeModel().generate(["circle moving up"], seed=5, count=2)
    for name, clip in zip(names[:2], expected, strict=True):
        assert np.abs(reading.read_video(out / name).astype(int) - clip).mean() < 3


def test_a_gif_can_be_enlarged(tmp_path: Path) -> None:
    """64 pixels are small on a screen."""
    assert command("generate", "circle", "--scale", "3", "--out", tmp_path)[0] == 0
    assert reading.read_video(tmp_path / "000_circle_0.gif").shape == (10, 192, 192, 3)


def test_many_videos_are_saved_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects memory, and whoever waits: of many prompts and videos some are made at a time, whatever prompt they
    belong to, and each is the one that it would be alone."""
    drawn: list[int] = []

    class Counting(FakeModel):
        def draw(self, prompts: Sequence[str], seed: int, numbers: Sequence[int]) -> np.ndarray:
            assert len(list(tmp_path.glob("*.npy"))) == sum(drawn), "saved before more are made"
            drawn.append(len(prompts))
            return super().draw(prompts, seed, numbers)

    monkeypatch.setattr(bundle, "load_model", lambda path: Counting())
    assert command("generate", "circle", "red square", "--count", "50", "--out", tmp_path, "--format", "npy")[0] == 0
    assert drawn == [64, 36]
    asked = [(f"{n:03}", p, k) for n, p in enumerate(["circle", "red square"]) for k in range(50)]
    assert [(v["file"][:3], v["prompt"], v["index"]) for v in manifest(tmp_path)] == asked
    for entry in manifest(tmp_path)[::13]:
        (alone,) = FakeModel().draw([entry["prompt"]], 0, [entry["index"]])
        assert np.array_equal(np.load(tmp_path / entry["file"]), alone)


def test_generate_uses_the_model_that_was_asked_for(model: mock.Mock, tmp_path: Path) -> None:
    """`--model` goes to the loader; without it the loader chooses."""
    command("generate", "circle", "--out", tmp_path)
    assert model.call_args.args == (None,)
    command("generate", "circle", "--out", tmp_path, "--model", "some/where")
    assert model.call_args.args == (Path("some/where"),)


def test_unknown_words_warn_and_still_give_a_video(tmp_path: Path) -> None:
    """The tutorial died of a KeyError."""
    code, _, err = command("generate", "cirkle moving up", "--out", tmp_path)
    assert code == 0
    assert re.fullmatch(r"warning: .*'cirkle' \(near: circle\).*\n", err)
    assert (tmp_path / "000_cirkle-moving-up_0.gif").exists()


PROMPTS = "# mine\n\n red circle moving up \n圆形\n\tred circle moving up\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_prompts_come_from_a_file(encoding: str, end: str, tmp_path: Path) -> None:
    """One a line, behind those of the command line, as any editor writes them; the same twice is two videos. A file is
    found by its prompt in any script."""
    (tmp_path / "prompts.txt").write_bytes(PROMPTS.replace("\n", end).encode(encoding))
    code, *_ = command(
        "generate", "circle", "--prompts", tmp_path / "prompts.txt", "--out", tmp_path / "out", "--format", "npy"
    )
    assert code == 0
    expected = ["circle", "red circle moving up", "圆形", "red circle moving up"]
    assert [video["prompt"] for video in manifest(tmp_path / "out")] == expected
    names = ["000_circle_0", "001_red-circle-moving-up_0", "002_圆形_0", "003_red-circle-moving-up_0"]
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.npy")) == names


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n\n", b"\xff\xfered", b"circle\n...\n", b"red \xe9"])
def test_a_file_without_prompts_is_one_line(content: bytes | None, tmp_path: Path) -> None:
    """Missing, empty, of another encoding, or with a line that is no prompt; nothing is written."""
    if content is not None:
        (tmp_path / "prompts.txt").write_bytes(content)
    code, _, err = command("generate", "--prompts", tmp_path / "prompts.txt", "--out", tmp_path / "out")
    assert code == 2
    assert re.fullmatch(r"error: .+\n", err)
    assert not (tmp_path / "out").exists()


def test_a_home_is_a_home_in_any_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells leave the ~ in `--out=~/videos` alone; a folder of that name is not what was meant."""
    monkeypatch.setenv("HOME", str(tmp_path / "her"))
    monkeypatch.chdir(tmp_path)
    assert command("generate", "circle", "--out=~/videos")[:2] == (0, f"{tmp_path}/her/videos/000_circle_0.gif\n")
    assert command("judge", "~/videos/000_circle_0.gif") == (
        0,
        "~/videos/000_circle_0.gif: a large red square moving right quickly, on a white background\n",
        "",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["her"]


@pytest.mark.parametrize("prompts", [[""], [" \n"], ["circle", "..."], ["~"]])
def test_an_empty_prompt_is_one_line_and_nothing_is_written(prompts: list[str], tmp_path: Path) -> None:
    """Also when it stands behind good prompts."""
    code, printed, err = command("generate", *prompts, "--out", tmp_path / "out")
    assert (code, printed) == (2, "")
    assert re.fullmatch(r"error: .+\n", err)
    assert not list(tmp_path.iterdir())


def test_hostile_prompts_stay_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a prompt holds, its files have harmless names of their own and the manifest has its exact text."""
    monkeypatch.chdir(tmp_path)
    code, printed, err = command("generate", "--out", "out", "--", *HOSTILE)
    assert code == 0
    assert [video["prompt"] for video in manifest(tmp_path / "out")] == HOSTILE
    names = [video["file"] for video in manifest(tmp_path / "out")]
    assert len(set(names)) == len(HOSTILE)
    assert all(re.fullmatch(r"\d{3}_[^\W_A-Z](-|[^\W_A-Z]){0,39}_0\.gif", name) for name in names)
    plain = [name for name, prompt in zip(names, HOSTILE, strict=True) if prompt.isascii()]
    assert all(re.fullmatch(r"\d{3}_[a-z0-9-]{1,40}_0\.gif", name) for name in plain)
    assert {str(path) for path in Path().rglob("*")} == {"out", "out/manifest.json", *(f"out/{n}" for n in names)}
    assert all(line.isprintable() for line in (printed + err).splitlines())
    assert len(err) < 10_000


@given(prompts=st.lists(st.text(min_size=1) | st.sampled_from(HOSTILE), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_prompts_give_videos_or_one_line(prompts: list[str]) -> None:
    """Videos with an exact manifest, or exit code 2 with nothing written: never a traceback, never half of it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        code, _, err = command("generate", "--out", out, "--", *prompts)
        if code == 0:
            assert [video["prompt"] for video in manifest(out)] == prompts
            assert all((out / video["file"]).is_file() for video in manifest(out))
        else:
            assert code == 2
            assert re.fullmatch(r"error: .+\n", err)
        assert {file.name for file in Path(folder).iterdir()} <= ({"out"} if code == 0 else set())


@pytest.mark.parametrize(
    "wrong", [["--count", "0"], ["--seed", "-1"], ["--seed", "x"], ["--format", "exe"], ["--scale", "9"], ["--oops"]]
)
def test_a_wrong_option_is_refused(wrong: list[str], tmp_path: Path) -> None:
    """With exit code 2 and the name of the option, before anything is written."""
    code, _, err = command("generate", "circle", "--out", tmp_path / "out", *wrong)
    assert code == 2
    assert wrong[0] in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    """`--out` names a file: it is left alone."""
    (tmp_path / "out").write_text("mine")
    code, _, err = command("generate", "circle", "--out", tmp_path / "out")
    assert code == 2
    assert re.fullmatch(r"error: cannot write .*out.*\n", err)
    assert (tmp_path / "out").read_text() == "mine"


# --- judge, export-frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "mp4", "avi", "frames", "npy"])
def test_judge_says_what_a_file_shows(kind: str, tmp_path: Path) -> None:
    """From the pixels of any format that `generate` writes."""
    command("generate", "red square", "--out", tmp_path, "--format", kind)
    file = tmp_path / manifest(tmp_path)[0]["file"]
    assert command("judge", file) == (
        0,
        f"{file}: a large red square moving right quickly, on a white background\n",
        "",
    )


@pytest.mark.parametrize(
    ("prompt", "verdict"),
    [
        ("red square moving right", "right"),
        ("square moving right", "right"),
        ("blue square moving right", "wrong: colour"),
        ("circle moving up-right", "wrong: shape, motion"),
        ("small square moving right on a yellow background", "wrong: size, background"),
        ("a red square moving right and a blue circle moving left", "wrong: number of objects"),
    ],
)
def test_judge_compares_with_a_prompt(prompt: str, verdict: str, tmp_path: Path) -> None:
    """Each file is called right, or what is wrong with it; the exit code is 1 if any is wrong, as of `diff`."""
    media.save_npy(tmp_path / "clip.npy", FakeModel().generate(["red square"])[0])
    media.save_npy(tmp_path / "blank.npy", np.full((10, 64, 64, 3), 255, np.uint8))
    assert command("judge", tmp_path / "clip.npy", "--prompt", prompt)[0] == (verdict != "right")
    code, printed, _ = command("judge", tmp_path / "clip.npy", tmp_path / "blank.npy", "--prompt", prompt)
    assert code == 1
    assert printed.splitlines() == [
        f"{tmp_path}/clip.npy: a large red square moving right quickly, on a white background; {verdict}",
        f"{tmp_path}/blank.npy: nothing, on a white background; wrong: number of objects",
    ]


@pytest.mark.parametrize("arguments", [["broken.mp4"], ["missing.gif"], ["ok.npy", "--prompt", "hello"]])
def test_judge_refuses_what_it_cannot_judge(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken file and a prompt that asks for nothing are one line each."""
    monkeypatch.chdir(tmp_path)
    Path("broken.mp4").write_bytes(b"\0" * 1000)
    media.save_npy(Path("ok.npy"), FakeModel().generate(["red square"])[0])
    code, _, err = command("judge", *arguments)
    assert code == 2
    assert re.fullmatch(r"error: .+\n", err)


def test_one_bad_file_does_not_keep_the_others_from_being_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is judged, each bad one has its line, and the exit code says that there was one, wrong ones or not."""
    monkeypatch.chdir(tmp_path)
    Path("bad.gif").write_bytes(b"GIF89a")
    media.save_npy(Path("good.npy"), FakeModel().generate(["red square"])[0])
    code, printed, err = command("judge", "bad.gif", "good.npy", "missing.mp4", "n" * 300, "good.npy")
    assert code == 2
    assert printed == "good.npy: a large red square moving right quickly, on a white background\n" * 2
    assert [re.split("[ :]", line)[2] for line in err.splitlines()] == ["bad.gif", "missing.mp4", "n" * 300]
    assert command("judge", "good.npy", "bad.gif", "--prompt", "circle")[0] == 2


def test_frames_go_out_and_come_back(tmp_path: Path) -> None:
    """A store becomes the tutorial's folders, and these are own videos like any others."""
    clips = FakeModel().generate(["red square"], count=12)
    captions = [f"red square {number}" for number in range(12)]
    with PackedWriter(tmp_path / "store", clips.shape[1:], np.uint8) as store:
        store.append(clips, captions)
    assert command("export-frames", tmp_path / "store", tmp_path / "folders")[0] == 0
    assert (tmp_path / "folders" / "video_11" / "frame_9.png").exists()
    again = list_videos(tmp_path / "folders").videos
    assert sorted(video.caption for video in again) == sorted(captions)
    for video in again:
        np.testing.assert_array_equal(reading.read_video(video.path), clips[captions.index(video.caption)])


# --- the render stage ----------------------------------------------------------------------------------------


def test_render_writes_every_prompt_in_every_format(model: mock.Mock, tmp_path: Path) -> None:
    """The folder holds what the manifest says, and nothing of the last run."""
    layout = Layout(tmp_path)
    (layout.videos / "gif").mkdir(parents=True)
    (layout.videos / "gif" / "old.gif").write_bytes(b"old")
    prompts = ["red square moving right", "../../x $(touch X)\n"]
    render(RenderParams(prompts=prompts, count=2, seed=3, scale=2), layout)
    assert model.call_args.args == (layout.export,)
    videos = manifest(layout.videos)
    assert [(video["prompt"], video["seed"], video["index"]) for video in videos] == [
        (prompt, 3, index) for prompt in prompts for index in (0, 1)
    ]
    found = {str(path.relative_to(layout.videos)) for path in layout.videos.rglob("*") if path.is_file()}
    assert found == {"manifest.json", "sheet.png", "wall.gif", *(name for video in videos for name in video["files"])}
    assert videos[3]["files"] == [
        "gif/001_x-touch-x_1.gif",
        "mp4/001_x-touch-x_1.mp4",
        "avi/001_x-touch-x_1.avi",
        "strips/001_x-touch-x_1.png",
    ]
    clip = FakeModel().generate(prompts, seed=3, count=2)[1]
    np.testing.assert_array_equal(
        reading.read_video(layout.videos / videos[1]["files"][0]), clip.repeat(2, axis=1).repeat(2, axis=2)
    )


def test_render_refuses_an_empty_prompt_before_it_starts(tmp_path: Path) -> None:
    """The videos of the last run stay."""
    layout = Layout(tmp_path)
    layout.videos.mkdir(parents=True)
    (layout.videos / "old.gif").write_bytes(b"old")
    with pytest.raises(UserError, match="empty"):
        render(RenderParams(prompts=["circle", " "], count=1, seed=0, scale=1), layout)
    assert [path.name for path in layout.videos.iterdir()] == ["old.gif"]


# --- errors, progress, time ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("params.yaml: bad\x1b[2J\nvalue"), 2, "error: params.yaml: bad\\x1b[2J\\nvalue\n"),
        (OSError(36, "File name too long", "name"), 2, "error: name: File name too long\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (SystemExit(130), 130, "interrupted\n"),  # what typer makes of Ctrl-C
        (SystemExit(3), 3, ""),
    ],
)
def test_mistakes_and_interrupts_are_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what a person did, and the exit codes that scripts know."""

    def app() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        console.run(app)
    assert (ended.value.code, capsys.readouterr().err) == (code, line)


def test_a_bug_keeps_its_traceback() -> None:
    """What is nobody's mistake but ours must not be hidden."""

    def app() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        console.run(app)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


class Clock:
    """Time that passes by hand."""

    now = 100.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def test_progress_in_a_log_is_one_plain_line_per_tick() -> None:
    """Rate and time left, at most every five seconds, and the end in any case."""
    clock, stream = Clock(), io.StringIO()
    with console.Progress("train", 200, every=5, batch=64, start=20, stream=stream, clock=clock) as progress:
        for step in range(21, 71):
            clock.now += 0.25
            progress.update(step, loss_d=0.6931, epoch=step)
    assert stream.getvalue().splitlines() == [
        "train 40/200 steps   20%  256.0 clips/s  0:40 left  loss_d 0.693  epoch 40",
        "train 60/200 steps   30%  256.0 clips/s  0:35 left  loss_d 0.693  epoch 60",
        "train 70/200 steps   35%  256.0 clips/s  0:32 left  loss_d 0.693  epoch 70",
    ]


def test_progress_on_a_terminal_overwrites_itself() -> None:
    """One line, ended when the loop ends."""
    clock, stream = Clock(), Terminal()
    with console.Progress("render", 3, "prompts", stream=stream, clock=clock) as progress:
        for done in range(1, 4):
            clock.now += 2000
            progress.update(done)
    shown = stream.getvalue()
    assert shown.count("\r") == 3
    assert shown.count("\n") == 1
    assert "render 1/3 prompts   33%  0.0005 prompts/s  1:06:40 left" in shown


def test_progress_of_nothing_says_nothing() -> None:
    """An empty loop, or one that fails at once, leaves no odd line in a log."""
    stream = io.StringIO()
    with console.Progress("train", 0, stream=stream, clock=Clock()):
        pass
    assert stream.getvalue() == ""


def test_a_stopwatch_tells_where_the_time_went() -> None:
    """Sections add up to the whole."""
    clock, stream = Clock(), io.StringIO()
    watch = console.Stopwatch(clock)
    for section, seconds in (("draw", 2), ("write", 1), ("draw", 4)):
        with watch(section):
            clock.now += seconds
    clock.now += 1
    watch.report(stream)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert rows == [
        ["draw", "6.0", "s", "75%"],
        ["write", "1.0", "s", "12%"],
        ["the", "rest", "1.0", "s", "12%"],
        ["in", "all", "8.0", "s", "100%"],
    ]
