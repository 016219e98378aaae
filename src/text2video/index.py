"""Stage ``index``: the text frontend, made for the training captions, and their encodings."""

from text2video.data.packed import PackedReader
from text2video.layout import Layout
from text2video.params import TextParams
from text2video.text.cache import encode_captions
from text2video.text.pretrained import Pretrained
from text2video.text.words import Words

SHOWN = 60  # words that are told


def index(params: TextParams, layout: Layout) -> str:
    """Write ``data/text``: the frontend that ``params.kind`` names, and each distinct training caption encoded once.
    Returns what that is, in one line.

    Raises UserError when a pretrained encoder cannot be loaded.
    """
    captions = PackedReader(layout.train).captions
    if params.kind == "pretrained":
        encoder = Pretrained.open(params.encoder)
        cache = encode_captions(encoder, captions, layout.text)
        return f"{len(cache)} captions, {encoder.features} features a token from {params.encoder}"
    words = Words.from_captions(captions)
    cache = encode_captions(words, captions, layout.text)
    shown = " ".join(words.words[:SHOWN]) + (" …" if len(words) > SHOWN else "")
    return f"{len(cache)} captions, {len(words)} words: {shown}"
