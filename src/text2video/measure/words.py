"""Captions as bags of words: a tokenizer of its own, so that a measure does not hang on the model's text encoder."""

import re
import unicodedata
from collections.abc import Sequence

import torch
from torch import Tensor

# A run of letters and digits; in Chinese and Japanese, which put no spaces between words, a character.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")


def words(caption: str) -> list[str]:
    """The words of a caption in their order, lower-cased, without punctuation; where nothing else is left (emoji), what
    stands between the spaces."""
    text = unicodedata.normalize("NFKC", caption).casefold()
    return WORD.findall(text) or text.split()


class WordBags:
    """Numbers the words of the training captions, in alphabetical order."""

    def __init__(self, captions: Sequence[str]) -> None:
        known = sorted({word for caption in set(captions) for word in words(caption)})
        self._numbers = {word: number for number, word in enumerate(known)}

    def __len__(self) -> int:
        return len(self._numbers)

    def __call__(self, captions: Sequence[str]) -> Tensor:
        """Which words each caption has: 0 or 1, float[N, len(self)]. Words that are not known are left out."""
        bags = torch.zeros(len(captions), len(self))
        for row, caption in enumerate(captions):
            numbers = [self._numbers[word] for word in words(caption) if word in self._numbers]
            bags[row, numbers] = 1
        return bags
