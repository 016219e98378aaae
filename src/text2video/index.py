"""Stage ``index``: the text frontend, made for the training captions, and their encodings."""

from collections.abc import Iterable
from pathlib import Path

from safetensors.torch import save

from text2video.console import Progress, warn
from text2video.data.packed import PackedReader
from text2video.files import replace_folder, sha256, write_sealed
from text2video.layout import Layout
from text2video.params import TextParams
from text2video.text.pretrained import Pretrained
from text2video.text.prompts import TextFrontend
from text2video.text.words import Words
from text2video.training import captions as cache

SHOWN = 60  # words that are told


def index(params: TextParams, layout: Layout) -> str:
    """Write ``data/text``: the frontend that ``params.kind`` names, and each distinct training caption encoded once.
    Returns what that is, in one line.

    Raises UserError when a pretrained encoder cannot be loaded.
    """
    captions = PackedReader(layout.train).captions
    if params.kind == "pretrained":
        encoder = Pretrained.open(params.encoder)
        encoded = encode_captions(encoder, captions, layout.text)
        return f"{len(encoded)} captions, {encoder.features} features a token from {params.encoder}"
    words = Words.from_captions(captions)
    encoded = encode_captions(words, captions, layout.text)
    shown = " ".join(words.words[:SHOWN]) + (" …" if len(words) > SHOWN else "")
    return f"{len(encoded)} captions, {len(words)} words: {shown}"


def encode_captions(frontend: TextFrontend, captions: Iterable[str], folder: Path) -> cache.CaptionCache:
    """Encode each distinct caption once and write a folder of them, with the frontend, in place of an older one.

    A shard of SHARD captions holds the tokens of all, one after the other, their ``lengths`` and their pooled vectors;
    features as float16, as which they are exact, words as int32. The bytes depend on frontend and captions alone.
    """
    distinct, length, digests, remarks = sorted(set(captions)), 0, {}, list[str]()
    with replace_folder(folder) as fresh, Progress("text", len(distinct), "captions") as progress:
        for start in range(0, len(distinct), cache.SHARD):
            part = distinct[start : start + cache.SHARD]
            prompts = frontend.encode_many(part)
            lengths, tokens = prompts.mask.sum(1), prompts.tokens[prompts.mask]
            tokens = tokens.half() if tokens.is_floating_point() else tokens.int()
            name = f"captions-{start // cache.SHARD:05}.safetensors"
            content = save({"tokens": tokens, "lengths": lengths, "pooled": prompts.pooled.half()})
            (fresh / name).write_bytes(content)
            digests[name], length = sha256(fresh / name), max(length, int(lengths.max()))
            suspect = ((lengths == 1) | (lengths == lengths.max())).tolist()  # only these may be cut short or empty
            remarks += filter(None, (frontend.check_prompt(one) for one, odd in zip(part, suspect, strict=True) if odd))
            progress.update(start + len(prompts))
        frontend.save(fresh)
        page = {"format": 1, "shard": cache.SHARD, "length": length, "files": digests, "captions": distinct}
        write_sealed(fresh / cache.CAPTIONS_FILE, page)
    if remarks:
        warn(f"{len(remarks)} captions are not read as they are, one for this reason: {remarks[0]}")
    return cache.CaptionCache(folder)
