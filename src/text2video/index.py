"""Stage ``index``: the vocabulary of the training captions."""

from text2video.data.packed import PackedReader
from text2video.layout import Layout
from text2video.text.vocabulary import Vocabulary


def build_vocabulary(layout: Layout) -> Vocabulary:
    """Write the vocabulary of the training captions to ``data/vocabulary.json``, and return it."""
    vocabulary = Vocabulary.from_prompts(PackedReader(layout.train).captions)
    vocabulary.save(layout.vocabulary)
    return vocabulary
