"""Fills the stores of all splits, from the drawn world or from a folder of videos, and shows what is in them."""

import math
import shutil
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np

from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedWriter
from text2video.data.splits import CLIP_SPLITS
from text2video.data.videos import Row, import_videos, save_rows
from text2video.files import replace_folder
from text2video.layout import TEST_SPLITS, Layout
from text2video.media import save_gif, slug
from text2video.params import DataParams, Params, WorldParams
from text2video.request import Request
from text2video.sheets import contact_sheet, film_strip, save_png
from text2video.world import Drawn, World
from text2video.world.captions import caption
from text2video.world.motions import MOTIONS

CHUNK = 500  # clips drawn at a time, each chunk from a seed of its own,
CHUNK_BYTES = 64 << 20  # or fewer, where they are large
ABREAST = 4  # clips side by side in a motion's GIF

Draw = Callable[[int, int], Drawn]  # of n and a seed


def synthesize(params: Params, layout: Layout) -> None:
    """Write the stores ``train``, ``validation`` and ``test/*`` of ``layout`` from the source ``data.source``.

    What is in them goes to ``metrics/clips.csv``, pictures of it to ``metrics/data``.
    Raises UserError before anything is written when the settings contradict each other.
    """
    if params.data.source == "videos":
        import_videos(params, layout)
        kept = set(CLIP_SPLITS)
    else:
        draw_world(params, layout)
        kept = {*TEST_SPLITS, "prompts"}
    for store in layout.test.iterdir():  # of another source, before
        if store.is_dir() and store.name not in kept:
            shutil.rmtree(store)


def draw_world(params: Params, layout: Layout) -> None:
    """Fill the stores with drawn clips.

    ``test`` holds one store for each of TEST_SPLITS, empty where the world has nothing for it, and ``prompts``:
    ``world.prompt_clips`` clips of each of ``world.test_prompts``, in this order.
    """
    data, watch = params.data, Stopwatch()
    world = World(params)
    stores = _stores(world, params.world, layout)
    total, done = sum(n for parts in stores.values() for n, _ in parts), 0
    with Progress("synthesize", total, "clips", params.runtime.log_every) as progress:
        for path, parts in stores.items():
            with PackedWriter(path, (data.frames, *data.height_width, 3), np.uint8, data.fps) as writer:
                for seed, n, draw in _chunks(parts, data):
                    with watch("draw"):
                        drawn = draw(n, seed)
                    with watch("pack"):
                        writer.append(*drawn)
                    progress.update(done := done + n)
    with watch("pictures"):
        _show(world, params, layout.metrics / "data")
    rows = [Row("", "", path.name, sum(n for n, _ in parts), "") for path, parts in stores.items()]
    save_rows(layout.metrics / "clips.csv", rows)
    watch.report()


def _stores(world: World, wanted: WorldParams, layout: Layout) -> dict[Path, list[tuple[int, Draw]]]:
    """What goes into each store: how many clips, drawn how."""
    splits = {"train": (layout.train, wanted.train_clips), "validation": (layout.validation, wanted.validation_clips)}
    splits |= {split: (layout.test / split, wanted.test_clips) for split in TEST_SPLITS}
    stores: dict[Path, list[tuple[int, Draw]]] = {
        path: [(n if world.triples(split) else 0, partial(world.draw, split))] for split, (path, n) in splits.items()
    }
    stores[layout.test / "prompts"] = [
        (wanted.prompt_clips, partial(world.draw_prompt, prompt)) for prompt in wanted.test_prompts
    ]
    return stores


def _chunks(parts: list[tuple[int, Draw]], data: DataParams) -> list[tuple[int, int, Draw]]:
    """Cut each part into (seed, n, draw), small enough for the memory."""
    most = max(1, min(CHUNK, CHUNK_BYTES // (data.frames * math.prod(data.height_width) * 3)))
    return [(seed, min(most, n - first), draw) for n, draw in parts for seed, first in enumerate(range(0, n, most))]


def _show(world: World, params: Params, folder: Path) -> None:
    """A GIF for each motion, with a clip of each shape side by side; one for each number of objects that clips have, if
    it is two or more; and a sheet of film strips of all of it."""
    data, drawn = params.data, params.world
    motions = list(dict.fromkeys([*drawn.motions, *drawn.unseen_motions]))
    looks = cycle((shape, colour) for colour in drawn.colours for shape in drawn.shapes)
    strips, captions = [], []
    with replace_folder(folder) as fresh:
        for number, motion in enumerate(motions):
            wording = MOTIONS[motion].wordings[0]
            prompts = [caption(Request(*next(looks), motion), wording) for _ in drawn.shapes[:ABREAST]]
            clips = [world.draw_prompt(prompt, 1, 0).clips[0] for prompt in prompts]
            save_gif(fresh / f"{slug(motion)}.gif", film_strip(clips), data.fps)
            strips.append(clips[number % len(clips)])
            captions.append(prompts[number % len(clips)])
        scenes = world.draw("seen", 16 * ABREAST if max(drawn.objects) > 1 else 0, 0)
        counts = [len(labels["objects"]) for labels in scenes.labels]
        for count in sorted(set(counts) - {1}):
            rows = [row for row, number in enumerate(counts) if number == count][:ABREAST]
            save_gif(fresh / f"{count}-objects.gif", film_strip(list(scenes.clips[rows])), data.fps)
            strips += list(scenes.clips[rows])
            captions += [scenes.captions[row] for row in rows]
        save_png(fresh / "sheet.png", contact_sheet(strips, captions, columns=2))
