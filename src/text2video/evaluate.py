"""Stage ``evaluate``: the exported model's videos for the captions of each test split, beside the real ones."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count, permutations
from pathlib import Path
from typing import Any

import numpy as np

from text2video.bundle import Model, load_model
from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader
from text2video.device import pick_device
from text2video.judge import judge_clips, judge_scenes
from text2video.judge.diversity import trait_diversity, traits
from text2video.judge.proof import Check
from text2video.judge.summary import Figures, Judged, judged_details, overall_quality, split_figures
from text2video.layout import Layout
from text2video.measure.clips import Measured, Ruler, make_ruler
from text2video.measure.nearest import Nearest, find_nearest, nearest_figures
from text2video.measure.retrieval import Questions, make_questions, retrieval_figures
from text2video.measure.sets import diversity_figures, flicker_figures, frechet_figures
from text2video.params import Params
from text2video.proof import is_scenes, judge_proof
from text2video.report.output import read_tutorial, write_report
from text2video.report.page import SPLITS, Evaluation
from text2video.report.wall import Tile, choose_tiles, moving_sheet, pairs_picture
from text2video.request import Request, Scene
from text2video.world.captions import parse_prompt, parse_scene

PROOF_CLIPS = 256  # of each renderer
MOST_BYTES = 512 << 20  # of a split's clips; of more, some at even distances

Array = np.ndarray


@dataclass(frozen=True)
class Split:
    """What is kept of one test split: its captions, the verdicts on its clips if it has labels, and all measures."""

    captions: list[str]
    judged: Judged | None
    questions: Questions
    model: Measured
    real: Measured


@dataclass
class Found:
    """All splits, and what was looked at while their clips were in memory: one split at a time."""

    reference: Split
    """The first split that has clips, new clips of what was trained on; one of no clips where there is none."""
    splits: dict[str, Split] = field(default_factory=dict)
    tiles: list[Tile] = field(default_factory=list)
    nearest: Nearest = field(default_factory=lambda: Nearest(*[np.empty(0)] * 4))
    pairs: Array = field(default_factory=lambda: np.full((1, 1, 3), 255, np.uint8))
    sheet: Array = field(default_factory=lambda: np.full((1, 1, 1, 3), 255, np.uint8))

    @property
    def judged(self) -> dict[str, Judged]:
        """The splits that have labels."""
        return {name: split.judged for name, split in self.splits.items() if split.judged is not None}


def evaluate(params: Params, layout: Layout) -> Figures:
    """Measure one video for each clip of the test splits, judge those that have labels, and compare them as sets.

    Writes the files of :func:`text2video.report.output.write_report`. Returns the content of ``evaluation.json``.
    """
    watch, seed, log_every = Stopwatch(), params.evaluate.seed, params.runtime.log_every
    model = load_model(layout.export, pick_device(params.runtime))
    train, stores = PackedReader(layout.train), open_splits(layout.test)
    with watch("text-video network"):
        captions = [caption for store in stores.values() for caption in store.captions]
        ruler = make_ruler(train, captions, seed, log_every)
    found = look_at_splits(model, ruler, stores, train, params, watch)
    tutorial, tutorial_wall = read_tutorial(layout)
    with watch("compare"):
        figures = split_pages(found, tutorial)
        figures |= compare(found, ruler, PackedReader(layout.validation), seed)
    with watch("prove the judge"):
        proof = prove(params, found)
    with watch("report"):
        evaluation = Evaluation(
            figures=figures,
            details=tell_details(found, ruler),
            tiles=found.tiles,
            sheet=found.sheet,
            pairs=found.pairs,
            spreads=spreads(found),
            proof=proof,
            tutorial=tutorial,
            tutorial_wall=tutorial_wall,
            fps=train.fps,
            frames=train.shape[0],
            drawn=params.world is not None,
        )
        write_report(evaluation, layout)
    watch.report()
    return figures


def open_splits(folder: Path) -> dict[str, PackedReader]:
    """The stores in ``folder``: those of SPLITS in their order, then others by name."""
    names = sorted(path.parent.name for path in folder.glob("*/index.json"))
    ordered = [name for name in SPLITS if name in names] + [name for name in names if name not in SPLITS]
    return {name: PackedReader(folder / name) for name in ordered}


def look_at_splits(
    model: Model, ruler: Ruler, stores: dict[str, PackedReader], train: PackedReader, params: Params, watch: Stopwatch
) -> Found:
    """The model's videos for each split and the real ones, measured and, with labels, judged; one split in memory at a
    time. The first split that has clips is compared with the training clips."""
    seed, scenes = params.evaluate.seed, is_scenes(params)
    nothing = ruler.measure(np.empty((0, *train.shape), np.uint8))
    found = Found(Split([], None, make_questions([], [], seed), nothing, nothing))
    same = partial(alike, scenes)
    filled = [name for name, store in stores.items() if len(store)]
    first, shown = filled[:1], ["prompts"] if "prompts" in filled else filled[:1]
    for name, store in stores.items():
        rows = some_rows(store)
        captions = [store.captions[row] for row in rows]
        with watch("generate"):
            clips, real = generate(model, captions, seed, params.runtime.log_every), store[rows]
        with watch("judge"):
            labelled = (store if len(store) else train).labels is not None
            judged = judge(model, captions, clips, real, scenes, train.fps) if labelled else None
        with watch("measure"):
            questions = make_questions(captions, ruler.captions, seed, same if labelled else None)
            split = Split(captions, judged, questions, ruler.measure(clips), ruler.measure(real))
            found.splits[name] = split
            found.tiles += choose_tiles(name, captions, clips, real, judged, taken_for(split, ruler))
            if name in first:
                found.reference = split
                found.nearest = find_nearest(split.model.thumbnails, split.real.thumbnails, train, seed)
                found.pairs = pairs_picture(found.nearest, clips, captions, train)
            if name in shown:
                good = judged.answers["model"].right["joint"] if judged else np.ones(len(rows), bool)
                found.sheet = moving_sheet(captions, clips, real, good)
    return found


def some_rows(store: PackedReader) -> Array:
    """All rows of a store or, of one that is larger than MOST_BYTES, some at even distances: int[n]."""
    most = max(MOST_BYTES // (math.prod(store.shape) * store.dtype.itemsize), 1)
    return np.linspace(0, len(store) - 1, min(len(store), most)).round().astype(int)


def judge(model: Model, captions: list[str], clips: Array, real: Array, scenes: bool, fps: float) -> Judged:
    """The verdicts on the model's clips, on real ones and on those that went through the model's codec."""
    asked: list[Scene] | list[Request] = (
        [parse_scene(caption) for caption in captions] if scenes else [parse_prompt(caption) for caption in captions]
    )
    see = partial(judge_scenes, fps=fps) if scenes else judge_clips
    return Judged(captions, asked, *(see(videos) for videos in (clips, real, model.reconstruct(real))))


def taken_for(split: Split, ruler: Ruler) -> list[str | None]:
    """The caption that the network chooses for each of the model's videos, its own where it is right; None where there
    is nothing to choose."""
    taken: list[str | None] = []
    rows = zip(split.captions, split.model.similarities, split.questions.own, split.questions.others, strict=True)
    for caption, row, own, others in rows:
        if not len(others):
            taken.append(None)
            continue
        best = others[row[others].argmax()]
        taken.append(ruler.captions[best] if row[best] > row[own] else caption)
    return taken


def alike(scenes: bool, first: str, second: str) -> bool:
    """Whether one video may show what both captions of a drawn world say."""
    one, other = scene_of(first, scenes), scene_of(second, scenes)
    agree = [one.background, other.background]
    if len(one.objects) != len(other.objects) or (None not in agree and agree[0] != agree[1]):
        return False
    return any(all(map(_agree, one.objects, order)) for order in permutations(other.objects))


def _agree(first: Request, second: Request) -> bool:
    """Whether one object may be both."""
    return all(a is None or b is None or a == b for a, b in zip(first, second, strict=True))


@cache
def scene_of(caption: str, scenes: bool) -> Scene:
    """What a caption says of one object, or of several; each caption once."""
    return parse_scene(caption) if scenes else Scene((parse_prompt(caption),))


def generate(model: Model, prompts: list[str], seed: int, log_every: float) -> Array:
    """One video for each prompt, ``uint8[N, T, H, W, 3]``; a prompt that comes again, in whatever
    words that the model reads alike, gets the next number."""
    counters: dict[str, Iterator[int]] = defaultdict(count)
    numbers = [next(counters[model.canonical(prompt)]) for prompt in prompts]
    parts = []
    with Progress("generate", len(prompts), "clips", log_every) as progress:
        for part in model.draw_in_batches(prompts, seed, numbers):
            parts.append(part)
            progress.update(sum(map(len, parts)))
    return np.concatenate(parts) if parts else model.generate([])


def split_pages(found: Found, tutorial: Mapping[str, Any]) -> Figures:
    """The figures of each split: what the judge says, where it has labels, and retrieval."""
    judged, painter = found.judged, found.reference.real.similarities
    pages = {}
    for name, split in found.splits.items():
        page = split_figures(name, judged, tutorial.get(name, {})) if name in judged else {}
        model, real = split.model.similarities, split.real.similarities
        page["retrieval"] = retrieval_figures(model, real, painter, split.questions)
        pages[name] = page
    return pages


def tell_details(found: Found, ruler: Ruler) -> Figures:
    """What is too long for ``evaluation.json``: the size of the network and, of what is judged, all the rest."""
    network, judged = ruler.network, found.judged
    size = {"clips": network.clips, "words": len(network.bags), "captions": len(ruler.captions)}
    return {"network": size} | (judged_details(judged) if judged else {})


def compare(found: Found, ruler: Ruler, validation: PackedReader, seed: int) -> Figures:
    """The model's videos as a set against real ones: how varied, how new, how near as a distribution, how steady."""
    judged, split = found.judged, found.reference
    several = found.splits.get("prompts", split)
    several = several if several.captions else split
    figures: Figures = {"quality": overall_quality(judged)} if judged else {}
    figures["diversity"] = {}
    if "prompts" in judged:
        model, real = (judged["prompts"].answers[side] for side in ("model", "real"))
        prompts = [judged["prompts"].prompts[row] for row in model.clip]
        figures["diversity"] = dict(trait_diversity(prompts, model.objects, real.objects, seed))
    figures["diversity"] |= diversity_figures(
        several.captions,
        (several.model.thumbnails, several.real.thumbnails),
        (several.model.features, several.real.features),
    )
    others = ruler.measure(validation[: len(split.captions)]).features
    return figures | {
        "nearest_training_clip": nearest_figures(found.nearest),
        "frechet_distance": frechet_figures(split.model.features, split.real.features, others),
        "flicker": flicker_figures(split.model.flicker, split.real.flicker),
    }


def spreads(found: Found) -> dict[str, tuple[Array, Array]]:
    """What is shown as histograms, (the model's, real clips') each: of the first split and, if they are judged, of the
    prompts."""
    split, nearest = found.reference, found.nearest
    steady = [side.flicker[np.isfinite(side.flicker)] for side in (split.model, split.real)]
    shown = {"nearest": (nearest.model_distance, nearest.real_distance), "flicker": (steady[0], steady[1])}
    if "prompts" in found.judged:
        model, real = (traits(found.judged["prompts"].answers[side].objects) for side in ("model", "real"))
        shown |= {name: (model[name], real[name]) for name in model}
    return shown


def prove(params: Params, found: Found) -> Mapping[str, list[Check]]:
    """The proof of the judge, for drawn worlds; of three frames at least, for what goes to and fro takes three."""
    clips = min(PROOF_CLIPS, len(found.reference.captions))
    if params.data.source != "shapes" or not clips or not found.judged or params.data.frames < 3:
        return {}
    return judge_proof(params, clips)
