"""Which videos are trained on, and which are held out: whole videos, whole captions."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence

from text2video.data.layouts import Split
from text2video.errors import UserError

CLIP_SPLITS = ("train", "validation", "unseen_clip", "unseen_caption")


def assign_splits(
    names: Sequence[str], captions: Sequence[Hashable], given: Sequence[Split | None], clip_share: float,
    caption_share: float, seed: int,
) -> list[str]:  # fmt: skip
    """One of CLIP_SPLITS for each video, by its name, its caption and the split that its folder says (None: none).

    Folders called validation and test are taken as they are, and only what no folder says is drawn by ``seed``:
    ``caption_share`` of the captions with all their videos, and ``clip_share`` of the other videos, half of them for
    validation. A caption of several videos keeps one of these in training. A test video is of ``unseen_caption`` when
    no training video has its caption. Validation gets one video even if the shares are too small for that. A video
    that is added or removed changes the split of few others.
    Raises UserError when no video would be left to train on or to validate with.
    """
    splits: list[str] = [split or "train" for split in given]
    validated, tested = "validation" in given, "test" in given
    if not tested:
        _hold_out_captions(captions, splits, caption_share, 1 if validated else 2, seed)
    left = splits.count("train")
    wanted = 0 if validated and tested else round(clip_share * left)
    for_validation = 0 if validated else max(1, min(wanted, left - 1) if tested else (wanted + 1) // 2)
    if left <= for_validation and for_validation:
        elsewhere = len(splits) - given.count(None) - given.count("train")
        called = f" ({elsewhere} are in folders, tables or tars called validation or test)" if elsewhere else ""
        raise UserError(
            f"videos.folder: {len(splits)} videos can be taken, {left} of them for training{called}; at least two are "
            "needed, one to train on and one for validation"
        )
    held = _videos_to_hold_out(names, captions, splits, seed)[: max(for_validation, min(wanted, left - 1))]
    for place, video in enumerate(held):
        splits[video] = "validation" if place < for_validation else "test"
    trained = {caption for caption, split in zip(captions, splits, strict=True) if split == "train"}
    if not trained:
        raise UserError(
            "videos.folder: nothing is left to train on; all is in folders, tables or tars called validation or test"
        )
    kinds = {True: "unseen_clip", False: "unseen_caption"}
    return [kinds[c in trained] if split == "test" else split for c, split in zip(captions, splits, strict=True)]


def _hold_out_captions(captions: Sequence[Hashable], splits: list[str], share: float, least: int, seed: int) -> None:
    """Move all videos of some captions from train to test; ``least`` videos stay."""
    validated = {caption for caption, split in zip(captions, splits, strict=True) if split == "validation"}
    numbers = Counter(captions)
    free = [caption for caption in numbers if caption not in validated]
    left, held = splits.count("train"), set[Hashable]()
    for place in _shuffled(free, seed):
        if len(held) < round(share * len(free)) and left - numbers[free[place]] >= least:
            held.add(free[place])
            left -= numbers[free[place]]
    splits[:] = ["test" if c in held else split for c, split in zip(captions, splits, strict=True)]


def _videos_to_hold_out(names: Sequence[str], captions: Sequence[Hashable], splits: list[str], seed: int) -> list[int]:
    """Training videos in random order; at the end those that are the last of a caption of several."""
    training = [video for video, split in enumerate(splits) if split == "train"]
    left = Counter(captions[video] for video in training)
    alone = {caption for caption, number in left.items() if number == 1}
    first: list[int] = []
    last: list[int] = []
    for place in _shuffled([names[video] for video in training], seed):
        video = training[place]
        spared = left[captions[video]] == 1 and captions[video] not in alone
        (last if spared else first).append(video)
        left[captions[video]] -= 1
    return first + last


def _shuffled(texts: Sequence[Hashable], seed: int) -> list[int]:
    """Places of ``texts`` in an order in which one more does not move the others."""
    digests = [hashlib.sha256(f"{seed} {text!r}".encode("utf-8", "backslashreplace")).digest() for text in texts]
    return sorted(range(len(texts)), key=digests.__getitem__)
