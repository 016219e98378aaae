"""From prompt to word numbers: what a word is, which words are known, what to say about the others."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from text2video.errors import UserError
from text2video.files import read_sealed, write_sealed

PAD, UNKNOWN = "<pad>", "<unk>"  # numbers 0 and 1; no prompt can spell them, for < and > are no letters
MAX_WORDS = 64  # of a prompt; the rest is left out, so that the size of a batch is bounded
FORMAT = 1
REMEDY = "run `python -m stages.index` again"


def tokenize(prompt: str) -> list[str]:
    """The words of a prompt in lower case: runs of letters, digits and their accents, in any script.

    Everything else separates, hyphens too: ``up-right`` is ``up`` and ``right``. Different encodings of one
    letter (Unicode's compatibility forms, NFKC) make the same word.
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", prompt).lower())
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in text)
    return [word for word in spaced.split() if any(letter.isalnum() for letter in word)]


def require_words(prompt: str) -> list[str]:
    """The words of a prompt. Raises UserError when there are none, or when it is no valid text."""
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise UserError("the prompt is not valid UTF-8; write it in a UTF-8 terminal") from error
    words = tokenize(prompt)
    if not words:
        raise UserError("the prompt is empty; describe a video, such as: circle moving up-right")
    return words


class Vocabulary:
    """The known words, sorted, numbered from 2; 0 is padding, 1 is every unknown word."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = [PAD, UNKNOWN, *sorted(set(words))]
        self._numbers = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def from_prompts(cls, prompts: Iterable[str]) -> "Vocabulary":
        """The vocabulary of all words in ``prompts``, which should be the training prompts and no others."""
        return cls(word for prompt in set(prompts) for word in tokenize(prompt))

    def encode(self, prompts: Sequence[str]) -> np.ndarray:
        """Word numbers ``int64[N, L]``, padded with 0 to the longest prompt, 1 <= L <= MAX_WORDS."""
        rows = [[self._numbers.get(word, 1) for word in tokenize(prompt)[:MAX_WORDS]] for prompt in prompts]
        numbers = np.zeros((len(rows), max(map(len, rows), default=0) or 1), np.int64)
        for row, words in zip(numbers, rows, strict=True):
            row[: len(words)] = words
        return numbers

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of ``prompt`` that were never trained on, each once, in their order."""
        return [word for word in dict.fromkeys(tokenize(prompt)) if word not in self._numbers]

    def nearest(self, word: str) -> list[str]:
        """Up to three known words that are spelt like ``word``, the nearest first."""
        return difflib.get_close_matches(word[:64], self.words[2:])

    def check_prompt(self, prompt: str) -> str | None:
        """A one-line warning about what the model will not understand in ``prompt``, or None.

        Raises UserError when there is nothing to draw at all: no word, or no valid text.
        """
        words = require_words(prompt)
        remarks = []
        if unknown := self.unknown_words(prompt):
            named = [self._remark(word) for word in unknown[:5]]
            named += [f"and {len(unknown) - 5} more"] if len(unknown) > 5 else []
            remarks.append("not in the training words: " + ", ".join(named))
            if len(self) <= 50:
                remarks.append("known are " + " ".join(self.words[2:]))
        if len(words) > MAX_WORDS:
            remarks.append(f"only the first {MAX_WORDS} of {len(words)} words are read")
        return "; ".join(remarks) or None

    def _remark(self, word: str) -> str:
        short = word if len(word) <= 30 else word[:29] + "…"
        near = self.nearest(word)
        return f"{short!r} (near: {', '.join(near)})" if near else repr(short)

    def save(self, path: Path) -> None:
        """Write the words as JSON, with a checksum. Raises UserError when the disk refuses."""
        write_sealed(path, {"format": FORMAT, "words": self.words})

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what ``save`` wrote. Raises UserError when it is missing, damaged or of another version."""
        page = read_sealed(path, REMEDY)
        if page.get("format") != FORMAT:
            raise UserError(f"{path} is no vocabulary of format {FORMAT}; {REMEDY}")
        words = page.get("words")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UserError(f"{path} is damaged: it holds no list of words; {REMEDY}")
        vocabulary = cls(words[2:])
        if vocabulary.words != words:
            raise UserError(
                f"{path} is damaged: its words are not sorted behind {PAD} and {UNKNOWN}; {REMEDY}"
            )
        return vocabulary
