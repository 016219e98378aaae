"""Words: what a prompt is split into, which numbers the model sees, and what a person hears about unknown ones."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import index
from text2video import console
from text2video.data.packed import PackedWriter
from text2video.errors import UserError
from text2video.text.vocabulary import MAX_WORDS, Vocabulary, tokenize

PROMPTS = [
    "circle moving up",
    "square moving right",
    "red triangle moving down-left",
    "circle rotating clockwise",
]
VOCABULARY = Vocabulary.from_prompts(PROMPTS)
prompts = st.text() | st.lists(st.sampled_from([*VOCABULARY.words, "cirkle", "круг", "7", "-"])).map(" ".join)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Circle  moving\tUP-right\n", ["circle", "moving", "up", "right"]),
        ("rotating counter-clockwise, please!", ["rotating", "counter", "clockwise", "please"]),
        ("2 circles_and 10 squares", ["2", "circles", "and", "10", "squares"]),
        ("up\u2011right up\u2013right", ["up", "right", "up", "right"]),  # a no-break hyphen, an en dash
        ("\uff43\uff49\uff52\uff43\uff4c\uff45", ["circle"]),  # full-width letters
        ("cafe\u0301 café", ["café", "café"]),
        ("круг вверх", ["круг", "вверх"]),
        ("वृत्त ऊपर", ["वृत्त", "ऊपर"]),  # vowel signs are part of the word
        ("❤️ \x00 ../.. $()", []),
        ("", []),
    ],
)
def test_a_prompt_is_split_into_words(prompt: str, words: list[str]) -> None:
    """`up-right` is made of the trained words `up` and `right`, however a person types it."""
    assert tokenize(prompt) == words


@given(prompt=prompts)
@settings(deadline=None)
def test_splitting_what_was_split_changes_nothing(prompt: str) -> None:
    """A word is a word wherever it stands: no word holds a separator, a capital or a control character."""
    words = tokenize(prompt)
    assert all(word.isprintable() and not re.search(r"[\s\-<>]", word) for word in words)
    assert tokenize(" ".join(words)) == words


def test_the_numbers_do_not_depend_on_the_order_of_the_prompts() -> None:
    """The tutorial numbered a `set`: other numbers, and so another model, in every process."""
    again = Vocabulary.from_prompts(reversed(PROMPTS + PROMPTS))
    assert again.words == VOCABULARY.words == ["<pad>", "<unk>", *sorted(VOCABULARY.words[2:])]


def test_encoding_numbers_the_words_and_pads() -> None:
    """Row by row the words' numbers, 1 for an unknown word, 0 behind the last."""
    numbers = VOCABULARY.encode(["circle moving up", "Zebra up", ""])
    number = VOCABULARY.words.index
    assert numbers.dtype == np.int64
    assert numbers.tolist() == [
        [number("circle"), number("moving"), number("up")],
        [1, number("up"), 0],
        [0, 0, 0],
    ]


@given(batch=st.lists(prompts, max_size=4))
@settings(deadline=None)
def test_any_prompt_can_be_encoded(batch: list[str]) -> None:
    """No prompt is a KeyError, as it was in the tutorial, and none makes a batch of unbounded size."""
    numbers = VOCABULARY.encode([*batch, "word " * 10_000])
    assert numbers.shape == (len(batch) + 1, MAX_WORDS)
    assert numbers.min() >= 0
    assert numbers.max() < len(VOCABULARY)
    for prompt, row in zip(batch, numbers, strict=False):
        known = [
            word for word in tokenize(prompt)[:MAX_WORDS] if word not in VOCABULARY.unknown_words(prompt)
        ]
        assert [VOCABULARY.words[number] for number in row if number > 1] == known


def test_a_prompt_cannot_spell_the_special_words() -> None:
    """`<pad>` in a prompt is the unknown word "pad", not padding."""
    assert VOCABULARY.unknown_words("<pad> <unk> circle") == ["pad", "unk"]
    assert VOCABULARY.nearest("<pad>") == []


def test_an_unknown_word_is_named_with_near_and_known_words() -> None:
    """Whoever mistypes a word learns which one it was, and what to write instead."""
    assert VOCABULARY.check_prompt("red circle moving down") is None
    warning = VOCABULARY.check_prompt("blue cirkle moving up; blue!")
    assert warning is not None
    assert warning.count("'blue'") == 1
    assert "'cirkle' (near: circle)" in warning
    assert warning.endswith("known are " + " ".join(VOCABULARY.words[2:]))


@given(prompt=prompts, many=st.booleans())
@settings(deadline=None)
def test_a_warning_is_one_short_printable_line(prompt: str, many: bool) -> None:
    """10,000 unknown words do not flood the terminal, and none can control it."""
    try:
        warning = VOCABULARY.check_prompt((prompt + " ") * (200 if many else 1))
    except UserError:
        assert not tokenize(prompt)
        return
    assert len(warning or "") < 1000
    assert (warning or "").isprintable()


def test_a_long_prompt_is_cut_with_a_warning() -> None:
    """What the model does not read is not passed over in silence."""
    assert f"first {MAX_WORDS} of 10000 words" in (VOCABULARY.check_prompt("up " * 10_000) or "")


@pytest.mark.parametrize("prompt", ["", "  \n", "-", "😀", "\x1b[", "\ud800 circle"])
def test_a_prompt_without_text_is_refused(prompt: str) -> None:
    """There is nothing to draw: a mistake of the person, told in one line."""
    with pytest.raises(UserError):
        VOCABULARY.check_prompt(prompt)


def test_a_vocabulary_round_trips_with_the_same_bytes(tmp_path: Path) -> None:
    """The model and its words stay together, in other processes too."""
    words = Vocabulary.from_prompts(["круг вверх", *PROMPTS])
    words.save(tmp_path / "one.json")
    again = Vocabulary.load(tmp_path / "one.json")
    again.save(tmp_path / "two.json")
    assert again.words == words.words
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@pytest.mark.parametrize(
    "page",
    [
        "",
        "{",
        "[]",
        '{"words": ["<pad>", "<unk>"]}',
        '{"format": 2, "words": ["<pad>", "<unk>"]}',
        '{"format": 1}',
        '{"format": 1, "words": "up"}',
        '{"format": 1, "words": []}',
        '{"format": 1, "words": ["<pad>", "<unk>", 3]}',
        '{"format": 1, "words": ["<pad>", "<unk>", "up", "down"]}',
        '{"format": 1, "words": ["<pad>", "<unk>", "up", "up"]}',
        '{"format": 1, "words": ["<unk>", "<pad>", "up"]}',
    ],
)
def test_a_damaged_vocabulary_is_refused(page: str, tmp_path: Path) -> None:
    """Shifted numbers would give every word another one's meaning."""
    (tmp_path / "vocabulary.json").write_text(page)
    with pytest.raises(UserError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path / "vocabulary.json")


def test_the_stage_writes_the_words_of_the_training_captions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m stages.index` reads data/train and nothing else."""
    for split, captions in {"train": PROMPTS, "validation": ["zebra"]}.items():
        with PackedWriter(tmp_path / "data" / split, (1, 2, 2, 3), np.uint8) as store:
            store.append(np.zeros((len(captions), 1, 2, 2, 3), np.uint8), captions)
    monkeypatch.setattr(sys, "argv", ["stages.index", "--root", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        console.run(index.app)
    assert ended.value.code == 0
    assert json.loads((tmp_path / "data" / "vocabulary.json").read_text())["words"] == VOCABULARY.words


def test_the_stage_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run on its own too early, it names the file that is not there."""
    monkeypatch.setattr(sys, "argv", ["stages.index", "--root", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        console.run(index.app)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: .*train.*\n", error)
