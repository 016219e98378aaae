"""Stage ``evaluate``: the exported model's videos for the test prompts, judged, beside their ceiling and floor."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from text2video.bundle import Model, load_model
from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader
from text2video.device import pick_device
from text2video.judge import judge_clips
from text2video.layout import TEST_SPLITS, Layout
from text2video.params import Params
from text2video.report.diversity import diversity
from text2video.report.features import agreement, look, train_features
from text2video.report.frechet import frechet_figures
from text2video.report.nearest import find_nearest, nearest_figures, pairs_picture
from text2video.report.output import Evaluation, read_tutorial, write_report
from text2video.report.proof import judge_proof
from text2video.report.summary import Figures, Judged, overall_quality, split_details, split_figures
from text2video.report.wall import Tile, choose_tiles, moving_sheet
from text2video.request import Request
from text2video.world.captions import parse_prompt

PROOF_CLIPS = 256  # of each renderer


@dataclass
class Drawn:
    """What is kept of the model's videos: the verdicts on all of them, all of ``seen``, and a few to look at."""

    splits: dict[str, Judged] = field(default_factory=dict)
    tiles: list[Tile] = field(default_factory=list)
    seen: np.ndarray = field(default_factory=lambda: np.empty(0))  # uint8[N, T, H, W, 3]
    sheet: np.ndarray = field(default_factory=lambda: np.empty(0))  # of the prompts, uint8[T, H', W', 3]


def evaluate(params: Params, layout: Layout) -> Figures:
    """Judge one video for each clip of the test splits, and measure how varied and how new they are.

    Writes the files of :func:`text2video.report.output.write_report`. Returns the content of ``evaluation.json``.
    """
    watch, seed, log_every = Stopwatch(), params.evaluate.seed, params.runtime.log_every
    model = load_model(layout.export, pick_device(params.runtime))
    drawn = draw_and_judge(model, layout, seed, log_every, watch)
    honesty, details, pairs = compare(drawn, layout, seed, log_every, watch)
    with watch("prove the judge"):
        clips = min(PROOF_CLIPS, len(drawn.seen))
        proof = judge_proof(params, clips) if clips and params.data.frames > 2 else {}
    tutorial = read_tutorial(layout)
    with watch("report"):
        figures = {n: split_figures(n, drawn.splits, tutorial.figures.get(n, {})) for n in drawn.splits}
        evaluation = Evaluation(
            figures={**figures, "quality": overall_quality(drawn.splits), **honesty},
            details={"splits": {n: split_details(j) for n, j in drawn.splits.items()}, **details},
            splits=drawn.splits,
            tiles=drawn.tiles,
            sheet=drawn.sheet,
            pairs=pairs,
            proof=proof,
            tutorial=tutorial,
            fps=model.fps,
        )
        write_report(evaluation, layout)
    watch.report()
    return evaluation.figures


def draw_and_judge(model: Model, layout: Layout, seed: int, log_every: float, watch: Stopwatch) -> Drawn:
    """The model's videos for each test split, and the verdicts on them and on the real clips; one split in memory at a
    time, but for ``seen``."""
    drawn = Drawn()
    for split in (*TEST_SPLITS, "prompts"):
        store = PackedReader(layout.test / split)
        with watch("generate"):
            clips = generate(model, store.captions, seed, log_every)
            real = store[:]
            rebuilt = model.reconstruct(real)
        with watch("judge"):
            requests = [parse_prompt(caption) for caption in store.captions]
            verdicts = [judge_clips(videos) for videos in (clips, real, rebuilt)]
            judged = Judged(store.captions, requests, *verdicts)
        drawn.splits[split] = judged
        drawn.tiles += choose_tiles(split, judged, clips)
        if split == "seen":
            drawn.seen = clips
        if split == "prompts":
            drawn.sheet = moving_sheet(judged, clips)
    return drawn


def generate(model: Model, prompts: list[str], seed: int, log_every: float) -> np.ndarray:
    """One video for each prompt, ``uint8[N, T, H, W, 3]``; a prompt that comes again gets the next number."""
    counters: dict[str, Iterator[int]] = defaultdict(count)
    numbers = [next(counters[prompt]) for prompt in prompts]
    parts = []
    with Progress("generate", len(prompts), "clips", log_every) as progress:
        for part in model.draw_in_batches(prompts, seed, numbers):
            parts.append(part)
            progress.update(sum(map(len, parts)))
    return np.concatenate(parts) if parts else model.generate([])


def compare(
    drawn: Drawn, layout: Layout, seed: int, log_every: float, watch: Stopwatch
) -> tuple[Figures, Figures, np.ndarray]:
    """The model's videos as a set against real clips: how varied, how new, how near as a distribution. Returns figures,
    details, and a picture of the videos that are nearest to a training clip."""
    train, validation = PackedReader(layout.train), PackedReader(layout.validation)
    prompts, seen = drawn.splits["prompts"], drawn.splits["seen"]
    real = PackedReader(layout.test / "seen")[:]
    with watch("diversity"):
        varied = diversity(prompts.prompts, prompts.model, prompts.real, seed)
    with watch("nearest clips"):
        nearest = find_nearest(drawn.seen, real, train, seed)
        pairs = pairs_picture(nearest, drawn.seen, seen.prompts, train)
    with watch("feature network"):
        network = train_features(
            train, [parse_prompt(caption) for caption in train.captions], seed, log_every
        )
        (model_features, guesses), (real_features, answers) = look(network, drawn.seen), look(network, real)
        other_features, _ = look(network, validation[: len(real)])
    verdicts = [
        Request(*labels)
        for labels in zip(seen.model.shape, seen.model.colour, seen.model.motion, strict=True)
    ]
    figures = {
        "diversity": varied,
        "nearest_training_clip": nearest_figures(nearest),
        "frechet_distance": frechet_figures(model_features, real_features, other_features),
    }
    details = {
        "features": {
            "clips": network.clips,
            "accuracy": agreement(answers, seen.requests),
            "agreement": agreement(guesses, verdicts),
        }
    }
    return figures, details, pairs
