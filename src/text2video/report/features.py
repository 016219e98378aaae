"""A small 3D network that learns to name what real clips show: a second opinion beside the judge's rules, and the
features that the Fréchet video distance is measured in. It is trained anew in each evaluation, on real clips alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from text2video.console import Progress
from text2video.data.packed import PackedReader
from text2video.device import autocast
from text2video.request import Request
from text2video.video import to_video

Array = NDArray[Any]
ASPECTS = ("shape", "colour", "motion")
CLIPS, EPOCHS, BATCH, LR = 4096, 3, 32, 3e-3
SIDE, FRAMES = 64, 16  # larger and longer clips are shrunk to these
WIDTH = 64  # features
OPEN = -1  # the label of what a caption leaves open, as cross_entropy(ignore_index=OPEN) wants it


class FeatureNetwork(nn.Module):
    """Clips to WIDTH features, and from those to the names of shapes, colours and motions (``names``).

    Two-dimensional convolutions look at each frame, three-dimensional ones at how it goes on. The maximum over each
    frame says what is there wherever it is: without it, the network takes ten times as long to see the shapes.
    """

    def __init__(self, names: Sequence[Sequence[str]], frames: int, size: int) -> None:
        super().__init__()
        self.names = names
        self.clips = 0  # that it was trained on
        self.frame = nn.Sequential(_flat(3, 16, 6, 4), _flat(16, 32, 3, 1), _flat(32, 64, 3, 2))
        self.high = nn.Sequential(_deep(64, 32, 2), _deep(32, 64, 1))
        with torch.no_grad():
            width = self.eval()._look(torch.zeros(1, frames, 3, size, size)).shape[1]
        self.features = nn.Linear(width, WIDTH)
        self.heads = nn.ModuleList(nn.Linear(WIDTH, max(len(known), 1)) for known in names)
        self.train()

    def _look(self, video: Tensor) -> Tensor:
        n, frames = video.shape[:2]
        flat = self.frame(1 - video.flatten(0, 1))  # white is 0, like the padding at the edges
        grid = flat.unflatten(0, (n, frames))
        return torch.cat([self.high(grid.transpose(1, 2)).flatten(1), grid.amax((3, 4)).mean(1)], 1)

    def forward(self, video: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features float[N, WIDTH] and, for each aspect, scores float[N, names] of float[N, T, 3, H, W] in [-1, 1]."""
        features = self.features(self._look(video))
        return features, [head(features.relu()) for head in self.heads]


def _flat(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Convolution over space, normalisation, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _deep(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Convolution over space and time, normalisation, ReLU."""
    convolution = nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm3d(outputs), nn.ReLU())


def train_features(
    store: PackedReader, requests: Sequence[Request], seed: int, log_every: float = 5
) -> FeatureNetwork:
    """Train on at most CLIPS of the real clips in ``store``, whose captions ask for ``requests``. Always on the CPU;
    the same seed gives the same network, on the same machine and number of threads."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(store))[:CLIPS]
    names = [sorted({label for r in requests if (label := getattr(r, aspect))}) for aspect in ASPECTS]
    labels = _labels(requests, names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = FeatureNetwork(names, *shrink(store[:1]).shape[1:3])
    network.clips = len(rows)
    optimizer = torch.optim.Adam(network.parameters(), LR)
    batches = list(_batches(rows, rng))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=len(batches) + 2)
    with Progress("features", len(batches), every=log_every, batch=min(BATCH, len(rows))) as progress:
        for step, batch in enumerate(batches):
            with autocast(torch.device("cpu"), "auto"):
                _, scores = network(to_video(shrink(store[batch])))
            loss = _loss(scores, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.update(step + 1, loss=loss.item())
    return network.eval().requires_grad_(False)


def _batches(rows: Array, rng: np.random.Generator) -> Iterator[Array]:
    """EPOCHS times all rows, in another order each time, cut into batches of about BATCH; none for a single row, which
    has no spread to normalise by."""
    for _ in range(EPOCHS if len(rows) > 1 else 0):
        yield from np.array_split(rng.permutation(rows), max(len(rows) // BATCH, 1))


def _loss(scores: list[Tensor], labels: Tensor) -> Tensor:
    """Cross entropy, summed over the aspects that some caption of the batch names."""
    losses = [
        F.cross_entropy(score.float(), label, ignore_index=OPEN)
        for score, label in zip(scores, labels.T, strict=True)
        if (label != OPEN).any()
    ]
    return (
        torch.stack(losses).sum() if losses else sum((score.sum() * 0 for score in scores), torch.zeros(()))
    )


def _labels(requests: Sequence[Request], names: Sequence[Sequence[str]]) -> Tensor:
    """Number of the asked name for each request and aspect, int64[N, 3], OPEN where the network knows none."""
    numbers = [{name: i for i, name in enumerate(known)} for known in names]
    rows = [
        [n.get(label or "", OPEN) for n, label in zip(numbers, request, strict=True)] for request in requests
    ]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, len(ASPECTS))


def shrink(clips: Array) -> Array:
    """Clips uint8[N, T, H, W, 3] with at most FRAMES frames of at most SIDE pixels."""
    n, frames, height, width, _ = clips.shape
    if frames > FRAMES:
        clips = clips[:, np.linspace(0, frames - 1, FRAMES).round().astype(int)]
    if max(height, width) <= SIDE:
        return clips
    small = [
        cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for clip in clips for frame in clip
    ]
    return np.array(small, np.uint8).reshape(n, -1, SIDE, SIDE, 3)


@torch.no_grad()
def look(network: FeatureNetwork, clips: Array) -> tuple[Array, list[Array]]:
    """Features float64[N, WIDTH] of uint8[N, T, H, W, 3], and the name that the network gives each aspect, str[N]; ""
    where it knows no names."""
    parts = [network(to_video(shrink(clips[i : i + BATCH]))) for i in range(0, len(clips), BATCH)]
    features = torch.cat([part for part, _ in parts]) if parts else torch.zeros(0, WIDTH)
    labels = []
    for i, known in enumerate(network.names):
        best = [scores[i].argmax(1) for _, scores in parts] if known else []
        labels.append(np.array(known)[torch.cat(best).numpy()] if best else np.full(len(clips), ""))
    return features.double().numpy(), labels


def agreement(labels: Sequence[Array], wanted: Sequence[Request]) -> dict[str, float | None]:
    """Share of clips whose label is the wanted one, for each aspect that is named, and for all of them together."""
    asked = [np.array([getattr(r, aspect) or "" for r in wanted], dtype=object) for aspect in ASPECTS]
    hits = [(seen == want) | (want == "") for seen, want in zip(labels, asked, strict=True)]
    shares: dict[str, float | None] = {}
    for aspect, hit, want in zip(ASPECTS, hits, asked, strict=True):
        shares[aspect] = round(float(hit[want != ""].mean()), 4) if (want != "").any() else None
    return shares | {"joint": round(float(np.logical_and.reduce(hits).mean()), 4) if len(wanted) else None}
