"""Text of kind ``words``: a prompt is the sequence of its words that training captions know."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from text2video.errors import UserError
from text2video.files import write_sealed
from text2video.text.prompts import FRONTEND_FILE, Prompts, pad
from text2video.text.spelling import COMPOUNDS, key, normal, require_words, spelled

PAD, ANY = "<pad>", "<unk>"  # ids 0 and 1; no prompt can spell them, for < and > are no letters
MAX_WORDS = 64  # of a prompt; the rest is left out, so that the size of a batch is bounded
SHOWN = 50  # known words that a warning lists; it lists none when there are more


class Words:
    """The known words, sorted, numbered from 2; 0 is padding, 1 stands for a prompt without a known word.

    A prompt is encoded as the ids of its known words in their order. Case, punctuation, a word that is said twice
    running, fillers, unknown words, spelling and inflection (``text.spelling``) change nothing.
    """

    kind = "words"
    features = 0

    def __init__(self, words: Iterable[str]) -> None:
        self.words = [PAD, ANY, *sorted(set(words))]
        self.vocabulary = len(self.words)
        numbered = list(enumerate(self.words))[2:]
        self._ids = {key(word): n for n, word in reversed(numbered)} | {word: n for n, word in numbered}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def from_captions(cls, captions: Iterable[str]) -> "Words":
        """The words of ``captions``, which should be the training captions and no others.

        Of a word's forms the most frequent one stands for all: the vocabulary holds moving, or moves, but not both.
        """
        counts = Counter(plain for caption in set(captions) for word in spelled(caption) for plain in normal(word))
        forms: dict[str, str] = {}
        for word in sorted(counts, key=lambda word: (-counts[word], word)):
            forms.setdefault(key(word), word)
        return cls(forms.values())

    def encode(self, prompts: Sequence[str]) -> Prompts:
        """Token ids ``int64[N, L]``, 1 <= L <= MAX_WORDS; the id 1 alone where no word is known."""
        rows = [torch.tensor(self._known(prompt)[:MAX_WORDS] or [1]) for prompt in prompts]
        return pad(rows, [torch.empty(0)] * len(rows))

    encode_many = encode

    def canonical(self, prompt: str) -> str:
        """The known words, as the vocabulary spells them."""
        return " ".join(self.words[i] for i in self._known(prompt)[:MAX_WORDS] or [1])

    def check_prompt(self, prompt: str) -> str | None:
        """A one-line warning about words that are not read, or None. Raises UserError when there is no word at all."""
        require_words(prompt)
        remarks = []
        if unknown := self.unknown_words(prompt):
            named = [self._remark(word) for word in unknown[:5]]
            named += [f"and {len(unknown) - 5} more"] if len(unknown) > 5 else []
            remarks.append("not in the training words: " + ", ".join(named))
        known = len(self._known(prompt))
        if not known:
            remarks.append("no word of the prompt says what to draw")
        if remarks and len(self) <= SHOWN:
            remarks.append("known are " + " ".join(self.words[2:]))
        if known > MAX_WORDS:
            remarks.append(f"only the first {MAX_WORDS} of {known} words are read")
        return "; ".join(remarks) or None

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of ``prompt`` that say something to a person but nothing to the model, each once, as written."""
        words = dict.fromkeys(spelled(prompt))
        return [word for word in words if not self._find(word)]

    def save(self, folder: Path) -> None:
        """Write the words as ``text.json``, with a checksum. Raises UserError when the disk refuses."""
        page = {"format": 1, "kind": self.kind, "words": self.words}
        write_sealed(folder / FRONTEND_FILE, page)

    @classmethod
    def from_page(cls, page: dict[str, Any]) -> "Words":
        """What ``save`` wrote. Raises UserError when it is no list of sorted words."""
        words = page.get("words")
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UserError("it holds no list of words")
        frontend = cls(words[2:])
        if frontend.words != words:
            raise UserError(f"its words are not sorted behind {PAD} and {ANY}")
        return frontend

    def _known(self, prompt: str) -> list[int]:
        """The ids of the known words in their order, without those that only repeat the word before."""
        ids = (i for word in spelled(prompt) for i in self._find(word))
        return [i for i, _ in groupby(ids)]

    def _find(self, word: str) -> list[int]:
        """The ids that stand for a word as written: of itself, of another form or spelling, or of its parts.

        All parts or none: "counterclockwise" where "counter" is unknown must not become "clockwise".
        """
        for parts in ((word,), normal(word), COMPOUNDS.get(word, ())):
            ids = [self._ids.get(part, self._ids.get(key(part), 0)) for part in parts]
            if ids and all(ids):
                return ids
        return []

    def _remark(self, word: str) -> str:
        short = word if len(word) <= 30 else word[:29] + "…"
        near = difflib.get_close_matches(word[:64], self.words[2:])
        return f"{short!r} (near: {', '.join(near)})" if near else repr(short)
