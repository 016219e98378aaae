"""Stage ``evaluate``: the exported model's videos for the test prompts, judged, beside ceiling and floor."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from text2video.bundle import Model, load_model
from text2video.console import Progress, Stopwatch
from text2video.data.packed import PackedReader
from text2video.files import write_json
from text2video.judge import judge_clips, score
from text2video.judge.scores import right
from text2video.layout import TEST_SPLITS, Layout
from text2video.params import Params
from text2video.world.captions import parse_prompt

BATCH = 64
HEADLINES = ("shape", "colour", "motion", "joint")


def evaluate(params: Params, layout: Layout) -> None:
    """Judge one video for each clip of the test splits. Writes ``metrics/evaluation.json``.

    ``ceiling`` is what the judge says of the real clips of the same captions, ``floor`` of the generated clips held
    against each other's captions.
    """
    watch = Stopwatch()
    model = load_model(layout.export)
    page: dict[str, Any] = {}
    for split in (*TEST_SPLITS, "prompts"):
        store = PackedReader(layout.test / split)
        with watch("generate"):
            clips = generate(model, store.captions, params.evaluate.seed, params.runtime.log_every)
        with watch("judge"):
            page[split] = judge_split(clips, store, params.evaluate.seed)
    write_json(layout.metrics / "evaluation.json", page)
    watch.report()


def generate(model: Model, prompts: list[str], seed: int, log_every: float) -> np.ndarray:
    """One video for each prompt, ``uint8[N, T, H, W, 3]``; a prompt that comes again gets the next number."""
    counters: dict[str, Iterator[int]] = defaultdict(count)
    numbers = [next(counters[prompt]) for prompt in prompts]
    parts = []
    with Progress("generate", len(prompts), "clips", log_every) as progress:
        for start in range(0, len(prompts), BATCH):
            parts.append(model.draw(prompts[start : start + BATCH], seed, numbers[start : start + BATCH]))
            progress.update(min(start + BATCH, len(prompts)))
    return np.concatenate(parts) if parts else model.generate([])


def judge_split(clips: np.ndarray, store: PackedReader, seed: int) -> dict[str, Any]:
    """Scores of the generated clips, with ceiling and floor."""
    requests = [parse_prompt(caption) for caption in store.captions]
    verdicts = judge_clips(clips)
    shuffled = np.random.default_rng(seed).permutation(len(requests))
    real = score(judge_clips(store[:]), requests)
    hits = right(verdicts, [requests[i] for i in shuffled])
    return {
        **score(verdicts, requests),
        "ceiling": {name: real[name] for name in HEADLINES},
        "floor": {name: round(float(hits[name].mean()), 4) if len(requests) else None for name in HEADLINES},
    }
