"""Where the time goes: of a training step and of a generated clip, by torch's profiler; of a stored clip, part by part.

Run from the repository: `python benchmarks/hotspots.py`.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import typer
import zstandard
from common import ROOT, rates, report
from torch.profiler import ProfilerActivity, profile
from training import codec_step, model_step

from text2video import load_model
from text2video.bundle import Model
from text2video.data.packed import PackedReader, PackedWriter
from text2video.params import Params, load_params
from text2video.world import World

SHOWN, CALLS, CLIPS = 8, 16, 500


def shares(what: str, work: Callable[[], object]) -> list[dict[str, Any]]:
    """The operators that take longest, and their share of the whole."""
    work()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(CALLS):
            work()
    averages = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in averages)
    return [
        {"what": what, "operator": event.key, "share": event.self_cpu_time_total / total, "calls": event.count // CALLS}
        for event in averages[:SHOWN]
    ]


def parts_of_the_data_path(params: Params) -> list[dict[str, Any]]:
    """Microseconds of one thread that each part of writing and reading a clip takes, and what zstd alone would."""
    world = World(params)
    clips, captions, _ = world.draw("train", CLIPS, 0)
    packer, unpacker = zstandard.ZstdCompressor(), zstandard.ZstdDecompressor()
    packed = [packer.compress(clip.tobytes()) for clip in clips]
    order = np.random.default_rng(0).permutation(CLIPS)
    with tempfile.TemporaryDirectory() as folder:

        def write() -> None:
            with PackedWriter(Path(folder), clips.shape[1:], np.uint8) as writer:
                writer.append(clips, captions)

        write()
        store = PackedReader(Path(folder))
        works: dict[str, Callable[[], object]] = {
            "draw": lambda: world.draw("train", CLIPS, 0),
            "write": write,
            "zstd alone, writing": lambda: [packer.compress(clip.tobytes()) for clip in clips],
            "read": lambda: [store[order[i : i + 10]] for i in range(0, CLIPS, 10)],
            "zstd alone, reading": lambda: [unpacker.decompress(clip) for clip in packed],
            "bytes to floats": lambda: [clips[i : i + 10].astype(np.float32) for i in range(0, CLIPS, 10)],
        }

        def count(work: Callable[[], object]) -> Callable[[], float]:
            return lambda: (work(), CLIPS)[1]

        found = rates({name: count(work) for name, work in works.items()})
    return [{"what": name, "microseconds a clip": 1e6 / rate} for name, rate in found.items()]


def a_video(model: Model) -> Callable[[], object]:
    """One video, without the threads that `generate` starts: the profiler would not see them."""
    return lambda: model.best_clip("circle moving up-right", 0, 0)


def main() -> None:
    """The model's step, the codec's step, one video; then the data path."""
    params, model = load_params(ROOT / "params.yaml"), load_model()
    works: dict[str, Callable[[], object]] = {
        "train, a step": model_step(params),
        "autoencode, a step": codec_step(params),
        "generate, a video": a_video(model),
    }
    report("hotspots", [row for what, work in works.items() for row in shares(what, work)])
    report("data-path", parts_of_the_data_path(params))


if __name__ == "__main__":
    typer.run(main)
