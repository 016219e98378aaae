"""Text of kind ``pretrained``: the features of a frozen transformers or sentence-transformers encoder.

``transformers`` is imported at the first prompt that is encoded; training reads the cache of stage ``index``.
"""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from text2video.device import side_by_side
from text2video.errors import UserError
from text2video.files import read_json, sha256, write_sealed
from text2video.text.prompts import FRONTEND_FILE, Prompts, pad
from text2video.text.spelling import require_words

MAX_TOKENS = 128  # of a prompt, special tokens included; the rest is left out
WEIGHTS = "*.safetensors"  # pickled weights could run code
READ = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")
POOLING_TOKEN = {"cls": 0, "lasttoken": -1}  # of sentence-transformers; any other way of pooling is read as the mean
END = ".,;:!?…。！？"  # noqa: RUF001 (full-width signs are meant)
BATCH = 32  # prompts of one length that are encoded together for a cache
EXTRA = "text.kind pretrained needs the package transformers: pip install transformers"


class Encoder(NamedTuple):
    """A frozen encoder on the CPU."""

    tokenizer: Any
    network: nn.Module
    """From ``input_ids`` and ``attention_mask`` to ``last_hidden_state``."""
    pooling: str
    limit: int
    """The most tokens of a prompt."""
    fingerprint: str
    """A sha256 of the weights and the tokenizer."""


class Pretrained:
    """A frozen encoder by name ("owner/name", with or without "@revision") or by folder, with its width.

    Features are its last hidden state; the pooled vector is their mean, or the token that a sentence-transformers
    folder names. ``encode`` takes each prompt alone and on one thread, so that its features do not depend on other
    prompts; ``encode_many`` takes them in batches, which rounds differently. A cache keeps them as float16.
    """

    kind = "pretrained"
    vocabulary = 0

    def __init__(self, encoder: str, features: int, fingerprint: str) -> None:
        self.encoder, self.features, self.fingerprint = encoder, features, fingerprint

    @classmethod
    def open(cls, encoder: str) -> "Pretrained":
        """Load an encoder and take down its width and fingerprint. Raises UserError when it cannot be loaded."""
        loaded = load_encoder(encoder)
        width = features_of(loaded, [token_ids(loaded, "circle")])[0].shape[2]
        frontend = cls(encoder, width, loaded.fingerprint)
        frontend.__dict__["_loaded"] = loaded
        return frontend

    def encode(self, prompts: Sequence[str]) -> Prompts:
        """Features ``float32[N, L, D]`` and pooled vectors ``float32[N, D]``, L <= MAX_TOKENS."""
        return self._encode(prompts, 1)

    def encode_many(self, prompts: Sequence[str]) -> Prompts:
        """The same up to rounding, in batches of prompts of one length: several times as fast."""
        return self._encode(prompts, BATCH)

    def canonical(self, prompt: str) -> str:
        """The prompt in lower case, with single spaces and without punctuation at its end: what is encoded."""
        return " ".join(unicodedata.normalize("NFKC", prompt).lower().split()).rstrip(END + " ")

    def check_prompt(self, prompt: str) -> str | None:
        """Warn when a prompt is too long to be read whole. Raises UserError when it has no word."""
        require_words(prompt)
        encoder = self._loaded
        count = len(encoder.tokenizer(self.canonical(prompt), verbose=False)["input_ids"])
        return f"only the first {encoder.limit} of {count} tokens are read" if count > encoder.limit else None

    def save(self, folder: Path) -> None:
        """Write which encoder it is as ``text.json``, with a checksum; the encoder itself stays where it is."""
        names = ("kind", "encoder", "features", "fingerprint")
        write_sealed(folder / FRONTEND_FILE, {"format": 1} | {name: getattr(self, name) for name in names})

    @classmethod
    def from_page(cls, page: dict[str, Any]) -> "Pretrained":
        """What ``save`` wrote. Raises UserError when something is missing."""
        encoder, width, fingerprint = page.get("encoder"), page.get("features"), page.get("fingerprint")
        if not (isinstance(encoder, str) and isinstance(width, int) and isinstance(fingerprint, str)):
            raise UserError("it names no encoder, features and fingerprint")
        return cls(encoder, width, fingerprint)

    def _encode(self, prompts: Sequence[str], batch: int) -> Prompts:
        encoder, texts = self._loaded, [self.canonical(prompt) for prompt in prompts]
        ids = {text: token_ids(encoder, text) for text in dict.fromkeys(texts)}
        by_length = sorted(ids, key=lambda text: len(ids[text]))
        batches = [
            alike[start : start + batch]
            for _, group in groupby(by_length, key=lambda text: len(ids[text]))
            for alike in [list(group)]
            for start in range(0, len(alike), batch)
        ]
        found = side_by_side(lambda some: features_of(encoder, [ids[text] for text in some]), batches)
        rows = {
            text: row
            for some, (tokens, pooled) in zip(batches, found, strict=True)
            for text, *row in zip(some, tokens, pooled, strict=True)
        }
        return pad([rows[text][0] for text in texts], [rows[text][1] for text in texts])

    @cached_property
    def _loaded(self) -> Encoder:
        loaded = load_encoder(self.encoder)
        if loaded.fingerprint != self.fingerprint:
            raise UserError(
                f"the text encoder {self.encoder!r} is not the one that this model was trained with (its files differ);"
                " restore that one, or run the stages from index on again"
            )
        return loaded


def token_ids(encoder: Encoder, text: str) -> list[int]:
    """The ids of a text's tokens, special ones included, between 1 and ``limit`` of them."""
    ids = encoder.tokenizer(text, truncation=True, max_length=encoder.limit)["input_ids"]
    return ids or [encoder.tokenizer.pad_token_id or 0]


@torch.no_grad()
def features_of(encoder: Encoder, ids: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Features ``float32[N, L, D]`` and pooled ``float32[N, D]`` of N texts of L tokens, as float16 holds them."""
    tokens = torch.tensor(ids)
    hidden = encoder.network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
    at = POOLING_TOKEN.get(encoder.pooling)
    pooled = hidden.mean(1) if at is None else hidden[:, at]
    hidden, pooled = hidden.half(), pooled.half()
    if not (hidden.isfinite().all() and pooled.isfinite().all()):
        raise UserError("the text encoder gives numbers that are not finite or too large for float16; name another")
    return hidden.float(), pooled.float()


def load_encoder(encoder: str) -> Encoder:
    """The encoder of that name or in that folder, in float32. Raises UserError when it cannot be had or loaded."""
    try:
        import transformers
    except ImportError as error:
        raise UserError(EXTRA) from error
    folder = _folder(encoder)
    modules = read_json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    part = folder / next((module["path"] for module in modules if module.get("idx") == 0), "")
    if not list(part.glob(WEIGHTS)):
        raise UserError(f"the text encoder {encoder!r} has no {WEIGHTS} in {part}; name one that has")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(part, **options)
        network = transformers.AutoModel.from_pretrained(part, use_safetensors=True, **options)
    except Exception as error:  # of any kind: it is other people's code, reading other people's files
        reason = str(error).strip().partition("\n")[0]
        raise UserError(f"the text encoder {encoder!r} cannot be loaded ({reason}); name another") from error
    config = getattr(network.config, "text_config", None) or network.config
    positions = getattr(config, "max_position_embeddings", None) or MAX_TOKENS
    limit = min(MAX_TOKENS, tokenizer.model_max_length, positions)
    # The encoder of an encoder-decoder (T5), the text tower of two (CLIP), or the whole.
    network = network.get_encoder() if network.config.is_encoder_decoder else getattr(network, "text_model", network)
    network = network.float().eval().requires_grad_(False)
    return Encoder(tokenizer, network, _pooling(folder, modules), limit, _fingerprint(part))


def _folder(encoder: str) -> Path:
    """The folder itself, or the one that the hub's client keeps; the network is asked only when there is none."""
    if Path(encoder).is_dir():
        return Path(encoder)
    from huggingface_hub import snapshot_download

    name, _, revision = encoder.partition("@")
    wanted = [pattern for name in (*READ, WEIGHTS, "modules.json") for pattern in (name, f"*/{name}")]
    reason = ""
    for local in (True, False):
        try:
            found = snapshot_download(
                name, revision=revision or None, allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"],
                local_files_only=local,
            )  # fmt: skip
        except Exception as error:  # of any kind, from the client or the libraries below it
            reason = str(error).strip().partition("\n")[0]
            continue
        if not local or any(Path(found).rglob(WEIGHTS)):
            return Path(found)
    raise UserError(
        f"there is no folder {encoder!r}, and the hub gives no text encoder of that name ({reason}); "
        "set text.encoder to a folder that holds one"
    )


def _pooling(folder: Path, modules: list[dict[str, str]]) -> str:
    """How a sentence-transformers folder pools: ``cls``, ``lasttoken`` or, for whatever else it says, ``mean``."""
    for module in modules:
        if module["type"].endswith("Pooling"):
            page = read_json(folder / module["path"] / "config.json")
            for name in POOLING_TOKEN:
                if page.get("pooling_mode") == name or page.get(f"pooling_mode_{name.replace('cls', 'cls_token')}"):
                    return name
    return "mean"


def _fingerprint(folder: Path) -> str:
    files = sorted({file for pattern in (*READ, WEIGHTS) for file in folder.glob(pattern)})
    return hashlib.sha256(json.dumps([(file.name, sha256(file)) for file in files]).encode()).hexdigest()
