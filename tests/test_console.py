"""`text2video` as a process: its listeners, its terminal, its disk and its user's settings."""

import fcntl
import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

from text2video import __version__, cli, media
from text2video.data.packed import PackedWriter

COUNT = 70  # more than are made at a time
GENERATE = ("generate", "red square moving right", "--count", str(COUNT), "--format", "npy")


def environment(**settings: str) -> dict[str, str]:
    """The environment of a new process that imports this tree."""
    return os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])} | settings


def command(*arguments: str | Path) -> list[str]:
    """The command line that runs `text2video`."""
    return [sys.executable, "-m", "text2video", *map(str, arguments)]


def run(folder: Path, *arguments: str | Path, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `text2video` in a folder."""
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(**settings), input=stdin, capture_output=True, text=True,
        timeout=100,
    )  # fmt: skip


def shell(folder: Path, script: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which `$T` is `text2video`."""
    settings["T"] = f"{sys.executable} -m text2video"
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment(**settings), capture_output=True, text=True, timeout=100
    )  # fmt: skip


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with two clips of a red square that moves to the right, as files and a store."""
    clip = np.full((10, 64, 64, 3), 255, np.uint8)
    for frame in range(10):
        clip[frame, 20:36, 4 + 4 * frame : 20 + 4 * frame] = (255, 0, 0)
    for name in ("a.npy", "b.npy"):
        media.save_npy(tmp_path / name, clip)
    with PackedWriter(tmp_path / "store", clip.shape, np.uint8) as store:
        store.append(clip[None], ["red square moving right"])
    return tmp_path


def require_all(folder: Path, count: int = COUNT) -> None:
    """Every video and the manifest are there, and nothing else."""
    assert len(list(folder.glob("*.npy"))) == count
    assert (folder / "manifest.json").is_file()
    assert len(list(folder.iterdir())) == count + 1


# Who listens


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_work_is_finished_though_the_listener_is_gone(tmp_path: Path, unbuffered: str) -> None:
    """`text2video generate … | head -1`: all files, the manifest, exit 0, and not a word."""
    out = "o" * 200  # so that all the names are more than a buffer holds back
    process = subprocess.Popen(
        command(*GENERATE, "--out", out), cwd=tmp_path, env=environment(PYTHONUNBUFFERED=unbuffered),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline() == f"{out}/000_red-square-moving-right_0.npy\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(100) == 0
    require_all(tmp_path / out)


def test_the_work_is_finished_though_the_terminal_is_closed(tmp_path: Path) -> None:
    """The system sends SIGHUP, and each further write fails."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command(*GENERATE, "--out", "out"), cwd=tmp_path, env=environment(), start_new_session=True,
        stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(slave)
    assert b"out/000_red" in os.read(master, 1000)
    os.close(master)
    assert process.wait(100) == 0
    require_all(tmp_path / "out")


@pytest.mark.parametrize("arguments", ["judge a.npy b.npy", "export-frames store out", "--help"])
def test_nobody_listens_from_the_start(clips: Path, arguments: str) -> None:
    """Neither to stdout nor to stderr, unbuffered as in a container: the work is done all the same."""
    script = f"{{ sleep 0.2; $T {arguments}; echo $? >code; }} 2>&1 | true"
    done = shell(clips, script, PYTHONUNBUFFERED="1")
    assert (done.stderr, (clips / "code").read_text()) == ("", "0\n")
    assert (clips / "out").is_dir() == ("out" in arguments)


def test_streams_that_are_closed_are_no_files(tmp_path: Path) -> None:
    """Whatever is opened first would otherwise be stdout, and what is printed land in a video."""
    done = shell(tmp_path, "$T generate circle --format npy --count 2 --out out <&- >&- 2>&-")
    assert (done.returncode, done.stderr) == (0, "")
    require_all(tmp_path / "out", 2)
    assert all(np.load(file).shape == (10, 64, 64, 3) for file in (tmp_path / "out").glob("*.npy"))


def test_a_pipe_that_does_not_wait_loses_nothing(clips: Path) -> None:
    """Some programs make their pipes so; a reader that is slow is no error."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    os.write(write, b"\n" * 65_500)
    process = subprocess.Popen(command("judge", *["a.npy"] * 9), cwd=clips, env=environment(), stdout=write)
    os.close(write)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    with open(read) as file:
        assert file.read().split("\n")[-10:] == [
            *["a.npy: a large red square moving right quickly, on a white background"] * 9,
            "",
        ]
    assert process.wait(100) == 0


# What the system says


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(clips: Path) -> None:
    """The work is done, and the exit code says that its report is not there."""
    script = """
        $T generate circle --format npy --out out >/dev/full; echo $?
        PYTHONUNBUFFERED=1 $T judge a.npy >/dev/full; echo $?
        $T --help >/dev/full; echo $?
    """
    done = shell(clips, script)
    assert done.stderr == "error: cannot print the results: No space left on device\n" * 3
    assert done.stdout == "2\n" * 3
    require_all(clips / "out", 1)


# The command line as everywhere


def test_the_version_is_said() -> None:
    """By the module, too, and at once."""
    for argument in ("--version", "--help"):
        code = (
            "import sys; from text2video import cli\n"
            f"sys.argv = ['text2video', '{argument}']\n"
            "try: cli.main()\n"
            "finally: assert not {'torch', 'scipy', 'numpy', 'av'} & set(sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment())
        assert (done.returncode, done.stderr) == (0, "")
    assert run(Path(), "--version").stdout == f"text2video {__version__}\n"
    assert "generate" in run(Path(), "-h").stdout


def test_prompts_come_from_standard_input(tmp_path: Path) -> None:
    """`… | text2video generate --prompts -`, in an environment that knows nothing but ASCII."""
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    done = run(
        *(tmp_path, "generate", "circle", "--prompts", "-", "--out", "é"), stdin="red circle 😀\n圆形\n", **settings
    )
    assert done.returncode == 0, done.stderr
    names = ["000_circle_0.gif", "001_red-circle_0.gif", "002_prompt_0.gif"]
    assert sorted(path.name for path in (tmp_path / "é").iterdir()) == [*names, "manifest.json"]
    done = shell(tmp_path, "$T generate --prompts - <&-")
    assert done.returncode == 2
    assert re.fullmatch(r"error: there is no prompt; .*\n", done.stderr)


@pytest.mark.parametrize(
    "settings", [{"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"}, {"HOME": "/nonexistent", "FORCE_COLOR": "1"}]
)
def test_an_odd_environment_changes_nothing(clips: Path, settings: dict[str, str]) -> None:
    """Terminals of any width, with colours or without, and users without a home."""
    assert (
        run(clips, "judge", "a.npy", **settings).stdout
        == "a.npy: a large red square moving right quickly, on a white background\n"
    )
    done = run(clips, "judge", "--oops", **settings)
    assert done.returncode == 2
    assert "No such option" in " ".join(done.stderr.split())
    assert "\x1b" not in done.stderr
