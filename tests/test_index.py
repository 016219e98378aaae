"""Splitting prompts into words, and stage ``index``, which reads every training caption once."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_params, write_params

from stages import index
from text2video.data.packed import PackedWriter
from text2video.layout import Layout
from text2video.text.spelling import tokenize
from text2video.training.captions import CaptionCache

prompts = st.text() | st.lists(st.sampled_from(["circle", "up-right", "cirkle", "круг", "7", "-"])).map(" ".join)


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
        ("❤️ \x00 ../.. $()", ["❤"]),
        # where no spaces stand between words, each letter is one
        ("\U0001f534 ball \u2b06\ufe0f", ["\U0001f534", "ball", "\u2b06"]),
        ("\U0001f534\u2b06\ufe0f\U0001f534", ["\U0001f534", "\u2b06", "\U0001f534"]),
        ("红球向上 fast", ["红", "球", "向", "上", "fast"]),
        ("ดี", ["ดี"]),
        ("up \U0001f7ec", ["up"]),  # among the emoji, and of no character yet
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


def test_the_stage_reads_the_training_captions_and_no_others(tmp_path: Path, capsys) -> None:
    """Held-out clips' words stay unknown; each caption is encoded once; run again, the same bytes."""
    write_params(tmp_path / "params.yaml", tiny_params())
    for split, captions in {"train": ["a red circle", "circle moving up", "a red circle"], "test": ["blue"]}.items():
        with PackedWriter(tmp_path / "data" / split, (1, 2, 2, 3), np.uint8) as store:
            store.append(np.zeros((len(captions), 1, 2, 2, 3), np.uint8), captions)
    index.main(tmp_path)
    assert "2 captions" in capsys.readouterr().out
    folder = Layout(tmp_path).text
    words = json.loads((folder / "text.json").read_text())["words"]
    assert words == ["<pad>", "<unk>", "circle", "moving", "red", "up"]
    assert CaptionCache(folder).captions == ["a red circle", "circle moving up"]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    index.main(tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_captions_that_are_not_read_whole_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Too many words, or none that says anything: training would go on without them, and nobody would know."""
    write_params(tmp_path / "params.yaml", tiny_params())
    captions = [
        " ".join(f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(70)),
        "please show this",
        "a red circle",
    ]
    with PackedWriter(Layout(tmp_path).train, (2, 8, 8, 3), np.uint8, 10) as writer:
        writer.append(np.zeros((3, 2, 8, 8, 3), np.uint8), captions)
    index.main(tmp_path)
    assert "warning: 2 captions are not read as they are" in capsys.readouterr().err
