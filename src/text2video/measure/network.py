"""A small text-video network, trained anew in each evaluation on real training clips and their captions: it says which
caption goes with a video, and gives the features that distances between sets of videos are measured in."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2video.console import Progress
from text2video.data.packed import PackedReader
from text2video.device import autocast
from text2video.measure.words import WordBags
from text2video.sheets import shrink
from text2video.video import to_video

Array = np.ndarray
CLIPS = 4096  # that are trained on, at most
STEPS, EPOCHS = 200, 30  # so many steps, or so many passes over few clips
BATCH, LR = 64, 3e-3
SIDE, FRAMES = 64, 16  # larger and longer clips are shrunk to these
WIDTH = 64  # features
MASKED = -1e4  # instead of a logit that does not count


class VideoTower(nn.Module):
    """Clips of one size to WIDTH features.

    Two-dimensional convolutions look at each frame, three-dimensional ones at how it goes on. The maximum over each
    frame says what is there wherever it is: without it, the network takes ten times as long to see small things.
    ``some`` float[N, T, 3, H, W] are such clips: their median colour is what it takes for background.
    """

    def __init__(self, some: Tensor) -> None:
        super().__init__()
        background = some.movedim(2, 0).flatten(1).median(1).values
        self.background = nn.Buffer(background[:, None, None])  # becomes 0, like the padding
        self.frame = nn.Sequential(_layer(2, 3, 16, 6, 4), _layer(2, 16, 32, 3, 1), _layer(2, 32, 64, 3, 2))
        self.high = nn.Sequential(_layer(3, 64, 32, 3, 2), _layer(3, 32, 64, 3, 1))
        with torch.no_grad():
            size = self.eval()._look(some[:1]).shape[1]
        self.features = nn.Linear(size, WIDTH)
        self.train()

    def _look(self, video: Tensor) -> Tensor:
        n, frames = video.shape[:2]
        with autocast(torch.device("cpu"), "auto"):
            flat = self.frame(video.flatten(0, 1) - self.background)
        # In float32 from here: of small grids, oneDNN's 3D convolutions in bfloat16 are NaN now and then.
        grid = flat.float().unflatten(0, (n, frames))
        return torch.cat([self.high(grid.transpose(1, 2)).flatten(1), grid.amax((3, 4)).mean(1)], 1)

    def forward(self, video: Tensor) -> Tensor:
        """Features float[N, WIDTH] of float[N, T, 3, H, W] in [-1, 1]."""
        features: Tensor = self.features(self._look(video))
        return features


def _layer(dimensions: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Convolution over space or, of three dimensions, over time and space; normalisation, ReLU."""
    convolution, normalisation = (nn.Conv2d, nn.BatchNorm2d) if dimensions == 2 else (nn.Conv3d, nn.BatchNorm3d)
    layer = convolution(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
    return nn.Sequential(layer, normalisation(outputs), nn.ReLU())


class TextVideoNetwork(nn.Module):
    """Two towers: the features of a video, and the sum of one vector for each word of a caption; the more alike their
    directions, the better they go together."""

    def __init__(self, bags: WordBags, video: VideoTower) -> None:
        super().__init__()
        self.bags, self.video = bags, video
        self.vectors = nn.Parameter(0.1 * torch.randn(len(bags), WIDTH))
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())
        self.clips = 0  # that it was trained on

    def text(self, bags: Tensor) -> Tensor:
        """Features float[N, WIDTH] of bags of words float[N, V]."""
        return bags @ self.vectors


def contrastive_loss(video: Tensor, text: Tensor, bags: Tensor, log_scale: Tensor) -> Tensor:
    """InfoNCE both ways (as in CLIP, Radford et al., ICML 2021) of the pairs ``video`` and ``text``, float[N, D] each,
    whose captions have the words ``bags`` float[N, V]: the video's caption among all, the caption's video among all.

    Pairs of the same words are all right, each with an equal share; pairs where one caption has all the words of the
    other are neither right nor wrong, and do not count.
    """
    scores = log_scale.exp().clamp(max=100) * F.normalize(video, dim=1) @ F.normalize(text, dim=1).T
    common, size = bags @ bags.T, bags.sum(1)
    same = (common == size[:, None]) & (common == size)
    open_to_both = (common == torch.minimum(size[:, None], size)) & ~same
    scores = scores.masked_fill(open_to_both, MASKED)
    wanted = same / same.sum(1, keepdim=True)
    return (F.cross_entropy(scores, wanted) + F.cross_entropy(scores.T, wanted)) / 2


def train_network(store: PackedReader, seed: int, log_every: float = 5) -> TextVideoNetwork:
    """Train on at most CLIPS of the clips in ``store`` and their captions. Always on the CPU; the same seed gives the
    same network, on the same machine and number of threads."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(store))[:CLIPS]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TextVideoNetwork(WordBags(store.captions), VideoTower(small_video(store[rows[:BATCH]])))
    network.clips = len(rows)
    batches = list(_batches(rows, rng))
    optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=len(batches) + 2)
    with Progress("text-video network", len(batches), every=log_every, batch=min(BATCH, len(rows))) as progress:
        for step, batch in enumerate(batches):
            features = network.video(small_video(store[batch]))
            bags = network.bags([store.captions[row] for row in batch])
            loss = contrastive_loss(features, network.text(bags), bags, network.log_scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.update(step + 1, loss=loss.item())
    return network.eval().requires_grad_(False)


def _batches(rows: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Batches of about BATCH rows, each pass over them in another order; none for a single row, which has no spread to
    normalise by."""
    parts = max(len(rows) // BATCH, 1)
    steps = min(STEPS, EPOCHS * parts) if len(rows) > 1 else 0
    for start in range(0, steps, parts):
        yield from np.array_split(rng.permutation(rows), parts)[: steps - start]


def small_video(clips: Array) -> Tensor:
    """Clips uint8[N, T, H, W, 3], N >= 1, with at most FRAMES frames and a longer side of at most SIDE, as video."""
    return to_video(np.stack([shrink(clip, SIDE, FRAMES) for clip in clips]))


@torch.no_grad()
def video_features(network: TextVideoNetwork, clips: Array) -> Array:
    """Features float64[N, WIDTH] of clips uint8[N, T, H, W, 3]."""
    parts = [network.video(small_video(clips[i : i + BATCH])) for i in range(0, len(clips), BATCH)]
    return torch.cat([*parts, torch.zeros(0, WIDTH)]).double().numpy()


@torch.no_grad()
def text_features(network: TextVideoNetwork, captions: Sequence[str]) -> Array:
    """Features float64[N, WIDTH] of captions; zero where no word is known."""
    return network.text(network.bags(captions)).double().numpy()
