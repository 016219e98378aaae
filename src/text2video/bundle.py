"""An exported model: one folder with all that generating needs, checked before it is used.

``config.json`` and ``text.json`` say how to put the model together, ``codec.safetensors`` and ``model.safetensors``
hold its weights, ``README.md`` is the model card, and ``manifest.json`` has the sha256 of each file: neither
safetensors nor torch notices a flipped bit. Nothing in a bundle is unpickled.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypedDict, Unpack

import numpy as np
import torch
from pydantic import Field, ValidationError

from text2video.console import warn
from text2video.device import side_by_side
from text2video.errors import UserError
from text2video.files import advice, check_files, read_json, replace_folder, sha256, write_json, write_text
from text2video.layout import Layout
from text2video.models.base import PLAIN, SampleOptions, Spec, VideoModel, draw_noise
from text2video.models.codec import Codec, build_codec
from text2video.models.kinds import kind_class
from text2video.params import Candidates, CodecParams, ExportParams, Positive, Section, Side, TextParams, model_kinds
from text2video.text.encoder import build_text_encoder
from text2video.text.kinds import load_text
from text2video.text.prompts import FRONTEND_FILE, TextFrontend
from text2video.video import to_clips, to_video
from text2video.weights import halve_weights, load_network, read_network_config

FORMAT = 9
BATCH = 64  # videos that are made before any of them is handed on
MANIFEST = "manifest.json"
NEEDED = ("config.json", FRONTEND_FILE, "codec.safetensors", "model.safetensors")
CARD_FIGURES = ("autoencode.json", "train.json")


class BundleConfig(Section):
    """What ``config.json`` must say."""

    format: int  # FORMAT: `verify_bundle` has looked
    size: tuple[Side, Side]  # height and width
    frames: Annotated[int, Field(ge=1, le=256)]
    fps: Annotated[int, Field(ge=1, le=60)]
    latent_shape: tuple[Positive, Positive, Positive]
    candidates: Candidates
    codec: CodecParams
    kind: str
    model: dict[str, Any]  # the parameters of that kind
    text: TextParams
    examples: list[str]  # captions that it was trained on


class Wishes(TypedDict, total=False):
    """What may be asked of some kinds of model beside the prompt; what is left out is as the model was exported."""

    guidance: float
    """How much the prompt counts: 1 as in training's clips, more exaggerates it."""
    steps: int
    """Steps from noise to video: fewer are quicker, more are smoother."""
    frames: int
    """The length of the videos, which are drawn piece by piece where that is more than the model draws at once."""
    first: np.ndarray
    """uint8[K, H, W, 3]: the first frames, which the videos go on from."""
    like: np.ndarray
    """uint8[T, H, W, 3]: a video to vary,"""
    change: float
    """and how much: 0 not at all, 1 all of it."""
    towards: str
    """Another prompt, which is mixed with each,"""
    share: float
    """and how much it counts: 0 not at all, 1 alone."""


class Model:
    """A trained text-to-video model: it draws ``candidates`` videos for each that it returns, and keeps the best, where
    its kind can rank them."""

    def __init__(
        self, network: VideoModel, codec: Codec, frontend: TextFrontend, config: dict[str, Any],
        device: torch.device | str = "cpu",
    ) -> None:  # fmt: skip
        self.network, self.codec, self.frontend, self.device = network, codec, frontend, device
        self.config = config
        self.candidates: int = config["candidates"]
        self.fps: int = config["fps"]

    def generate(
        self, prompts: Sequence[str] | str, seed: int = 0, count: int = 1, **wishes: Unpack[Wishes]
    ) -> np.ndarray:
        """Videos ``uint8[N * count, T, H, W, 3]`` for N prompts, ``count`` for each, those of one prompt together.

        A video depends on its prompt, the seed, its number and the wishes alone: each has a batch and a thread to
        itself, because the rounding of a matrix product can change with the size of the batch and the number of
        threads. Words that were never trained on are named in a warning and left out. Raises UserError for a
        prompt without words, and for a wish that this kind of model cannot fulfil.
        """
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        self.check([*prompts, *([wishes["towards"]] if "towards" in wishes else [])])
        numbers = list(range(count)) * len(prompts)
        return self.draw([p for p in prompts for _ in range(count)], seed, numbers, **wishes)

    def check(self, prompts: Sequence[str]) -> None:
        """Warn of words that were never trained on. Raises UserError for a prompt without words."""
        for prompt in prompts:
            if remark := self.frontend.check_prompt(prompt):
                warn(remark)

    def canonical(self, prompt: str) -> str:
        """A text that is equal for prompts which are read alike, and have the same videos."""
        return self.frontend.canonical(prompt)

    def draw(self, prompts: Sequence[str], seed: int, numbers: Sequence[int], **wishes: Unpack[Wishes]) -> np.ndarray:
        """Video ``numbers[i]`` of ``prompts[i]`` for each i, ``uint8[N, T, H, W, 3]``, without a look at the words."""
        frames = wishes.pop("frames", None)
        self.require_able(wishes, frames)
        options = self._options(wishes)
        asked = [(prompt, seed, number) for prompt, number in zip(prompts, numbers, strict=True)]
        clips = side_by_side(lambda one: self.best_clip(*one, frames, options), asked)
        shape = (0, frames or self.config["frames"], *self.config["size"], 3)
        return np.concatenate(clips) if clips else np.empty(shape, np.uint8)

    @torch.no_grad()
    def best_clip(
        self, prompt: str, seed: int, number: int, frames: int | None = None, options: SampleOptions = PLAIN
    ) -> np.ndarray:
        """One clip uint8[1, T, H, W, 3]: of the candidates the one that the network ranks highest, the first where it
        cannot rank (rejection by the discriminator: Azadi et al., ICLR 2019).

        Where ``frames`` are more than the network draws at once, each next piece begins with the last half of the one
        before.
        """
        shape, text = (self.candidates, *self.network.noise_shape()), self.canonical(prompt)
        noise = draw_noise(shape, text, seed, number).to(self.device)
        prompts, scores = self.frontend.encode([prompt]).to(self.device), None
        if self.candidates > 1:
            scores = self.network.rerank(noise, prompts[[0] * self.candidates], self.codec)
        best = 0 if scores is None else int(scores.argmax())
        video = self.network.sample(noise[best : best + 1], prompts, self.codec, options)
        length = video.shape[1]
        for piece in itertools.count(1):
            if video.shape[1] >= (frames or length):
                break
            noise = draw_noise((1, *shape[1:]), f"{text}/{piece}", seed, number).to(self.device)
            kept = length // 2
            going_on = replace(options, first=video[:, -kept:], like=None, change=None)
            video = torch.cat((video, self.network.sample(noise, prompts, self.codec, going_on)[:, kept:]), dim=1)
        return to_clips(video[:, :frames])

    def draw_in_batches(
        self, prompts: Sequence[str], seed: int, numbers: Sequence[int], **wishes: Unpack[Wishes]
    ) -> Iterator[np.ndarray]:
        """The same, some at a time: they can be saved or counted as they come."""
        for start in range(0, len(prompts), BATCH):
            part = slice(start, start + BATCH)
            yield self.draw(prompts[part], seed, numbers[part], **wishes)

    def require_able(self, wishes: Iterable[str], frames: int | None = None) -> None:
        """Raise UserError where this kind of model cannot fulfil one of the named wishes, or draw so many frames."""
        able, kind, longest = self.network.options, self.config["kind"], self.config["frames"]
        missing = ", ".join(name for name in wishes if name not in able and name != "frames")
        remedy = "such options need a model of kind flow: the one that ships (--model flow), or one of your own"
        if missing:
            raise UserError(f"a model of kind {kind} has no option {missing}; {remedy}")
        if frames and frames > longest and "first" not in able:
            raise UserError(f"a model of kind {kind} draws {longest} frames at most; {remedy}")

    def _options(self, wishes: Wishes) -> SampleOptions:
        """Wishes as tensors, for one prompt. Raises UserError for those that do not go together or do not fit."""
        tensors = dict[str, Any](wishes)
        for name, other in (("change", "like"), ("share", "towards")):
            if name in tensors and other not in tensors:
                raise UserError(f"{name} says how much {other} counts, and there is no {other}; give that, too")
        if "like" in tensors and "first" in tensors:
            raise UserError("like and first cannot be had together; leave one out")
        longest, size = self.config["frames"], tuple(self.config["size"])
        for name, fewest, most in (("first", 1, longest - 1), ("like", longest, longest)):
            if name in tensors:
                frames = tensors[name]
                if not (fewest <= len(frames) <= most and frames.shape[1:3] == size):
                    found = f"{len(frames)} frames of {frames.shape[2]}x{frames.shape[1]} pixels"
                    raise UserError(f"{name}: these are {found}; {fewest} to {most} of {size[1]}x{size[0]} will do")
                tensors[name] = to_video(frames[None], self.device)
        if "towards" in tensors:
            tensors["towards"] = self.frontend.encode([tensors["towards"]]).to(self.device)
        return SampleOptions(**tensors)

    @torch.no_grad()
    def reconstruct(self, clips: np.ndarray) -> np.ndarray:
        """Clips ``uint8[N, T, H, W, 3]`` through the codec and back: the best that this model could draw of them."""
        codec = self.codec
        rebuilt = [to_clips(codec.decode(codec.encode(to_video(clip[None], self.device)))) for clip in clips]
        return np.concatenate(rebuilt) if rebuilt else clips


def save_bundle(params: ExportParams, layout: Layout) -> None:
    """Put ``models/codec``, ``models/trained`` and the text frontend together as ``models/export``."""
    codec = read_network_config(layout.codec, advice(layout.codec))
    trained = read_network_config(layout.model, advice(layout.model))
    config = {"format": FORMAT, **params.model_dump(), "size": codec["size"], "codec": codec["codec"], **trained}
    figures = {name: read_json(layout.metrics / name, "run `dvc repro`") for name in CARD_FIGURES}
    frontend = load_text(layout.text)
    with replace_folder(layout.export) as fresh:
        write_json(fresh / "config.json", config)
        frontend.save(fresh)
        for source in (layout.codec / "codec.safetensors", layout.model / "model.safetensors"):
            (fresh / source.name).write_bytes(source.read_bytes())
        write_text(fresh / "README.md", model_card(config, figures))
        write_manifest(fresh)
    load_model(layout.export)


def ship_bundle(layout: Layout, half: bool = False) -> None:
    """Copy ``models/export`` into the package as the weights of its kind of model, with 16 bits each if ``half``."""
    config = verify_bundle(layout.export)
    with replace_folder(shipped_model(config["kind"])) as fresh:
        for name in (*NEEDED, "README.md"):
            (fresh / name).write_bytes((layout.export / name).read_bytes())
        if half:
            halve_weights(fresh / "model.safetensors")
        write_manifest(fresh)


def write_manifest(folder: Path) -> None:
    """Write the sha256 of each file of ``folder`` into its manifest."""
    write_json(folder / MANIFEST, {path.name: sha256(path) for path in sorted(folder.iterdir())})


def model_card(config: dict[str, Any], figures: dict[str, Any]) -> str:
    """The bundle's README: what it is, how to use it, how it was trained and what it scored."""
    rows = [(f"{name.removesuffix('.json')}: {key}", json.dumps(value))
            for name, page in figures.items() for key, value in page.items()]  # fmt: skip
    table = "\n".join(f"| {key} | {value} |" for key, value in rows)
    examples = "\n".join(f"- {' '.join(text.split())}" for text in config["examples"])
    example = config["examples"][:1]
    return f"""---
library_name: text2video
pipeline_tag: text-to-video
---
# A small text-to-video model

Videos of {config["frames"]} frames of {config["size"][1]}x{config["size"][0]} pixels, {config["fps"]} a second. Model
`{config["kind"]}`, codec `{config["codec"]["kind"]}`, text `{config["text"]["kind"]}`, trained from nothing on
captioned clips, and it knows nothing else. Captions that it was trained on:

{examples}

```python
from text2video import load_model

clips = load_model("path/of/this/folder").generate({example!r}, seed=0)  # uint8[N, T, H, W, 3]
```

| figure | value |
|---|---|
{table}

How well it does is in `metrics/evaluation.json` of the pipeline that made it, by its stage `evaluate`.
"""


def load_model(path: Path | str | None = None, device: torch.device | str = "cpu") -> Model:
    """Load an exported model: ``path``, else ``models/export`` where there is one, else the weights in the package.

    Where no folder ``path`` is, it may also be a kind of model whose weights are in the package, as "video_gan".

    Raises UserError, naming the file, when anything is missing, changed or of another format.
    """
    folder = find_model(path)
    remedy = _remedy(folder)
    config = verify_bundle(folder)
    try:
        page = BundleConfig(**config)
        own = model_kinds()[page.kind](**page.model)
    except (KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{folder / 'config.json'} does not fit this version; {remedy}") from error
    frontend = load_text(folder)
    codec = load_network(lambda: build_codec(page.codec, page.size), folder / "codec.safetensors", remedy).to(device)
    if codec.latent_shape != page.latent_shape:
        raise UserError(f"{folder / 'config.json'} has a codec that does not go with the model; {remedy}")
    spec = Spec(page.latent_shape, page.frames, lambda: build_text_encoder(frontend, page.text), page.text.dim)
    network = load_network(lambda: kind_class(page.kind)(own, spec), folder / "model.safetensors", remedy).to(device)
    return Model(network, codec, frontend, config, device)


def find_model(path: Path | str | None = None) -> Path:
    """The folder that ``load_model`` loads. Raises UserError where there is none to load without a path."""
    if path is None:
        for folder in (Path("models/export"), shipped_model()):
            if (folder / MANIFEST).is_file():
                return folder
        raise UserError("there is no trained model yet: run `dvc repro`, or name an exported model's folder")
    folder = Path(path)
    if folder.name == str(folder) and not folder.exists() and shipped_model(folder.name).is_dir():
        return shipped_model(folder.name)
    return folder


def shipped_model(kind: str = "video_gan") -> Path:
    """The folder of the weights inside the package, of a kind of model."""
    return Path(str(files("text2video"))) / "weights" / kind


def _remedy(folder: Path) -> str:
    """How to mend a bundle: the end of an error's line."""
    if folder.parent == shipped_model().parent:
        return "install the package again, or restore the folder with `git checkout`"
    return advice(folder)


def _has_model(folder: Path) -> bool:
    """Whether there seems to be an exported model in ``folder``; the videos of ``generate`` have a manifest, too."""
    return (folder / MANIFEST).is_file() and (folder / "config.json").is_file()


def verify_bundle(folder: Path) -> dict[str, Any]:
    """Check every file of a bundle against its manifest; returns the config. Raises UserError naming a bad file."""
    remedy, up = _remedy(folder), folder.parent
    near = [path for path in (folder / "models/export", folder / "export", up / "export", up) if _has_model(path)]
    if near and not _has_model(folder):
        raise UserError(f"{folder} is no exported model; do you mean {near[0]}?")
    if (folder / "dvc.yaml").is_file():
        raise UserError(f"{folder} is a pipeline that has no models/export yet; run `dvc repro {folder}/dvc.yaml`")
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of an exported model; check the path, or make one with `dvc repro`")
    manifest = read_json(folder / MANIFEST, remedy)
    if not isinstance(manifest, dict) or not set(NEEDED) <= set(manifest):
        raise UserError(f"{folder / MANIFEST} does not list what a model needs; {remedy}")
    check_files(folder, manifest, remedy)
    config = read_json(folder / "config.json", remedy)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{folder / 'config.json'} is no model of format {FORMAT}; {remedy}")
    return config
