"""Own videos to clips: the stage `synthesize` as a whole process against a plain loop of OpenCV, in turn.

The material is made here: many short videos, and two of ten minutes in 1080p, cut to one clip each or from end to end.
The loop reads every frame, shrinks the nearest to each time that is wanted and keeps it, while FFmpeg decodes on all
cores for it. Run from the repository: `python benchmarks/videos.py`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import typer
import yaml
from common import ROOT, report

SHORT, SECONDS = 2000, 3  # videos of 320x240 at 30 frames a second
LONG_MINUTES = 10
ROUNDS = 1  # of some minutes


def encode(path: Path, seconds: int, height: int, width: int, repeat: int = 1) -> None:
    """A picture with detail that moves, at 30 frames a second; its packets ``repeat`` times one after another."""
    rng = np.random.default_rng(0)
    large = rng.integers(0, 256, (height // 8, width // 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    large = cv2.GaussianBlur(large, (0, 0), 3)
    rate = str(2 * height * width)  # bits a second: 4 million of 1080p, as on the web
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=30, options={"preset": "veryfast", "b": rate})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.max_b_frames = 0
        packets = []
        for number in range(30 * seconds):
            left = round(width * (0.5 + 0.4 * np.sin(number / 9)))
            frame = np.ascontiguousarray(large[:, left : left + width])
            packets += stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24"))
        packets += stream.encode()
        copies = [(bytes(packet), packet.pts, packet.is_keyframe, packet.time_base) for packet in packets]
        for turn in range(repeat):
            for data, pts, key, base in copies:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                packet.pts = packet.dts = pts + round(turn * seconds / base)
                output.mux(packet)


def fill(folder: Path, number: int, **video: int) -> Path:
    """A folder of ``number`` videos with captions: one file under several names, and one more."""
    folder.mkdir()
    encode(folder / "0.mp4", **video)
    for n in range(number):
        if n:
            os.link(folder / "0.mp4", folder / f"{n}.mp4")
        (folder / f"{n}.txt").write_text(f"number {n % 50}")
    return folder


def ours(folder: Path, root: Path, windows: int) -> tuple[float, float]:
    """Seconds, and megabytes at most, of the stage as a process."""
    page = yaml.safe_load((ROOT / "params.yaml").read_text())
    page["data"]["source"] = "videos"
    page["videos"] |= {"folder": str(folder), "windows": windows}
    root.mkdir(exist_ok=True)
    (root / "params.yaml").write_text(yaml.safe_dump(page))
    command = [sys.executable, "-m", "stages.synthesize", "--root", str(root)]
    began, largest = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as stage:
        while stage.poll() is None:
            with suppress(psutil.Error):
                largest = max(largest, psutil.Process(stage.pid).memory_info().rss)
            time.sleep(0.05)
    assert stage.returncode == 0, command
    return time.perf_counter() - began, largest / 2**20


def plain_loop(folder: Path, size: int = 64, fps: int = 10) -> float:
    """Seconds of the loop that everybody writes, over the same files."""
    began = time.perf_counter()
    kept = []
    for path in sorted(folder.glob("*.mp4")):
        capture, number, clip = cv2.VideoCapture(str(path)), 0, []
        step = capture.get(cv2.CAP_PROP_FPS) / fps
        while True:
            read, frame = capture.read()
            if not read:
                break
            if number == round(len(clip) * step):
                clip.append(cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA))
            number += 1
        kept.append(np.stack(clip))
    return time.perf_counter() - began


def compare(what: str, folder: Path, root: Path, videos: int, seconds: float, windows: int) -> dict[str, object]:
    """Both sides in turn; medians of the rounds."""
    rounds = [(*ours(folder, root, windows), plain_loop(folder)) for _ in range(ROUNDS)]
    mine, memory, loop = (statistics.median(column) for column in zip(*rounds, strict=True))
    clips = videos * min(windows, round(seconds))
    return {
        "what": what,
        "clips/s": clips / mine,
        "times real time": videos * seconds / mine,
        "loop, times real time": videos * seconds / loop,
        "ratio": loop / mine,
        "memory, MB": memory,
    }


def main() -> None:
    """Short ones, one clip of each; a long one, cut to clips from end to end."""
    with tempfile.TemporaryDirectory() as scratch:
        at = Path(scratch)
        short = fill(at / "short", SHORT, seconds=SECONDS, height=240, width=320)
        # Two, of which one is for validation.
        long = fill(at / "long", 2, seconds=10, height=1080, width=1920, repeat=6 * LONG_MINUTES)
        seconds = 60 * LONG_MINUTES
        rows = [
            compare(f"{SHORT} videos of {SECONDS} s, 320x240", short, at / "a", SHORT, SECONDS, 1),
            compare(f"2 videos of {LONG_MINUTES} min, 1080p, a clip each", long, at / "b", 2, seconds, 1),
            compare(f"2 videos of {LONG_MINUTES} min, 1080p, whole", long, at / "b", 2, seconds, 10_000),
        ]
    report("videos", rows)


if __name__ == "__main__":
    typer.run(main)
