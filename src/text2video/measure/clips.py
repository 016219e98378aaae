"""What is kept of a set of clips once the clips themselves are out of memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from text2video.data.packed import PackedReader
from text2video.measure.nearest import thumbnails
from text2video.measure.network import TextVideoNetwork, text_features, train_network, video_features
from text2video.measure.retrieval import distinct, similarities
from text2video.measure.sets import flicker

Array = np.ndarray


@dataclass(frozen=True)
class Measured:
    """Of N clips, K captions that one may choose among."""

    features: Array  # float[N, D]
    similarities: Array  # float[N, K]
    thumbnails: Array  # uint8[N, D']
    flicker: Array  # float[N]


@dataclass(frozen=True)
class Ruler:
    """What clips are measured with: the text-video network, and the K different captions of all test splits."""

    network: TextVideoNetwork
    captions: list[str]
    texts: Array  # float[K, D]

    def measure(self, clips: Array) -> Measured:
        """All measures of clips uint8[N, T, H, W, 3]."""
        features = video_features(self.network, clips)
        return Measured(features, similarities(features, self.texts), thumbnails(clips), flicker(clips))


def make_ruler(train: PackedReader, captions: Sequence[str], seed: int, log_every: float) -> Ruler:
    """Train the network on real training clips; ``captions`` are those of all test splits."""
    network, known = train_network(train, seed, log_every), distinct(captions)
    return Ruler(network, known, text_features(network, known))
